import { createHash } from "node:crypto";
import { open, type FileHandle } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { Pool } from "undici";
import { nextPollDelayMs } from "../../../electron/engine/deployment/poll.ts";
import { cpuMsSince, inLanes, peakRssMb, report, type RaceOrders } from "./contender.ts";

/**
 * The limit: what undici can do with streamed base64 and one hash, without a database, without files, without any
 * care for what goes wrong. It waits between polls as the engine does.
 */
const READ_BYTES = 192 * 1024;
const HEAD = Buffer.from('{"inputs":[{"image":"');
const TAIL = Buffer.from(
  '"}],"outputs":[{"task_name":"image_facts","task_index":0,"output_index":0}],"parameters":[]}',
);

const orders = JSON.parse(process.argv[2] ?? "{}") as RaceOrders;
const pool = new Pool(orders.url, { connections: orders.concurrency, pipelining: 1 });
const headers = { authorization: "Bearer bench" };
let images = 0;

async function* body(handle: FileHandle, bytes: number): AsyncGenerator<Uint8Array> {
  const hash = createHash("sha256");
  const piece = Buffer.allocUnsafe(READ_BYTES);
  yield HEAD;
  for (let at = 0; at < bytes;) {
    const { bytesRead } = await handle.read(piece, 0, Math.min(READ_BYTES, bytes - at), at);
    at += bytesRead;
    const read = piece.subarray(0, bytesRead);
    hash.update(read);
    yield Buffer.from(read.toString("base64"), "latin1");
  }
  hash.digest();
  yield TAIL;
}

async function submit(file: string): Promise<{ uuid: string; next_poll_in: number }> {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    const length = HEAD.length + 4 * Math.ceil(size / 3) + TAIL.length;
    const reply = await pool.request({
      method: "PUT",
      path: "/api/run?advice=true",
      headers: { ...headers, "content-type": "application/json", "content-length": String(length) },
      body: body(handle, size) as unknown as Uint8Array,
    });
    return (await reply.body.json()) as { uuid: string; next_poll_in: number };
  } finally {
    await handle.close();
  }
}

function pause(polls: number, nextPollMs: number): Promise<void> {
  const advice = { state: null, etaMs: null, nextPollMs, long: false };
  const delay = nextPollDelayMs({ polls, advice, random: Math.random });
  return delay <= 0 ? Promise.resolve() : sleep(delay);
}

async function runOne(file: string): Promise<void> {
  const run = await submit(file);
  for (let polls = 0, advised = run.next_poll_in; ; polls++) {
    await pause(polls, advised);
    const reply = await pool.request({
      method: "GET",
      path: `/api/results/${run.uuid}?advice=true&long=false`,
      headers,
    });
    const answer = (await reply.body.json()) as { next_poll_in?: number };
    if (reply.statusCode === 200) break;
    advised = answer.next_poll_in ?? 100;
  }
  images += 1;
}

const mark = process.cpuUsage();
await inLanes(orders.files, orders.concurrency, runOne);
const finishedAt = performance.timeOrigin + performance.now();
report({ images, finishedAt, cpuMs: cpuMsSince(mark), peakRssMb: peakRssMb() });
await pool.destroy();
