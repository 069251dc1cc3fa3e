import { cpus } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";

const LOOK_MS = 250;
/** Share of all processors that may be busy. */
const QUIET = 0.1;
/** Looks in a row: work that only pauses is not over. */
const LOOKS = 3;

/** Waits until the machine does next to nothing, so that what went before is not in the next figure. False = it never was in time. */
export async function atRest(longestMs: number): Promise<boolean> {
  const until = performance.now() + longestMs;
  let before = cpuTimes();
  for (let quiet = 0; quiet < LOOKS;) {
    if (performance.now() > until) return false;
    await sleep(LOOK_MS);
    const now = cpuTimes();
    const busy = 1 - (now.idle - before.idle) / Math.max(1, now.all - before.all);
    quiet = busy < QUIET ? quiet + 1 : 0;
    before = now;
  }
  return true;
}

function cpuTimes(): { idle: number; all: number } {
  const times = cpus().map((cpu) => cpu.times);
  const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0);
  return { idle: sum(times.map((t) => t.idle)), all: sum(times.flatMap((t) => Object.values(t))) };
}
