/**
 * Makes the wall clock of the process that it is preloaded into jump, and leaves the monotonic clock alone: to the
 * hour before and after, to the day before and after, and back. All processes jump at the same moments.
 */
import { isMainThread } from "node:worker_threads";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const JUMPS_MS = [0, HOUR_MS, 0, -HOUR_MS, 0, DAY_MS, -DAY_MS] as const;
const EVERY_MS = 700;

const SystemDate = Date;
const stepNow = (): number => Math.floor(Number(process.hrtime.bigint() / 1_000_000n) / EVERY_MS);
const jumpedNow = (): number => SystemDate.now() + (JUMPS_MS[stepNow() % JUMPS_MS.length] ?? 0);

/** Tells what the wall clock says; a date of a given moment is as it was. */
class JumpingDate extends SystemDate {
  constructor(...given: unknown[]) {
    super(...((given.length === 0 ? [jumpedNow()] : given) as [number]));
  }

  static override now(): number {
    return jumpedNow();
  }
}

const startedAtStep = stepNow();

/** Jumps since the module was loaded. */
export function jumpsSoFar(): number {
  return stepNow() - startedAtStep;
}

if (isMainThread) globalThis.Date = JumpingDate as DateConstructor;
