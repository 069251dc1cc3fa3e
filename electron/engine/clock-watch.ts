import type { Clock } from "./clock.ts";
import type { Store } from "./store/store.ts";

/** A gap this much longer than a beat means that the machine slept. */
const SLEEP_GAP_MS = 30_000;
/** The wall clock went this much faster or slower than time itself: somebody set it, or the machine slept. */
const CLOCK_JUMP_MS = 2_000;

/** Sees from beat to beat whether the machine slept or its clock was set, tells of it, and moves the waits of a batch. */
export interface ClockWatch {
  /** To be called after each beat of so many milliseconds. */
  look(beatMs: number): Promise<void>;
}

export interface ClockWatchOptions {
  batchId: number;
  store: Store;
  clock: Clock;
  /** The longest that an image may wait, in milliseconds. */
  mostMs: () => number;
}

export function createClockWatch({ batchId, store, clock, mostMs }: ClockWatchOptions): ClockWatch {
  let lastNow = clock.now();
  let lastMono = clock.mono();
  return {
    async look(beatMs) {
      const now = clock.now();
      const mono = clock.mono();
      const gap = now - lastNow - beatMs;
      const jump = now - lastNow - (mono - lastMono);
      lastNow = now;
      lastMono = mono;
      if (gap > SLEEP_GAP_MS) {
        await store.call("addEvent", { at: now, event: { batchId, kind: "slept", detail: { forMs: gap } } });
      }
      // Waits are kept as wall-clock times, so that they outlive the program: they move with a clock that is set.
      if (Math.abs(jump) > CLOCK_JUMP_MS) {
        await store.call("shiftDue", { batchId, byMs: Math.round(jump), mostMs: mostMs(), at: now });
      }
    },
  };
}
