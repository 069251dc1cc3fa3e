/**
 * Copies pictures into a folder in the ways that people and programs do, from a process of its own. Takes orders as
 * JSON lines on stdin and says `{"id","longestGapMs"}` on stdout when the file of an order is finished.
 */
import { copyFile, link, open, readFile, rename, stat, truncate, utimes, writeFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import type { Way, WriteOrder } from "./writer.ts";

const PIECES = 12;

interface Job extends WriteOrder {
  bytes: Buffer;
  gap: (ms: number) => Promise<void>;
}

/** Writes from `from` to `to` in pieces with a pause after each. */
async function pieces(job: Job, from: number, to: number, pauseMs: number, flags = "r+"): Promise<void> {
  const size = Math.ceil((to - from) / PIECES);
  for (let at = from; at < to; at += size) {
    const handle = await open(job.target, at === from ? flags : "r+");
    await handle.write(job.bytes, at, Math.min(size, to - at), at);
    await handle.close();
    await job.gap(pauseMs);
  }
}

/** A pause that the file's writer makes on purpose: longer than a file must rest to count as finished. */
const LONG = 3;

const WAYS: Record<Way, (job: Job) => Promise<void>> = {
  slow: (job) => pieces(job, 0, job.bytes.length, job.quietMs / 5, "w"),
  stepwise: (job) => pieces(job, 0, job.bytes.length, job.quietMs * 1.3, "w"),
  async stalled(job) {
    const half = job.bytes.length >> 1;
    await pieces(job, 0, half, 1, "w");
    await pause(LONG * job.quietMs);
    await pieces(job, half, job.bytes.length, 1);
  },
  async "two-sessions"(job) {
    await writeFile(job.target, job.bytes.subarray(0, job.bytes.length / 3));
    await pause(2 * LONG * job.quietMs);
    await writeFile(job.target, job.bytes.subarray(job.bytes.length / 3), { flag: "a" });
  },
  async "growing-at-start"(job) {
    await pieces(job, 0, job.bytes.length >> 1, job.quietMs / 5, "w");
    await pieces(job, job.bytes.length >> 1, job.bytes.length, job.quietMs / 5);
  },
  async preallocated(job) {
    await writeFile(job.target, Buffer.alloc(job.bytes.length));
    await pause(LONG * job.quietMs);
    await WAYS.stalled({ ...job, target: job.target });
  },
  async sparse(job) {
    await writeFile(job.target, "");
    await truncate(job.target, job.bytes.length);
    await pause(LONG * job.quietMs);
    await pieces(job, 0, job.bytes.length >> 1, 1);
    await pause(LONG * job.quietMs);
    await pieces(job, job.bytes.length >> 1, job.bytes.length, 1);
  },
  async "renamed-into-place"(job) {
    const part = { ...job, target: `${job.target}.part` };
    await pieces(part, 0, job.bytes.length, job.quietMs / 5, "w");
    await rename(part.target, job.target);
  },
  async rewritten(job) {
    await copyFile(job.earlier, job.target);
    await pause(job.restMs);
    await pieces(job, 0, job.bytes.length, job.quietMs / 5, "w");
  },
  async replaced(job) {
    for (let turn = 0; turn < 8; turn += 1) {
      await copyFile(turn % 2 === 0 ? job.earlier : job.source, `${job.target}.part`);
      await rename(`${job.target}.part`, job.target);
      await pause(job.quietMs * (turn % 3));
    }
  },
  async "time-kept"(job) {
    await pieces(job, 0, job.bytes.length, job.quietMs / 5, "w");
    await utimes(job.target, 1_000_000, 1_000_000);
  },
  async "same-size-and-time"(job) {
    await copyFile(job.earlier, job.target);
    await utimes(job.target, 1_000_000, 1_000_000);
    await pause(job.restMs);
    await pieces(job, 0, job.bytes.length, job.quietMs / 20);
    await utimes(job.target, 1_000_000, 1_000_000);
  },
  /** Behind the back of whoever reads it right now. */
  async overwritten(job) {
    const { atimeMs, mtimeMs } = await stat(job.target);
    const handle = await open(job.target, "r+");
    await handle.write(job.bytes, 0, job.bytes.length, 0);
    await handle.utimes(atimeMs / 1000, mtimeMs / 1000);
    await handle.close();
  },
  async "hard-link"(job) {
    const outside = { ...job, target: `${job.source}.growing-${String(job.id)}` };
    const half = job.bytes.length >> 1;
    await pieces(outside, 0, half, job.quietMs / 5, "w");
    await link(outside.target, job.target);
    await pause(LONG * job.quietMs);
    await pieces(outside, half, job.bytes.length, job.quietMs / 5);
  },
  async "empty-first"(job) {
    await writeFile(job.target, "");
    await pause(LONG * job.quietMs);
    await pieces(job, 0, job.bytes.length, job.quietMs / 5);
  },
  async shrinking(job) {
    await writeFile(job.target, Buffer.concat([job.bytes, Buffer.alloc(50_000, 7)]));
    for (let rest = 40_000; rest >= 0; rest -= 10_000) {
      await job.gap(job.quietMs / 5);
      await truncate(job.target, job.bytes.length + rest);
    }
  },
  async "middle-last"(job) {
    const third = Math.floor(job.bytes.length / 3);
    const handle = await open(job.target, "w");
    await handle.write(job.bytes, 0, third, 0);
    await handle.write(job.bytes, 2 * third, job.bytes.length - 2 * third, 2 * third);
    await handle.close();
    await job.gap(job.quietMs / 5);
    await pieces(job, third, 2 * third, job.quietMs / 5);
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line) as WriteOrder;
  void (async () => {
    let longestGapMs = 0;
    const gap = async (ms: number): Promise<void> => {
      const from = performance.now();
      await pause(ms);
      longestGapMs = Math.max(longestGapMs, performance.now() - from);
    };
    await WAYS[order.way]({ ...order, bytes: await readFile(order.source), gap });
    process.stdout.write(`${JSON.stringify({ id: order.id, longestGapMs })}\n`);
  })();
}
