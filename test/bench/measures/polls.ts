import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../../electron/engine/clock.ts";
import { openStore } from "../../../electron/engine/store/store.ts";
import type { RaceReport } from "../contenders/contender.ts";
import { spread, type Finding, type Measure } from "../measure.ts";
import { writePhotos } from "../rig/pictures.ts";
import { runProgram, startServer } from "../rig/processes.ts";
import type { ServedRun } from "../rig/server.ts";

const CONCURRENCY = 8;
const PICTURE_BYTES = 30_000;
/** Until so many runs have finished, what is typical is being learnt. */
const LEARNING_RUNS = 4 * CONCURRENCY;

/** When each run's result was stored, by run id; wall clock, milliseconds. */
async function storedAt(dataFile: string): Promise<Map<string, number>> {
  const store = await openStore({ file: dataFile, mode: "read", clock: systemClock });
  if (!store.ok) throw new Error(`The data file cannot be read: ${store.failure.reason}`);
  const runs = await store.value.call("pageRuns", { batchId: 1, afterId: 0, limit: 1_000_000 });
  await store.value.close();
  return new Map(runs.map((run) => [run.uuid ?? "", run.finishedAt ?? Number.NaN]));
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

async function pollRunsOf(base: string, folder: string, files: string[], runMs: number): Promise<Finding[]> {
  const server = await startServer({ runMs, mode: "plain" });
  const place = join(base, `place-${runMs}`);
  await mkdir(place);
  const orders = { url: server.url, folder, files, concurrency: CONCURRENCY, place };
  await runProgram<RaceReport>("contenders/nightrun.ts", orders);
  const stats = await server.stats();
  await server.stop();
  const stored = await storedAt(join(place, "nightrun.db"));
  const steady = [...stats.runs].sort((a, b) => a.readyAt - b.readyAt).slice(LEARNING_RUNS);
  const delays = steady.map((run: ServedRun) => (stored.get(run.uuid) ?? Number.NaN) - run.readyAt);
  const untilTaken = steady.map((run) => (run.takenAt ?? Number.NaN) - run.readyAt);
  const gets = steady.map((run) => run.gets);
  return [
    {
      measure: `results GETs per run, ${runMs} ms a run, no advice`,
      value: mean(gets),
      unit: "",
      bar: { kind: "at-most", value: 2.5 },
      spread: spread(gets, 0),
      note: `${steady.length} runs after ${LEARNING_RUNS} to learn from`,
    },
    {
      measure: `mean delay from ready to stored, ${runMs} ms a run, no advice`,
      value: (100 * mean(delays)) / runMs,
      unit: "% of the run time",
      bar: { kind: "at-most", value: 15 },
      spread: spread(
        delays.map((delay) => (100 * delay) / runMs),
        0,
      ),
      note: `${((100 * mean(untilTaken)) / runMs).toFixed(1)} % until it was asked for, the rest until it was safe on this disk`,
    },
  ];
}

async function runPolls(quick: boolean): Promise<Finding[]> {
  const base = await mkdtemp(join(tmpdir(), "nightrun-bench-"));
  try {
    const folder = join(base, "pictures");
    const files = await writePhotos(folder, quick ? 64 : 160, PICTURE_BYTES);
    const findings: Finding[] = [];
    for (const runMs of quick ? [600] : [600, 2500])
      findings.push(...(await pollRunsOf(base, folder, files, runMs)));
    return findings;
  } finally {
    await rm(base, { recursive: true, force: true });
  }
}

/** How well the times to ask for a result are learnt from finished runs. */
export const polls: Measure = {
  name: "polls",
  what: "Questions per run, and how long a ready result waits, at a deployment that gives no advice.",
  quick: true,
  run: ({ quick }) => runPolls(quick),
};
