import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { backoffMs, probeDelayMs, retryAfterMs } from "../../electron/engine/deployment/retry.ts";
import { nextPollDelayMs, officialDelayMs } from "../../electron/engine/deployment/poll.ts";
import { NO_ADVICE } from "../../electron/engine/deployment/wire.ts";

const NOW = Date.UTC(2026, 10, 23, 2, 0, 0);
const DAY_MS = 24 * 60 * 60 * 1000;
const halfway = (): number => 0.5;

describe("Retry-After", () => {
  it.each<[string | null | undefined, number | null]>([
    ["120", 120_000],
    [" 7 ", 7000],
    ["0", 1000],
    ["86400", DAY_MS],
    ["86401", DAY_MS],
    ["99999999999999999999999", DAY_MS],
    ["Mon, 23 Nov 2026 02:10:00 GMT", 600_000],
    ["Sun, 22 Nov 2026 02:00:00 GMT", 1000],
    ["Mon, 23 Nov 2026 02:00:00 GMT", 1000],
    ["Sat, 21 Nov 2036 02:00:00 GMT", DAY_MS],
    ["Mon, 31 Feb 2027 02:00:00 GMT", null],
    ["Mon, 23 Nov 2026 25:00:00 GMT", null],
    ["Mon, 23 Nov 2026 02:10:00 CET", null],
    ["2026-11-23T02:10:00Z", null],
    ["-5", null],
    ["1.5", null],
    ["soon", null],
    ["120, 240", null],
    ["", null],
    [null, null],
    [undefined, null],
  ])("%j is %s ms", (header, expected) => {
    expect(retryAfterMs(header, NOW)).toBe(expected);
  });

  it("never gives a time that a timer cannot keep, whatever it says", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.nat().map(String)), fc.integer(), (header, now) => {
        const ms = retryAfterMs(header, now);
        expect(ms === null || (ms >= 1000 && ms <= DAY_MS)).toBe(true);
      }),
    );
  });
});

describe("backing off", () => {
  it("doubles its ceiling from 5 s to 10 min and jitters over all of it", () => {
    const ceilings = [0, 1, 2, 3, 6, 7, 50, 5000].map((attempt) => backoffMs(attempt, () => 0.999_999_999));
    expect(ceilings).toEqual([4999, 9999, 19_999, 39_999, 319_999, 599_999, 599_999, 599_999]);
    expect(backoffMs(3, () => 0)).toBe(0);
    expect(backoffMs(3, halfway)).toBe(20_000);
  });

  it("looks at a server that is down after 5, 10, 15, 20, then every 25 s, give or take a tenth", () => {
    expect([0, 1, 2, 3, 4, 5, 100].map((n) => probeDelayMs(n, halfway))).toEqual([
      5000, 10_000, 15_000, 20_000, 25_000, 25_000, 25_000,
    ]);
    expect([probeDelayMs(9, () => 0), probeDelayMs(9, () => 1)]).toEqual([22_500, 27_500]);
  });

  it("spends at most 40 looks on an outage of 10 minutes and notices its end within 30 s", () => {
    fc.assert(
      fc.property(fc.float({ min: 0, max: 1, noNaN: true }), (r) => {
        let looks = 0;
        for (let at = 0; at < 600_000; looks += 1) at += probeDelayMs(looks, () => r);
        expect(looks).toBeLessThanOrEqual(40);
        expect(probeDelayMs(1000, () => r)).toBeLessThan(30_000);
      }),
    );
  });
});

describe("asking for a result", () => {
  it("follows the official client's schedule", () => {
    const seconds = [0, 1, 2, 3, 4, 5, 10, 15, 20, 30].map((n) => officialDelayMs(n) / 1000);
    [0.22, 0.3, 0.4, 0.53, 0.71, 0.95, 3.65, 10, 16.35, 19.78].forEach((expected, i) =>
      expect(seconds[i]).toBeCloseTo(expected, 1),
    );
  });

  it("takes the deployment's advice first, and never comes earlier than advised", () => {
    const advice = { ...NO_ADVICE, nextPollMs: 800 };
    expect(nextPollDelayMs({ polls: 20, advice, random: () => 0 })).toBe(800);
    expect(nextPollDelayMs({ polls: 20, advice, random: () => 1 })).toBe(880);
  });

  it("jitters the schedule by a tenth both ways", () => {
    expect(nextPollDelayMs({ polls: 15, advice: null, random: () => 0 })).toBe(9000);
    expect(nextPollDelayMs({ polls: 15, advice: NO_ADVICE, random: () => 1 })).toBe(11_000);
  });

  it.each([0, 1e-9, 49, 1e12, Number.MAX_VALUE])(
    "keeps to 50 ms to 60 s with advice of %d ms, after a first look that may come sooner",
    (nextPollMs) => {
      const advice = { ...NO_ADVICE, nextPollMs };
      const first = nextPollDelayMs({ polls: 0, advice, random: halfway });
      const second = nextPollDelayMs({ polls: 1, advice, random: halfway });
      expect(first).toBe(Math.round(Math.min(60_000, 1.05 * nextPollMs)));
      expect(second).toBeGreaterThanOrEqual(50);
      expect(second).toBeLessThanOrEqual(60_000);
    },
  );

  it("waits at least 50 ms where nothing is advised", () => {
    expect(nextPollDelayMs({ polls: 0, advice: null, random: halfway, medianMs: 1 })).toBe(50);
  });
});
