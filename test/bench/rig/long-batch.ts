import { succeed } from "../../../electron/contract/result.ts";
import { systemClock } from "../../../electron/engine/clock.ts";
import { openEngine } from "../../../electron/engine/engine.ts";
import { peakRssMb, report } from "../contenders/contender.ts";

/** An engine in a process of its own over a batch that was filled before: one walk of its folder while it submits. */
export interface LongBatchOrders {
  dataFile: string;
  url: string;
  batchId: number;
  /** Images that it is to finish at least; the walk is waited for, too. */
  images: number;
}

export interface LongBatchReport {
  openMs: number;
  walkMs: number;
  /** When the process was started; wall clock with fractions. */
  startedAt: number;
  done: number;
  peakRssMb: number;
  /** When the walk is over and what nobody holds any more is given back. */
  restRssMb: number;
}

const LONGEST_MS = 240_000;
const orders = JSON.parse(process.argv[2] ?? "{}") as LongBatchOrders;
const startedAt = performance.timeOrigin;
const before = performance.now();
const opened = await openEngine({
  dataFile: orders.dataFile,
  clock: systemClock,
  random: Math.random,
  env: {},
  version: "bench",
  resolve: async () =>
    succeed({ url: orders.url, tokenService: orders.url, apiToken: (): string => "bench" }),
  onProblem: (failure) => process.stderr.write(`${JSON.stringify(failure)}\n`),
});
if (!opened.ok) throw new Error(JSON.stringify(opened.failure));
const engine = opened.value;
const { ledger: first } = await engine.store.call("ledgerOf", orders.batchId);
const started = await engine.start(orders.batchId, { watch: false });
if (!started.ok) throw new Error(JSON.stringify(started.failure));
const runner = started.value;
const openMs = performance.now() - before;
let done = 0;
while (runner.walking || done < orders.images) {
  if (performance.now() - before > LONGEST_MS) throw new Error(`Only ${done} images were done in time`);
  await systemClock.sleep(100, new AbortController().signal);
  done = (await runner.ledger()).ledger.done - first.done;
}
const walkMs = performance.now() - before;
const peak = peakRssMb();
globalThis.gc?.();
await systemClock.sleep(1000, new AbortController().signal);
const restRssMb = process.memoryUsage.rss() / 2 ** 20;
await runner.stop(2000);
await engine.close(0);
report({ openMs, walkMs, startedAt, done, peakRssMb: peak, restRssMb } satisfies LongBatchReport);
