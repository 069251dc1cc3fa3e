import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { createWatchdog } from "../../electron/engine/deployment/watchdog.ts";

/** As a sleeping machine does: nothing runs, and every timer is overdue afterwards. */
function standStill(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

test("After a stall, bytes that arrived meanwhile are noticed before the request is given up", async () => {
  const watchdog = createWatchdog();
  let barks = 0;
  watchdog.watch(40, () => barks++);
  standStill(120);
  // What arrived is read after the timers that were due before.
  await pause(1);
  watchdog.progress();
  await pause(20);
  expect(barks).toBe(0);
  watchdog.stop();
});

test("Where nothing arrives after a stall, the request is given up all the same", async () => {
  const watchdog = createWatchdog();
  const barked = new Promise<void>((resolve) => watchdog.watch(40, resolve));
  standStill(120);
  await barked;
});
