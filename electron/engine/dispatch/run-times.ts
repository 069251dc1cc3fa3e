/** Run times of the last finished runs of one deployment, in milliseconds: what is typical decides how long to wait. */
export interface RunTimes {
  add(ms: number): void;
  /** A quantile between 0 and 1; null while nothing has finished. */
  quantile(q: number): number | null;
  readonly count: number;
  /** The median of the last few runs, which follows a change soon; null while too few have finished. */
  recentMedian(): number | null;
}

const REMEMBERED = 500;
const RECENT = 11;
const FEWEST_TO_LEARN = 5;
const SHORTEST_DEADLINE_MS = 10 * 60 * 1000;
const TYPICAL_TIMES_TO_DEADLINE = 20;
const LOST_AFTER_P99 = 1.5;
/** Before anything has finished, a run is not called lost earlier than this after its submission. */
const UNKNOWN_RUN_TIME_MS = 60_000;
const SHORTEST_UNCERTAIN_WAIT_MS = 5_000;

export function createRunTimes(earlier: readonly number[] = []): RunTimes {
  const times = earlier.slice(0, REMEMBERED).reverse();
  let sorted: number[] | null = null;
  return {
    add(ms) {
      times.push(ms);
      if (times.length > REMEMBERED) times.shift();
      sorted = null;
    },
    quantile(q) {
      sorted ??= [...times].sort((a, b) => a - b);
      return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? null;
    },
    get count() {
      return times.length;
    },
    recentMedian() {
      if (times.length < FEWEST_TO_LEARN) return null;
      const recent = times.slice(-RECENT).sort((a, b) => a - b);
      return recent[Math.floor(recent.length / 2)] ?? null;
    },
  };
}

/** How long one run is waited for: the person's figure, or 20 times what 95 % of the runs need, at least 10 minutes. */
export function deadlineMs(times: RunTimes, runTimeoutMs: number | null): number {
  if (runTimeoutMs !== null) return runTimeoutMs;
  return Math.max(SHORTEST_DEADLINE_MS, TYPICAL_TIMES_TO_DEADLINE * (times.quantile(0.95) ?? 0));
}

/** From this age on, a run whose result may have been consumed is called lost when the server still says "not yet". */
export function lostAfterMs(times: RunTimes): number {
  const p99 = times.quantile(0.99);
  return p99 === null ? UNKNOWN_RUN_TIME_MS : LOST_AFTER_P99 * p99;
}

/** How long an image of unknown outcome waits before it is sent again: at least one p99 run time. */
export function uncertainWaitMs(times: RunTimes): number {
  return Math.max(SHORTEST_UNCERTAIN_WAIT_MS, times.quantile(0.99) ?? 0);
}
