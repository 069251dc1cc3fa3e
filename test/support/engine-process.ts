import { monitorEventLoopDelay } from "node:perf_hooks";
import { DEFAULT_LIMITS, type BatchSettings } from "../../electron/contract/batch.ts";
import { succeed } from "../../electron/contract/result.ts";
import { openEngine } from "../../electron/engine/engine.ts";
import type { IntakeTiming } from "../../electron/engine/intake/intake.ts";
import { createFastClock } from "./fast-clock.ts";

/**
 * An engine in a process of its own, for tests that kill it at any moment. Takes its orders as JSON in the first
 * argument, says `open` and, when everything is done or failed, `ended` with the way it ended; a line each on stdout.
 */
export interface EngineOrders {
  dataFile: string;
  settings: BatchSettings;
  simulatorUrl: string;
  apiToken: string;
  speed: number;
  originAt: number;
  timing: IntakeTiming;
  /** null = the product's own. @default 0 */
  minimumFreeBytes?: number | null;
  /** Says `loop {"p50Ms", "p99Ms", "maxMs"}`, the delay of this thread's event loop while it ran, before `ended`. */
  tellLoopDelay?: boolean;
  /** Says `step {"path", "stage", "runs"}` whenever a step of an image is on the disk. */
  tellSteps?: boolean;
}

const LOOP_RESOLUTION_MS = 5;
const orders = JSON.parse(process.argv[2] ?? "{}") as EngineOrders;
const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** What is said here was read from the data file after its commit: it must never be lost again. */
async function tellStep(imageId: number): Promise<void> {
  if (orders.tellSteps !== true || !opened.ok) return;
  const { store } = opened.value;
  const [image, runs] = await Promise.all([store.call("imageById", imageId), store.call("runsOf", imageId)]);
  if (image === null) return;
  const steps = runs.map(({ id, uuid, state }) => ({ id, uuid, state }));
  say(`step ${JSON.stringify({ path: image.path, stage: image.stage, runs: steps })}`);
}

const opened = await openEngine({
  dataFile: orders.dataFile,
  clock: createFastClock(orders.speed, orders.originAt),
  random: Math.random,
  env: {},
  version: "test",
  resolve: () =>
    Promise.resolve(
      succeed({
        url: orders.simulatorUrl,
        tokenService: orders.simulatorUrl,
        apiToken: (): string => orders.apiToken,
      }),
    ),
  timing: orders.timing,
  minimumFreeBytes: () => (orders.minimumFreeBytes === undefined ? 0 : orders.minimumFreeBytes),
  onImage: (_batchId, imageId) => {
    // The file may be closed by then: what is not said is not promised.
    void tellStep(imageId).catch(() => undefined);
  },
  onProblem: (failure) => say(`problem ${JSON.stringify(failure)}`),
});
if (!opened.ok) {
  say(`refused ${JSON.stringify(opened.failure)}`);
  process.exit(4);
}
say("open");
const engine = opened.value;
const prepared = await engine.prepare({
  ...orders.settings,
  limits: { ...DEFAULT_LIMITS, ...orders.settings.limits },
});
if (!prepared.ok) {
  say(`unprepared ${JSON.stringify(prepared.failure)}`);
  await engine.close(0);
  process.exit(3);
}
const [known] = await engine.store.call("listBatches", null);
const batch = await engine.saveBatch(known?.id ?? null, prepared.value);
const started = await engine.start(batch.id, { watch: false });
if (!started.ok) process.exit(3);
const delay = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
delay.enable();
const ending = await started.value.untilEnded(new AbortController().signal);
delay.disable();
await started.value.stop(ending.kind === "stopped" ? 0 : 10_000);
await engine.close(0);
if (orders.tellLoopDelay === true) {
  // The histogram counts each tick as late by its own length.
  const ms = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - LOOP_RESOLUTION_MS);
  const told = { p50Ms: ms(delay.percentile(50)), p99Ms: ms(delay.percentile(99)), maxMs: ms(delay.max) };
  say(`loop ${JSON.stringify(told)}`);
}
say(`ended ${JSON.stringify(ending)}`);
