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
/** A run that took this many times as long as is typical did not: the clock was set meanwhile. */
const LONGEST_TIMES_TYPICAL = 50;
const LOST_AFTER_P99 = 1.5;
/** Before anything has finished, a run is not called lost earlier than this after its submission. */
const UNKNOWN_RUN_TIME_MS = 60_000;
const SHORTEST_UNCERTAIN_WAIT_MS = 5_000;

/** Without those of an earlier session in which the wall clock was set, or the machine slept. */
function plausible(earlier: readonly number[]): number[] {
  const median = [...earlier].sort((a, b) => a - b)[Math.floor(earlier.length / 2)] ?? 0;
  const longest = Math.max(SHORTEST_DEADLINE_MS, LONGEST_TIMES_TYPICAL * median);
  return earlier.filter((ms) => ms <= longest);
}

/** `earlier`: of earlier sessions, the newest first, by the wall clock. */
export function createRunTimes(earlier: readonly number[] = []): RunTimes {
  const times = plausible(earlier.slice(0, REMEMBERED)).reverse();
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
  // Whole: it becomes part of a time in the data file, which takes no fractions.
  return Math.ceil(Math.max(SHORTEST_UNCERTAIN_WAIT_MS, times.quantile(0.99) ?? 0));
}
