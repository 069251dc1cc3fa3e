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
}

const orders = JSON.parse(process.argv[2] ?? "{}") as EngineOrders;
const say = (line: string): void => void process.stdout.write(`${line}\n`);

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
  minimumFreeBytes: () => 0,
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
const ending = await started.value.untilEnded(new AbortController().signal);
await started.value.stop(ending.kind === "stopped" ? 0 : 10_000);
await engine.close(0);
say(`ended ${JSON.stringify(ending)}`);
