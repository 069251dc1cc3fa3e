import { monitorEventLoopDelay } from "node:perf_hooks";
import { DEFAULT_LIMITS } from "../../../electron/contract/batch.ts";
import { succeed } from "../../../electron/contract/result.ts";
import { systemClock } from "../../../electron/engine/clock.ts";
import { openEngine } from "../../../electron/engine/engine.ts";
import { peakRssMb, report } from "../contenders/contender.ts";
import { TASK } from "./processes.ts";

/**
 * An engine in a process of its own that sends heavy pictures, many at once, and walks its folder all the while: as
 * in a watched folder, where walks go on during the night. Watches its memory and its event loop.
 */
export interface HeavyOrders {
  url: string;
  folder: string;
  place: string;
  concurrency: number;
  /** How many pictures lie in the folder. */
  pictures: number;
}

export interface HeavyReport {
  done: number;
  peakRssMb: number;
  /** How late a timer every 5 ms came, with those 5 ms; milliseconds. */
  delayP99Ms: number;
  delayMaxMs: number;
  /** Complete walks of the folder while images were sent. */
  walks: number;
}

const RESOLUTION_MS = 5;
const orders = JSON.parse(process.argv[2] ?? "{}") as HeavyOrders;

function need<T>(result: { ok: true; value: T } | { ok: false; failure: unknown }): T {
  if (!result.ok) throw new Error(JSON.stringify(result.failure));
  return result.value;
}

const engine = need(
  await openEngine({
    dataFile: `${orders.place}/nightrun.db`,
    clock: systemClock,
    random: Math.random,
    env: {},
    version: "bench",
    resolve: async () =>
      succeed({ url: orders.url, tokenService: orders.url, apiToken: (): string => "bench" }),
    onProblem: (failure) => process.stderr.write(`${JSON.stringify(failure)}\n`),
  }),
);
const prepared = need(
  await engine.prepare({
    name: "bench",
    decision: {
      deployment: orders.url,
      outputs: [{ taskName: TASK, taskIndex: 0, outputIndex: 0 }],
      parameters: [],
      inputs: [],
    },
    intake: { folder: orders.folder, recursive: true, include: [], exclude: [], dedupe: true },
    results: { resultsFolder: `${orders.place}/results`, keepRaw: false },
    limits: { ...DEFAULT_LIMITS, concurrency: orders.concurrency },
  }),
);
const batch = await engine.saveBatch(null, prepared);
await engine.store.call("setBatchFlags", { batchId: batch.id, paused: true });
const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
delay.enable();
const runner = need(await engine.start(batch.id, { watch: false }));
const never = new AbortController().signal;
// All are ready before the first is sent, so that as many as may be are on their way at once.
for (let ready = 0; ready < orders.pictures;) {
  await systemClock.sleep(100, never);
  ready = (await engine.store.call("stageCounts", batch.id)).READY ?? 0;
}
await runner.resume();

let walks = 0;
const over = new AbortController();
const walking = (async () => {
  while (!over.signal.aborted) {
    await runner.rescan();
    walks += 1;
  }
})();
for (let done = 0; done < orders.pictures;) {
  await systemClock.sleep(100, never);
  done = (await runner.ledger()).ledger.done;
}
over.abort();
await walking;
delay.disable();
const { ledger } = await runner.ledger();
await runner.stop(0);
await engine.close(0);
report({
  done: ledger.done,
  peakRssMb: peakRssMb(),
  delayP99Ms: delay.percentile(99) / 1e6,
  delayMaxMs: delay.max / 1e6,
  walks,
} satisfies HeavyReport);
