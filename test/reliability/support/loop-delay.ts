/**
 * Measures the process that it is preloaded into, and writes to the file that NIGHTRUN_TEST_LOOP_DELAY names, each
 * second: the event-loop delay since the start, without its first 5 s, and, with `--expose-gc`, how much memory was held
 * after a collection every two minutes (between two collections memory grows by its nature).
 */
import { renameSync, writeFileSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { isMainThread } from "node:worker_threads";

const RESOLUTION_MS = 10;
const COLLECT_EVERY_MS = 120_000;

/** Milliseconds, and bytes that are held after each collection. */
export interface ProcessFigures {
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
  held: number[];
}

const file = process.env.NIGHTRUN_TEST_LOOP_DELAY;

if (file !== undefined && isMainThread) {
  // What it starts measures nothing.
  delete process.env.NIGHTRUN_TEST_LOOP_DELAY;
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  setTimeout(() => delay.reset(), 5_000).unref();
  // The histogram counts each tick as late by its own length.
  const held: number[] = [];
  const collect = globalThis.gc;
  if (collect !== undefined)
    setInterval(() => {
      collect();
      const { heapUsed, external } = process.memoryUsage();
      held.push(heapUsed + external);
    }, COLLECT_EVERY_MS).unref();
  const ms = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS);
  setInterval(() => {
    const [p50Ms, p99Ms, maxMs] = [ms(delay.percentile(50)), ms(delay.percentile(99)), ms(delay.max)];
    const seen: ProcessFigures = { p50Ms, p99Ms, maxMs, held };
    writeFileSync(`${file}.new`, JSON.stringify(seen));
    renameSync(`${file}.new`, file);
  }, 1_000).unref();
}
