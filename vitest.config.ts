import { existsSync } from "node:fs";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { playwright } from "@vitest/browser-playwright";
import { defineConfig } from "vitest/config";
import { drawnPictures } from "./test/window/support/drawn-pictures.ts";

const CHROMIUM = process.env.NIGHTRUN_CHROMIUM ?? "/usr/bin/chromium";

/** Browser tests are never left out in silence, and never in CI. */
function hasChromium(): boolean {
  if (existsSync(CHROMIUM)) return true;
  const where = `there is no ${CHROMIUM} (set NIGHTRUN_CHROMIUM to the path of a Chromium)`;
  if (process.env.CI !== undefined) throw new Error(`The window's tests cannot run: ${where}.`);
  process.stderr.write(`\n*** THE WINDOW'S TESTS ARE SKIPPED: ${where}. ***\n\n`);
  return false;
}

const WINDOW = hasChromium();

/** A shared machine may stand still for seconds; what fails twice is wrong. */
const RETRY = process.env.CI === undefined ? 0 : 1;

export default defineConfig({
  test: {
    passWithNoTests: !WINDOW,
    // Most of these tests wait for processes, files and sockets: on two cores one worker would leave both idle.
    maxWorkers: 3,
    projects: [
      {
        test: {
          name: "node",
          include: ["test/**/*.test.ts"],
          exclude: ["test/window/**", "test/desktop/**", "test/e2e/**", "node_modules/**"],
          environment: "node",
          globalSetup: ["test/support/node-version.ts"],
          retry: RETRY,
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
      {
        plugins: [svelte({ configFile: false, compilerOptions: { runes: true } }), drawnPictures()],
        // What is found only while tests run would reload the page under them.
        optimizeDeps: { include: ["axe-core", "bits-ui", "fast-check", "svelte/reactivity", "uplot"] },
        test: {
          name: "window",
          include: WINDOW ? ["test/window/**/*.test.ts"] : [],
          retry: RETRY,
          testTimeout: 60_000,
          // Tests that measure long tasks must not measure each other.
          fileParallelism: false,
          browser: {
            enabled: WINDOW,
            headless: true,
            screenshotFailures: false,
            provider: playwright({
              launchOptions: { executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-gpu"] },
            }),
            instances: [{ browser: "chromium", viewport: { width: 1280, height: 800 } }],
          },
        },
      },
    ],
  },
});
