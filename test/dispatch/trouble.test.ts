import { expect, test } from "vitest";
import { systemClock } from "../../electron/engine/clock.ts";
import { succeed } from "../../electron/contract/result.ts";
import { createGates } from "../../electron/engine/dispatch/gates.ts";
import { createTrouble } from "../../electron/engine/dispatch/trouble.ts";
import { createWindow } from "../../electron/engine/dispatch/window.ts";
import { createFastClock } from "../support/fast-clock.ts";

test("a server that did not answer and is back gets as many runs as before it was gone", async () => {
  const clock = createFastClock(1_000, systemClock.now());
  const gates = createGates(() => clock.now());
  const window = createWindow(8);
  const stopped = new AbortController();
  const trouble = createTrouble({
    gates,
    window,
    clock,
    random: () => 0.5,
    probe: () => Promise.resolve(succeed(undefined)),
    signIn: () => Promise.resolve(succeed(undefined)),
    stopped: stopped.signal,
  });
  const isBack = new Promise<void>((resolve) => {
    gates.onChange(({ gate, closed }) => {
      if (gate.kind === "unreachable" && !closed) resolve();
    });
  });
  window.congested(0, 1);
  const failure = { reason: "timed-out", host: "127.0.0.1:1", phase: "connect" } as const;
  for (let n = 0; n < 2; n++) trouble.failed(failure);
  expect(gates.isClosed("unreachable")).toBe(true);
  expect(window.size).toBe(4);
  await isBack;
  expect(window.size).toBe(8);
  stopped.abort();
});
