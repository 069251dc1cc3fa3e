import { systemClock, type Clock } from "../../electron/engine/clock.ts";

/**
 * The system's clock, running `speed` times as fast: pauses of minutes pass in seconds, and nothing else changes.
 * `originAt` (wall clock, milliseconds) is where both agree; processes that share it share their time.
 */
export function createFastClock(speed: number, originAt: number): Clock {
  return {
    now: () => Math.round(originAt + (systemClock.now() - originAt) * speed),
    mono: () => systemClock.mono() * speed,
    sleep: (ms, signal) => systemClock.sleep(ms / speed, signal),
  };
}
