import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, open, rename, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** Windows knows neither flag; there the value is 0 and O_EXCL alone protects. */
const NO_FOLLOW = (constants as Partial<typeof constants>).O_NOFOLLOW ?? 0;
const CREATE_NEW = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | NO_FOLLOW;

/** The `code` of a file-system error ("ENOSPC"), or null for anything else. */
export function errorCode(error: unknown): string | null {
  if (!(error instanceof Error) || !("code" in error)) return null;
  return typeof error.code === "string" ? error.code : null;
}

/** Creates a file that surely did not exist, never through a link; a left-over of the same name is removed first. */
export async function createNew(path: string | Buffer, mode = 0o666): Promise<FileHandle> {
  try {
    return await open(path, CREATE_NEW, mode);
  } catch (error) {
    if (errorCode(error) !== "EEXIST") throw error;
  }
  await unlink(path);
  return open(path, CREATE_NEW, mode);
}

/** Makes the names in a folder survive a power cut. Windows cannot and need not. */
export async function syncFolder(path: string | Buffer): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(path, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Works on a path as text that keeps every byte, so that names that are not UTF-8 can be split. */
function onText(path: string | Buffer, change: (text: string) => string): string | Buffer {
  if (typeof path === "string") return change(path);
  return Buffer.from(change(path.toString("latin1")), "latin1");
}

/**
 * Where a file is written before it gets its name: beside it, and always the same for the same name, so that the next
 * try cleans up what a crash left behind.
 */
export function temporaryPath(path: string | Buffer): string | Buffer {
  return onText(path, (text) => {
    const hash = createHash("sha256").update(basename(text)).digest("hex").slice(0, 16);
    return join(dirname(text), `.nightrun-${hash}.tmp`);
  });
}

/**
 * Puts a file in place: complete and fsynced under a temporary name beside it, then renamed.
 * The new *name* is only safe from a power cut after `syncFolder` of its folder.
 */
export async function replaceFile(path: string | Buffer, data: Uint8Array | string): Promise<void> {
  const temp = temporaryPath(path);
  const handle = await createNew(temp);
  try {
    try {
      await handle.writeFile(data);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temp, path);
  } catch (error) {
    await unlink(temp).catch(() => {
      // The first error is the one to tell; the next try of this file removes the left-over.
    });
    throw error;
  }
}

/** A file that is, when this returns, complete and safe from a crash or power cut, or as it was before. */
export async function writeDurably(path: string | Buffer, data: Uint8Array | string): Promise<void> {
  await replaceFile(path, data);
  await syncFolder(onText(path, dirname));
}
