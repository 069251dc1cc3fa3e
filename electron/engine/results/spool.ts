import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { copyFile, type FileHandle, lstat, open, readdir, rename, rm, unlink } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { createNew, errorCode, syncFolder } from "./durable-file.ts";
import { makeFolder } from "../make-folder.ts";

/** The answer is larger than the spool takes; the part on disk ends before the chunk that did not fit. */
export class SpoolFull extends Error {
  readonly maxBytes: number;

  constructor(maxBytes: number) {
    super(`The answer is larger than ${maxBytes} bytes`);
    this.name = "SpoolFull";
    this.maxBytes = maxBytes;
  }
}

/** One answer on its way to disk. Ends with exactly one of `commit` and `abandon`; a second end does nothing. */
export interface SpoolWriter {
  /** @throws SpoolFull, or the disk's error (ENOSPC) */
  write(chunk: Uint8Array): Promise<void>;
  /** When this returns, the bytes and their name are safe from a power cut. */
  commit(): Promise<{ bytes: number; sha256: Buffer }>;
  /** Closes; the part stays on disk. */
  abandon(): Promise<void>;
}

/**
 * Raw answers on disk, one per run: `<run>.part` while bytes arrive, `<run>.answer` when they are complete and fsynced.
 * The results GET is destructive (API facts, section 3.2), so nothing looks into an answer before it is complete here.
 */
export interface Spool {
  /** A part of an earlier try is replaced; a complete answer stays until `commit` replaces it. */
  create(runId: number): Promise<SpoolWriter>;
  isComplete(runId: number): Promise<boolean>;
  /** The bytes of a complete answer as they lie on the disk, where they are few and came in just now; else null. */
  atHand(runId: number): Buffer | null;
  /** Bytes of a complete answer; null if there is none. */
  sizeOf(runId: number): Promise<number | null>;
  /** Where the complete answer is, or would be. */
  pathOf(runId: number): string;
  /** Complete and part; missing is fine. */
  remove(runId: number): Promise<void>;
  /** Every run of which anything is here, complete or not, ascending. */
  runIds(): Promise<number[]>;
  /**
   * The complete answer elsewhere, also on another disk, durable before it leaves the spool.
   * Doing it again after a crash is fine: a missing answer with an existing target counts as moved.
   */
  moveTo(runId: number, target: string): Promise<void>;
}

/** @default 1 GB (faults F28, F31) */
const MAX_BYTES = 1_000_000_000;
/** Complete answers of at most this size are also remembered, the last few of them: they are looked into at once. */
const REMEMBERED_BYTES = 64 * 1024;
const MOST_REMEMBERED = 64;
const NAME = /^(\d{1,16})\.(?:part|answer)$/;

async function writeAll(handle: FileHandle, chunk: Uint8Array): Promise<void> {
  let offset = 0;
  while (offset < chunk.byteLength) {
    const { bytesWritten } = await handle.write(chunk, offset);
    offset += bytesWritten;
  }
}

async function unlinkIfThere(path: string): Promise<void> {
  await unlink(path).catch((error: unknown) => {
    if (errorCode(error) !== "ENOENT") throw error;
  });
}

interface WriterPlace {
  handle: FileHandle;
  part: string;
  complete: string;
  maxBytes: number;
  /** With the answer, or null when it is not to be remembered. */
  onComplete: (answer: Buffer | null) => void;
}

function createWriter({ handle, part, complete, maxBytes, onComplete }: WriterPlace): SpoolWriter {
  const hash = createHash("sha256");
  /** A copy of the bytes, as long as they are few. */
  let copy: Buffer[] | null = [];
  let bytes = 0;
  let isOpen = true;
  return {
    async write(chunk) {
      if (!isOpen) throw new Error("Internal error: write to a spool file that was ended");
      if (bytes + chunk.byteLength > maxBytes) throw new SpoolFull(maxBytes);
      bytes += chunk.byteLength;
      hash.update(chunk);
      if (bytes > REMEMBERED_BYTES) copy = null;
      copy?.push(Buffer.from(chunk));
      await writeAll(handle, chunk);
    },
    async commit() {
      if (!isOpen) throw new Error("Internal error: commit of a spool file that was ended");
      isOpen = false;
      try {
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(part, complete);
      await syncFolder(dirname(complete));
      onComplete(copy === null ? null : Buffer.concat(copy));
      return { bytes, sha256: hash.digest() };
    },
    async abandon() {
      if (!isOpen) return;
      isOpen = false;
      await handle.close();
    },
  };
}

async function sizeOfFile(path: string): Promise<number | null> {
  try {
    const stat = await lstat(path);
    return stat.isFile() ? stat.size : null;
  } catch (error) {
    if (errorCode(error) === "ENOENT") return null;
    throw error;
  }
}

/** Through a copy, because a rename does not cross file systems. */
async function copyAcross(source: string, target: string): Promise<void> {
  const temp = join(dirname(target), `.nightrun-${basename(source)}.tmp`);
  await rm(temp, { force: true });
  await copyFile(source, temp, constants.COPYFILE_EXCL);
  const handle = await open(temp, "r+");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temp, target);
  await syncFolder(dirname(target));
  await rm(source, { force: true });
}

async function moveFile(source: string, target: string): Promise<void> {
  // Asked first, because a missing source is reported differently across disks.
  if ((await sizeOfFile(source)) === null && (await sizeOfFile(target)) !== null) {
    await syncFolder(dirname(target));
    return;
  }
  try {
    await rename(source, target);
    await syncFolder(dirname(target));
  } catch (error) {
    if (errorCode(error) !== "EXDEV") throw error;
    await copyAcross(source, target);
  }
}

/** The spool in this folder, which is made (0700) if it is not there; a link in its place is refused. */
export async function openSpool(folder: string, options: { maxBytes?: number } = {}): Promise<Spool> {
  const root = resolve(folder);
  const maxBytes = options.maxBytes ?? MAX_BYTES;
  await makeFolder(root, 0o700);
  if (!(await lstat(root)).isDirectory()) throw new Error(`The spool ${root} is not a folder`);
  // A crash may have come between the name of a complete answer and its fsync.
  await syncFolder(root);

  const fileOf = (runId: number, ending: "part" | "answer"): string => {
    if (!Number.isSafeInteger(runId) || runId < 0) throw new Error(`Internal error: ${runId} is no run id`);
    return join(root, `${runId}.${ending}`);
  };
  const pathOf = (runId: number): string => fileOf(runId, "answer");
  const sizeOf = (runId: number): Promise<number | null> => sizeOfFile(pathOf(runId));
  /** What lies on the disk, byte by byte: remembered only when it is complete and safe there. */
  const remembered = new Map<number, Buffer>();
  /** Runs whose part was begun here and not completed. */
  const begun = new Set<number>();

  function remember(runId: number, answer: Buffer | null): void {
    remembered.delete(runId);
    if (answer === null) return;
    const [oldest] = remembered.keys();
    if (remembered.size >= MOST_REMEMBERED && oldest !== undefined) remembered.delete(oldest);
    remembered.set(runId, answer);
  }

  return {
    pathOf,
    sizeOf,
    async create(runId) {
      const part = fileOf(runId, "part");
      begun.add(runId);
      return createWriter({
        handle: await createNew(part, 0o600),
        part,
        complete: pathOf(runId),
        maxBytes,
        onComplete: (answer) => {
          begun.delete(runId);
          remember(runId, answer);
        },
      });
    },
    async isComplete(runId) {
      return (await sizeOf(runId)) !== null;
    },
    atHand: (runId) => remembered.get(runId) ?? null,
    async remove(runId) {
      // What was completed here and not begun again has no part.
      const mayHavePart = !remembered.delete(runId) || begun.has(runId);
      begun.delete(runId);
      const paths = [pathOf(runId), ...(mayHavePart ? [fileOf(runId, "part")] : [])];
      await Promise.all(paths.map(unlinkIfThere));
    },
    async runIds() {
      const names = await readdir(root);
      const ids = names.map((name) => NAME.exec(name)?.[1]).filter((id) => id !== undefined);
      return [...new Set(ids.map(Number))].sort((a, b) => a - b);
    },
    async moveTo(runId, target) {
      remembered.delete(runId);
      await moveFile(pathOf(runId), resolve(target));
      await syncFolder(root);
    },
  };
}
