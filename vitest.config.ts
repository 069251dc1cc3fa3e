import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
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
    ],
  },
});
