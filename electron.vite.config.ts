import { defineConfig } from "electron-vite";

const NODE_TARGET = "node24";

/** Every program is one file beside its worker threads, so that `./x-worker.js` resolves from any of them. */
const FLAT = {
  format: "es" as const,
  entryFileNames: "[name].js",
  chunkFileNames: "[name]-[hash].js",
};

export default defineConfig({
  main: {
    build: {
      target: NODE_TARGET,
      outDir: "out/main",
      rolldownOptions: {
        input: {
          cli: "electron/cli/cli.ts",
          simulator: "electron/simulator/simulator.ts",
          "store-worker": "electron/engine/store/store-worker.ts",
        },
        output: FLAT,
      },
    },
  },
});
