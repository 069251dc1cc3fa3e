import { createHook } from "node:async_hooks";
import { open } from "node:fs/promises";
import { Worker } from "node:worker_threads";
import { expect, it } from "vitest";
import type { OperationName } from "../../electron/engine/store/operations.ts";
import type { StoreRequest } from "../../electron/engine/store/store-worker.ts";
import { createRig } from "../support/rig.ts";
import { writePhotos } from "./rig/pictures.ts";

/**
 * What an image costs, in counts: they are the same on every machine, so that a change that makes each image dearer
 * is seen without a stop-watch. The bounds lie a little above what is counted today.
 */
const IMAGES = 40;
const PICTURE_BYTES = 600_000;
const BIG_BYTES = 128 * 1024;
/** Asked now and then, whatever the images do. */
const NOW_AND_THEN: readonly OperationName[] = [
  "eventsAfter",
  "openRuns",
  "receivedImages",
  "seenPage",
  "stageCounts",
];

/** The most of each for one image. */
const BOUNDS = {
  /** Today 6: settled, intended, submitted, head of the result, received, finished. */
  writes: 6,
  /** Today 2.8: what finishing needs once; what is due, for several at once. */
  otherCalls: 3.3,
  /** Today 5.4; fewer where images come at once. */
  transactions: 6.5,
  /** Today 4 and 4 for the whole run: the answer and its folder, the result file and its folder. */
  fsyncs: 4.3,
  /** Today 36.6, 6 of them for the picture itself. */
  fileRequests: 40,
  /** Today 1.2: once to send it, and its header, end and samples. */
  bytesRead: 1.4,
  /** Today 0.4: three for each of those that are sent side by side; the others have them after these. */
  bigBuffers: 0.8,
  puts: 1,
  /** Today 1; a slow machine asks again after a long poll. */
  gets: 1.5,
};

interface Counts extends Disposable {
  /** Ways to the store's thread and back: each is one transaction. */
  transactions: number;
  calls: Map<string, number>;
  fsyncs: number;
  /** Ways to the threads that do file work; closing a file is not counted. */
  fileRequests: number;
  /** From any file, for each byte of the pictures. */
  bytesRead: number;
  /** Buffers of 128 KiB and more. */
  bigBuffers: number;
}

/** Counts until it is disposed of. */
async function startCounting(): Promise<Counts> {
  const counts: Counts = {
    transactions: 0,
    calls: new Map(),
    fsyncs: 0,
    fileRequests: 0,
    bytesRead: 0,
    bigBuffers: 0,
    [Symbol.dispose]: () => undefined,
  };
  const probe = await open(import.meta.filename);
  const files = Object.getPrototypeOf(probe) as Files;
  await probe.close();
  const restores = [
    countPosts(counts),
    countSyncs(counts, files),
    countReads(counts, files),
    countBuffers(counts),
  ];
  const hook = createHook({
    init(_id, type) {
      if (type === "FSREQPROMISE") counts.fileRequests += 1;
    },
  }).enable();
  counts[Symbol.dispose] = () => {
    hook.disable();
    for (const restore of restores) restore();
  };
  return counts;
}

function countPosts(counts: Counts): () => void {
  const post: (this: Worker, message: unknown) => void = Reflect.get(Worker.prototype, "postMessage");
  Worker.prototype.postMessage = function (this: Worker, message: Partial<StoreRequest>) {
    const names = (message.calls ?? []).map(({ name }) => name).filter((n) => !NOW_AND_THEN.includes(n));
    if (names.length > 0) counts.transactions += 1;
    for (const name of names) counts.calls.set(name, (counts.calls.get(name) ?? 0) + 1);
    post.call(this, message);
  };
  return () => (Worker.prototype.postMessage = post);
}

/** The methods of file handles that are counted. */
interface Files {
  sync: () => Promise<void>;
  read: (this: unknown, ...given: unknown[]) => Promise<{ bytesRead: number }>;
}

function countReads(counts: Counts, files: Files): () => void {
  const { read } = files;
  files.read = async function (...given) {
    const done = await read.apply(this, given);
    counts.bytesRead += done.bytesRead;
    return done;
  };
  return () => (files.read = read);
}

function countSyncs(counts: Counts, files: Files): () => void {
  const sync: (this: unknown) => Promise<void> = Reflect.get(files, "sync");
  files.sync = function () {
    counts.fsyncs += 1;
    return sync.call(this);
  };
  return () => (files.sync = sync);
}

/** The simulator lives in this process, too. */
function isOfEngine(stack: string | undefined): boolean {
  return stack?.replaceAll("\\", "/").includes("/electron/engine/") === true;
}

type Allocate = (this: unknown, bytes: number, ...rest: unknown[]) => Buffer<ArrayBuffer>;

function countBuffers(counts: Counts): () => void {
  const names = ["alloc", "allocUnsafe", "allocUnsafeSlow"] as const;
  const before = names.map((name) => Reflect.get(Buffer, name) as Allocate);
  names.forEach((name, i) => {
    const allocate = before[i]!;
    Buffer[name] = (bytes: number, ...rest: unknown[]) => {
      if (bytes >= BIG_BYTES && isOfEngine(new Error().stack)) counts.bigBuffers += 1;
      return allocate.call(Buffer, bytes, ...rest);
    };
  });
  return () => names.forEach((name, i) => (Buffer[name] = before[i]!));
}

/** Operations that change rows: each image goes through these once, however fast the machine is. */
const WRITES: readonly OperationName[] = [
  "settleFile",
  "intendRun",
  "reportRun",
  "receiveResult",
  "finishImage",
];

it("costs few transactions, fsyncs, file requests, questions and buffers for each image", async () => {
  await using rig = await createRig({ speed: 1 });
  await writePhotos(rig.folder, IMAGES, PICTURE_BYTES);
  await rig.open();
  const counted = await startCounting();
  try {
    const { ledger } = await rig.runToEnd();
    expect(ledger.done).toBe(IMAGES);
  } finally {
    counted[Symbol.dispose]();
  }
  const each = (count: number): number => Math.round((100 * count) / IMAGES) / 100;
  const sum = (wanted: (name: string) => boolean): number =>
    [...counted.calls].reduce((total, [name, count]) => total + (wanted(name) ? count : 0), 0);
  const stats = rig.simulator.control.stats();
  const perImage = {
    writes: each(sum((name) => WRITES.some((write) => write === name))),
    otherCalls: each(sum((name) => !WRITES.some((write) => write === name))),
    transactions: each(counted.transactions),
    fsyncs: each(counted.fsyncs),
    fileRequests: each(counted.fileRequests),
    bytesRead: each(counted.bytesRead / PICTURE_BYTES),
    bigBuffers: each(counted.bigBuffers),
    puts: each(stats.requests.put),
    gets: each(stats.requests.results),
  };
  for (const [name, most] of Object.entries(BOUNDS)) {
    const found = perImage[name as keyof typeof BOUNDS];
    expect(found, `${name} in ${JSON.stringify(perImage)}`).toBeLessThanOrEqual(most);
  }
});
