import { spawn } from "node:child_process";
import { once } from "node:events";
import { createReadStream, existsSync, openSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { skipLoudly, type Finding, type Measure } from "../measure.ts";
import { benchSettings, inOwnFolder } from "../support/bench-batch.ts";
import { fillDataFile } from "../support/filled-data-file.ts";
import { peakRssOf } from "../support/rss-of.ts";

const RESULT_CHARS = 500;
const PROJECT = fileURLToPath(new URL("../../..", import.meta.url));
const LOOK_EVERY_MS = 50;

/** The built program, or its source where it is not built. */
function program(): string {
  const built = join(process.env.NIGHTRUN_OUT ?? join(PROJECT, "out"), "main/cli.js");
  return existsSync(built) ? built : join(PROJECT, "electron/cli/cli.ts");
}

async function countLines(file: string): Promise<number> {
  let lines = 0;
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>)
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) lines += 1;
  return lines;
}

async function exportAll(
  dataFile: string,
  target: string,
): Promise<{ seconds: number; peakMb: number | null }> {
  const args = [program(), "export", "--format", "jsonl", "--data", dataFile];
  const before = performance.now();
  const child = spawn(process.execPath, args, { stdio: ["ignore", openSync(target, "w"), "inherit"] });
  let peakMb: number | null = null;
  const looking = setInterval(() => (peakMb = peakRssOf(child.pid ?? 0) ?? peakMb), LOOK_EVERY_MS);
  const [code] = (await once(child, "exit")) as [number | null];
  clearInterval(looking);
  if (code !== 0) throw new Error(`nightrun export ended with ${String(code)}`);
  return { seconds: (performance.now() - before) / 1000, peakMb };
}

async function measureExport(base: string, images: number): Promise<Finding[]> {
  const dataFile = join(base, "nightrun.db");
  fillDataFile({
    file: dataFile,
    images,
    settings: benchSettings(base),
    resultChars: RESULT_CHARS,
    stageOf: () => "DONE",
  });
  const target = join(base, "export.jsonl");
  const { seconds, peakMb } = await exportAll(dataFile, target);
  const lines = await countLines(target);
  if (lines !== images) throw new Error(`${lines} lines for ${images} images`);
  const what = `export of ${images.toLocaleString("en-US")} images with ${RESULT_CHARS}-character results`;
  if (peakMb === null) skipLoudly("The memory of the export is only measured on Linux.");
  return [
    {
      measure: what,
      value: images / seconds,
      unit: "images/s",
      bar: { kind: "at-least", value: 50_000 },
      note: `${seconds.toFixed(1)} s with the start of the program; ${program().endsWith(".ts") ? "from source" : "built"}`,
    },
    ...(peakMb === null
      ? []
      : [
          {
            measure: `peak RSS, ${what}`,
            value: peakMb,
            unit: "MB",
            bar: { kind: "at-most", value: 250 } as const,
          },
        ]),
  ];
}

/** The real command, to a file. */
export const exportMillion: Measure = {
  name: "export-million",
  what: "How fast `nightrun export --format jsonl` tells a million finished images, and its memory.",
  quick: true,
  run: ({ quick }) => inOwnFolder((base) => measureExport(base, quick ? 100_000 : 1_000_000)),
};
