import { svelte } from "@sveltejs/vite-plugin-svelte";
import { playwright } from "@vitest/browser-playwright";
import { defineConfig } from "vitest/config";
import { drawnPictures } from "./test/window/support/drawn-pictures.ts";

const CHROMIUM = process.env.NIGHTRUN_CHROMIUM ?? "/usr/bin/chromium";

export default defineConfig({
  test: {
    reporters: ["default", ["json", { outputFile: "test-results/vitest.json" }]],
    projects: [
      {
        test: {
          name: "node",
          include: ["test/**/*.test.ts"],
          exclude: ["test/window/**", "test/desktop/**", "test/reliability/**", "node_modules/**"],
          environment: "node",
          globalSetup: ["test/support/node-version.ts"],
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      {
        plugins: [svelte({ compilerOptions: { runes: true } }), drawnPictures()],
        test: {
          name: "window",
          include: ["test/window/**/*.test.ts"],
          testTimeout: 30_000,
          // Tests that measure long tasks must not measure each other.
          fileParallelism: false,
          browser: {
            enabled: true,
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
