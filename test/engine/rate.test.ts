import { expect, test } from "vitest";
import { startEngineProcess } from "../support/crash-loop.ts";
import { writePictures } from "../support/pictures.ts";
import { type Rig } from "../support/open-rig.ts";
import { createRig } from "../support/rig.ts";

/** The engine's clock is the server's here: what is measured there is what was asked for. */
const SPEED = 1;
const WINDOW_MS = 1000;

/** The most submissions that any window `(t - windowMs, t]` held, by the server's own clock. */
function mostInWindow(rig: Rig, windowMs = WINDOW_MS): number {
  const arrivals = rig.simulator.control.stats().puts.map((put) => put.atMs);
  const inside = (end: number): number => arrivals.filter((at) => at <= end && at > end - windowMs).length;
  return Math.max(...arrivals.map(inside));
}

const limits = { concurrency: 10, rate: { count: 4, windowMs: WINDOW_MS } };

test("At most so many submissions reach the server in any sliding window", async () => {
  await using rig = await createRig({ speed: SPEED, limits });
  await writePictures(rig.folder, 14);
  const { ledger } = await rig.runToEnd();
  expect(ledger).toMatchObject({ done: 14 });
  expect(mostInWindow(rig)).toBe(4);
});

test("The window holds across a kill and a restart", async () => {
  // Longer than a restart takes, so that the restart alone does not wait it out.
  const windowMs = 4000;
  await using rig = await createRig({
    speed: SPEED,
    limits: { concurrency: 10, rate: { count: 3, windowMs } },
  });
  await writePictures(rig.folder, 6);
  const killed = startEngineProcess(rig, { speed: SPEED });
  await rig.simulator.control.until((stats) => stats.requests.put >= 3);
  await killed.kill();
  await rig.start();
  await rig.simulator.control.until((stats) => stats.requests.put >= 6);
  expect(mostInWindow(rig, windowMs)).toBe(3);
});

test("A submission that is repeated after a renewed sign-in counts, too", async () => {
  await using rig = await createRig({ speed: SPEED, limits });
  await writePictures(rig.folder, 8);
  rig.simulator.control.script({ on: "put", skip: 2, times: 3, fault: { kind: "status", status: 401 } });
  const { ledger } = await rig.runToEnd();
  expect(ledger).toMatchObject({ done: 8 });
  expect(rig.puts).toBe(11);
  expect(mostInWindow(rig)).toBeLessThanOrEqual(4);
});
