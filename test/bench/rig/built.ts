import { resolve } from "node:path";
import { build } from "vite";

/** Programs that contain Nightrun itself, by their source below `test/bench/`. */
const PROGRAMS: Record<string, string> = {
  "contenders/nightrun.ts": "nightrun",
  "rig/heavy-night.ts": "heavy-night",
};
/** Inside the project, so that the packages that stay outside the build are found. */
const FOLDER = "test-results/bench-programs";

let building: Promise<unknown> | null = null;

/**
 * Builds the programs that contain Nightrun as the product is built, once in a process: run from source, Node's own
 * TypeScript reader would be measured along with it.
 */
async function buildPrograms(): Promise<void> {
  const bench = Object.entries(PROGRAMS).map(([source, name]) => [name, `test/bench/${source}`]);
  building ??= build({
    configFile: false,
    logLevel: "warn",
    build: {
      ssr: true,
      target: "node24",
      outDir: FOLDER,
      rolldownOptions: {
        input: {
          ...(Object.fromEntries(bench) as Record<string, string>),
          "store-worker": "electron/engine/store/store-worker.ts",
          "answer-worker": "electron/engine/results/answer-worker.ts",
        },
        output: { format: "es", entryFileNames: "[name].js", chunkFileNames: "[name]-[hash].js" },
      },
    },
  });
  await building;
}

/** Where a program of the bench is to be started from; it is built where that is needed. */
export async function programFile(source: string): Promise<string> {
  const name = PROGRAMS[source];
  if (name === undefined) return resolve(import.meta.dirname, "..", source);
  await buildPrograms();
  return resolve(FOLDER, `${name}.js`);
}
