import { defineConfig } from "@playwright/test";
import { spawnSync } from "node:child_process";
import { electronBinary } from "./electron-binary.ts";

/** Why the real desktop app cannot be tested here; null = it can. */
function obstacle(): string | null {
  if (electronBinary() === null) return "Electron's program is not here. Get it with `npx install-electron`.";
  if (process.platform !== "linux") return null;
  if ((process.env.DISPLAY ?? "") !== "" || (process.env.WAYLAND_DISPLAY ?? "") !== "") return null;
  const hasXvfb = spawnSync("Xvfb", ["-help"], { stdio: "ignore" }).error === undefined;
  return hasXvfb ? null : "There is no display, and no Xvfb that could stand for one.";
}

const why = obstacle();
if (why !== null) {
  const line = "*".repeat(72);
  console.error(`\n${line}\nTHE TESTS OF THE DESKTOP APP ARE SKIPPED.\n${why}\n${line}\n`);
  // Whoever wants to be sure that they ran says so.
  process.exit(process.env.NIGHTRUN_NEEDS_DESKTOP === undefined ? 0 : 1);
}

/** The real desktop app, started and looked at from outside. One at a time: each has a window. */
export default defineConfig({
  testDir: ".",
  testMatch: "*.spec.ts",
  outputDir: "../../test-results/desktop",
  globalSetup: "./display.ts",
  workers: 1,
  forbidOnly: Boolean(process.env.CI),
  timeout: 90_000,
  expect: { timeout: 20_000 },
  reporter: [["list"], ["json", { outputFile: "../../test-results/desktop.json" }]],
});
