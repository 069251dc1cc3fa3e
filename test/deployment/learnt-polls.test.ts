import { describe, expect, it } from "vitest";
import { learntDelayMs, nextPollDelayMs } from "../../electron/engine/deployment/poll.ts";
import { createRunTimes, type RunTimes } from "../../electron/engine/dispatch/run-times.ts";

/** Polls one simulated run of `trueMs`; gives how often it was asked and when the result was found. */
function pollRun(trueMs: number, times: RunTimes): { gets: number; foundMs: number } {
  let at = 0;
  for (let polls = 0; ; polls++) {
    at += nextPollDelayMs({ polls, advice: null, random: () => 0.5, medianMs: times.recentMedian() });
    if (at >= trueMs) return { gets: polls + 1, foundMs: at };
  }
}

describe("learnt polls", () => {
  it.each([400, 1500, 3200, 16_000, 60_000])(
    "settle at few questions and little delay for runs of %i ms",
    (trueMs) => {
      const times = createRunTimes();
      let gets = 0;
      let lateMs = 0;
      for (let run = 0; run < 300; run++) {
        const found = pollRun(trueMs, times);
        times.add(found.foundMs);
        if (run < 200) continue;
        gets += found.gets;
        lateMs += found.foundMs - trueMs;
      }
      expect(gets / 100).toBeLessThanOrEqual(2.5);
      expect(lateMs / 100 / trueMs).toBeLessThanOrEqual(0.15);
    },
  );

  it("follow runs that become longer and shorter", () => {
    const times = createRunTimes();
    for (const trueMs of [2000, 8000, 1000]) {
      for (let run = 0; run < 200; run++) times.add(pollRun(trueMs, times).foundMs);
      expect(pollRun(trueMs, times).foundMs / trueMs).toBeLessThan(1.15);
    }
  });

  it("keep to the official schedule until enough runs have finished, and to advice always", () => {
    const times = createRunTimes([5000, 5000, 5000, 5000]);
    expect(times.recentMedian()).toBeNull();
    const advice = { state: null, etaMs: null, nextPollMs: 800, long: false };
    expect(nextPollDelayMs({ polls: 0, advice, random: () => 0, medianMs: 9000 })).toBe(800);
    expect(learntDelayMs(0, 1000)).toBeLessThan(1000);
  });
});
