import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createLossDetector, type LossDetector } from "../../electron/engine/intake/watch-loss.ts";

let suspicions = 0;
let detector: LossDetector;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
  suspicions = 0;
  detector = createLossDetector(() => (suspicions += 1));
});
afterEach(() => {
  detector.stop();
  vi.useRealTimers();
});

function flood(): void {
  for (let i = 0; i < 1300; i += 1) detector.count();
}

describe("a loss of events is suspected", () => {
  it("not while everything is calm", () => {
    for (let second = 0; second < 60; second += 1) {
      for (let i = 0; i < 1000; i += 1) detector.count();
      vi.advanceTimersByTime(250);
    }
    expect(suspicions).toBe(0);
  });

  it("once a flood has passed, not in the midst of it", () => {
    for (let tick = 0; tick < 8; tick += 1) {
      flood();
      vi.advanceTimersByTime(250);
    }
    expect(suspicions).toBe(0);
    vi.advanceTimersByTime(250);
    expect(suspicions).toBe(1);
    vi.advanceTimersByTime(120_000);
    expect(suspicions).toBe(1);
  });

  it("at most once in 30 s, and never not at all", () => {
    detector.suspect();
    vi.advanceTimersByTime(250);
    expect(suspicions).toBe(1);
    for (let second = 0; second < 29; second += 1) {
      detector.suspect();
      vi.advanceTimersByTime(1000);
    }
    expect(suspicions).toBe(1);
    vi.advanceTimersByTime(1000);
    expect(suspicions).toBe(2);
    vi.advanceTimersByTime(120_000);
    expect(suspicions).toBe(2);
  });
});
