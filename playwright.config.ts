import { existsSync } from "node:fs";
import { chromium, defineConfig } from "@playwright/test";

/** Where a Chromium may be: the one that was named, the system's, or Playwright's own. */
const CANDIDATES = [process.env.NIGHTRUN_CHROMIUM, "/usr/bin/chromium", chromium.executablePath()];
const found = CANDIDATES.find((file) => file !== undefined && existsSync(file));

if (found === undefined) {
  const line = "*".repeat(72);
  process.stderr.write(
    `\n${line}\nTHE BROWSER TESTS ARE SKIPPED: there is no Chromium.\nInstall it, or name one with NIGHTRUN_CHROMIUM=<file>.\n${line}\n`,
  );
  process.exit(process.env.CI ? 1 : 0);
}

/** The tests of the window in a browser: the built page over a real engine and a simulator. */
export default defineConfig({
  testDir: "test/e2e",
  projects: [
    { name: "window", testMatch: "*.spec.ts" },
    // Ten minutes long, so only when it is asked for: `npm run test:window-soak`.
    { name: "soak", testMatch: "window-soak.ts", timeout: 20 * 60_000 },
  ],
  outputDir: "test-results/e2e",
  workers: 1,
  // A shared machine may stand still for seconds; what fails twice is wrong.
  retries: process.env.CI ? 1 : 0,
  forbidOnly: Boolean(process.env.CI),
  timeout: 60_000,
  expect: { timeout: 15_000 },
  reporter: [["list"], ["json", { outputFile: "test-results/playwright.json" }]],
  use: {
    viewport: { width: 1440, height: 900 },
    colorScheme: "dark",
    locale: "en-GB",
    timezoneId: "UTC",
    actionTimeout: 15_000,
    screenshot: "only-on-failure",
    launchOptions: {
      executablePath: found,
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
      ],
    },
  },
});
