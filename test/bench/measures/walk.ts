import { mkdirSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { succeed } from "../../../electron/contract/result.ts";
import type { BatchRunner } from "../../../electron/engine/batch-runner.ts";
import { systemClock } from "../../../electron/engine/clock.ts";
import { openEngine, type Engine } from "../../../electron/engine/engine.ts";
import { median, spread, type Finding, type Measure } from "../measure.ts";
import { startServer } from "../rig/processes.ts";
import { benchSettings, inOwnFolder } from "../support/bench-batch.ts";
import { fillDataFile } from "../support/filled-data-file.ts";
import { realFilesIn } from "../support/real-files.ts";

const ROUNDS = 5;

/** What a script does: list every folder, ask for every file, one after the other. */
async function lookAtAll(folder: string): Promise<number> {
  let files = 0;
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) files += await lookAtAll(path);
    else files += (await stat(path)).isFile() ? 1 : 0;
  }
  return files;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const before = performance.now();
  await work();
  return performance.now() - before;
}

/** A runner of the paused batch: it walks when it is asked to and submits nothing. */
async function openRunner(
  dataFile: string,
  batchId: number,
  url: string,
): Promise<{ engine: Engine; runner: BatchRunner }> {
  const opened = await openEngine({
    dataFile,
    clock: systemClock,
    random: Math.random,
    env: {},
    version: "bench",
    resolve: async () => succeed({ url, tokenService: url, apiToken: (): string => "bench" }),
    onProblem: (failure) => process.stderr.write(`${JSON.stringify(failure)}\n`),
  });
  if (!opened.ok) throw new Error(opened.failure.reason);
  const started = await opened.value.start(batchId, { watch: false });
  if (!started.ok) throw new Error(started.failure.reason);
  return { engine: opened.value, runner: started.value };
}

async function measureWalk(base: string, files: number): Promise<Finding> {
  const server = await startServer({ runMs: 20, mode: "advice" });
  const settings = benchSettings(base, server.url);
  const { folder } = settings.intake;
  mkdirSync(folder);
  const dataFile = join(base, "nightrun.db");
  const realFile = await realFilesIn(folder);
  const stageOf = (): "DONE" => "DONE";
  const filling = { file: dataFile, images: files, settings, resultChars: 100, realFile, stageOf };
  const batchId = fillDataFile({ ...filling, paused: true });
  const { engine, runner } = await openRunner(dataFile, batchId, server.url);
  // The first walk, that of the start, finds nothing in the memory of the system.
  await runner.rescan();
  await lookAtAll(folder);
  const ours: number[] = [];
  const bare: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    bare.push(await timed(() => lookAtAll(folder)));
    ours.push(await timed(() => runner.rescan()));
  }
  const { ledger } = await runner.ledger();
  await runner.stop(0);
  await engine.close(0);
  await server.stop();
  if (ledger.done !== files) throw new Error(`${ledger.done} of ${files} files were known again`);
  const ratios = ours.map((ms, i) => ms / (bare[i] ?? ms));
  return {
    measure: `full walk of ${files.toLocaleString("en-US")} known files against readdir + stat`,
    value: median(ratios),
    unit: "×",
    bar: { kind: "at-most", value: 1.5 },
    spread: spread(ratios),
    note: `${(median(ours) / 1000).toFixed(2)} s against ${(median(bare) / 1000).toFixed(2)} s; each file is compared with its row`,
  };
}

/** A walk is the truth about a folder, and made again and again. */
export const walk: Measure = {
  name: "walk",
  what: "A full walk of known files, with the store, against listing and asking alone.",
  quick: true,
  run: ({ quick }) => inOwnFolder(async (base) => [await measureWalk(base, quick ? 5000 : 100_000)]),
};
