import { svelte } from "@sveltejs/vite-plugin-svelte";
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
          main: "electron/shell/main.ts",
          cli: "electron/cli/cli.ts",
          simulator: "electron/simulator/simulator.ts",
          "store-worker": "electron/engine/store/store-worker.ts",
          "answer-worker": "electron/engine/results/answer-worker.ts",
        },
        output: FLAT,
      },
    },
  },
  preload: {
    build: {
      target: NODE_TARGET,
      outDir: "out/preload",
      // A sandboxed bridge is one CommonJS file: it can require nothing but Electron.
      externalizeDeps: false,
      rolldownOptions: {
        input: { preload: "electron/preload/preload.ts" },
        output: { format: "cjs" as const, entryFileNames: "[name].cjs" },
      },
    },
  },
  renderer: {
    root: "src",
    base: "./",
    publicDir: false,
    plugins: [svelte({ configFile: false, compilerOptions: { runes: true } })],
    build: {
      // The page is also served to ordinary browsers; `light-dark()` must not be rewritten.
      target: "chrome125",
      outDir: "out/renderer",
      // The page's policy refuses fonts from data: URLs.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      minify: true,
      rolldownOptions: { input: "src/index.html" },
    },
  },
});
