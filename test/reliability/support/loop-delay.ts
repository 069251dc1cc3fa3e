/**
 * Measures the event-loop delay of the process that it is preloaded into, and writes it to the file that
 * NIGHTRUN_TEST_LOOP_DELAY names, each second: `{"p50Ms", "p99Ms", "maxMs"}` since the start, without its first 5 s.
 */
import { renameSync, writeFileSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { isMainThread } from "node:worker_threads";

const RESOLUTION_MS = 10;
const file = process.env.NIGHTRUN_TEST_LOOP_DELAY;

if (file !== undefined && isMainThread) {
  // What it starts measures nothing.
  delete process.env.NIGHTRUN_TEST_LOOP_DELAY;
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  setTimeout(() => delay.reset(), 5_000).unref();
  // The histogram counts each tick as late by its own length.
  const ms = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS);
  setInterval(() => {
    const seen = { p50Ms: ms(delay.percentile(50)), p99Ms: ms(delay.percentile(99)), maxMs: ms(delay.max) };
    writeFileSync(`${file}.new`, JSON.stringify(seen));
    renameSync(`${file}.new`, file);
  }, 1_000).unref();
}
