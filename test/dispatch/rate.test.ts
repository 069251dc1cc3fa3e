import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createRate, type EarlierStart, type Rate } from "../../electron/engine/dispatch/rate.ts";

interface Stand {
  mono: number;
  now: number;
}

function makeRate(
  stand: Stand,
  count: number,
  windowMs: number,
  earlier: readonly EarlierStart[] = [],
): Rate {
  return createRate({ limit: { count, windowMs }, earlier, mono: () => stand.mono, now: () => stand.now });
}

/** The most arrivals that any window `(t - windowMs, t]` holds. */
function mostInWindow(arrivals: readonly number[], windowMs: number): number {
  const sorted = [...arrivals].sort((a, b) => a - b);
  return sorted.reduce((most, end, i) => {
    const inside = sorted.slice(0, i + 1).filter((at) => at > end - windowMs).length;
    return Math.max(most, inside);
  }, 0);
}

describe("The rate", () => {
  test("without a limit never waits", () => {
    const rate = createRate({ limit: null, earlier: [], mono: () => 0, now: () => 0 });
    for (let i = 0; i < 100; i++) rate.start().sent();
    expect(rate.waitMs()).toBe(0);
  });

  test("counts a start from when it reached the wire, not from when it was allowed", () => {
    const stand = { mono: 0, now: 0 };
    const rate = makeRate(stand, 1, 1000);
    const start = rate.start();
    stand.mono = 5000;
    expect(rate.waitMs()).toBeGreaterThan(0);
    start.sent();
    expect(rate.waitMs()).toBe(1050);
    stand.mono = 6051;
    expect(rate.waitMs()).toBe(0);
  });

  test("gives back the place of a start that never left", () => {
    const stand = { mono: 0, now: 0 };
    const rate = makeRate(stand, 1, 1000);
    rate.start().cancel();
    expect(rate.waitMs()).toBe(0);
  });

  test("does not give back the place of a start that has left", () => {
    const stand = { mono: 0, now: 0 };
    const rate = makeRate(stand, 1, 1000);
    const start = rate.start();
    start.sent();
    start.cancel();
    expect(rate.waitMs()).toBeGreaterThan(0);
  });

  test("is not moved by a wall clock that is set back or forward", () => {
    const stand = { mono: 0, now: 1_000_000 };
    const rate = makeRate(stand, 1, 1000);
    rate.start().sent();
    stand.now -= 3_600_000;
    expect(rate.waitMs()).toBe(1050);
    stand.now += 9_000_000;
    expect(rate.waitMs()).toBe(1050);
  });

  test("remembers the starts of an earlier session of the same boot", () => {
    const stand = { mono: 100_000, now: 5_000_000 };
    const rate = makeRate(stand, 2, 60_000, [
      { startMono: 99_000, intentAt: 4_999_000 },
      { startMono: 90_000, intentAt: 4_990_000 },
    ]);
    expect(rate.waitMs()).toBeGreaterThanOrEqual(90_000 + 60_000 - 100_000);
  });

  test("counts the window as used after a reboot, and forgets starts that are long past", () => {
    const stand = { mono: 10, now: 5_000_000 };
    expect(makeRate(stand, 1, 1000, [{ startMono: null, intentAt: 4_999_999 }]).waitMs()).toBe(1050);
    const long = { mono: 10, now: 500_000_000 };
    expect(makeRate(long, 1, 1000, [{ startMono: null, intentAt: 1 }]).waitMs()).toBe(0);
  });

  test("waits for the newest surplus when the limit was lowered", () => {
    const stand = { mono: 10_000, now: 0 };
    const earlier = [9000, 8000, 7000].map((startMono) => ({ startMono, intentAt: 0 }));
    // All three lie in the window of ten seconds; only one may: the last but none has to leave it.
    expect(makeRate(stand, 1, 10_000, earlier).waitMs()).toBe(10_000 + 10_200 - 10_000);
  });

  test("never lets more than its count arrive in any sliding window, restarts and delays included", () => {
    const plan = fc.record({
      count: fc.integer({ min: 1, max: 8 }),
      windowMs: fc.integer({ min: 100, max: 5000 }),
      steps: fc.array(
        fc.record({
          gapMs: fc.integer({ min: 0, max: 400 }),
          delayMs: fc.integer({ min: 0, max: 300 }),
          fate: fc.constantFrom("sent", "sent", "sent", "cancelled", "restart"),
        }),
        { minLength: 10, maxLength: 80 },
      ),
    });
    fc.assert(
      fc.property(plan, ({ count, windowMs, steps }) => {
        const stand = { mono: 0, now: 0 };
        const intents: EarlierStart[] = [];
        const arrivals: number[] = [];
        let rate = makeRate(stand, count, windowMs);
        for (const { gapMs, delayMs, fate } of steps) {
          stand.mono += gapMs;
          if (fate === "restart") {
            rate = makeRate(stand, count, windowMs, intents);
            continue;
          }
          if (rate.waitMs() > 0) continue;
          const start = rate.start();
          if (fate === "cancelled") {
            start.cancel();
            continue;
          }
          intents.push({ startMono: stand.mono, intentAt: 0 });
          stand.mono += delayMs;
          start.sent();
          arrivals.push(stand.mono);
        }
        expect(mostInWindow(arrivals, windowMs)).toBeLessThanOrEqual(count);
      }),
      { numRuns: 300 },
    );
  });
});
