import { randomBytes } from "node:crypto";
import { open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { diskSpace, usualMinimumBytes } from "./disk.ts";

/** Holds the last commits of everything that can be in flight: a commit of one step writes some tens of kilobytes. */
export const BALLAST_BYTES = 4_194_304;
const CHUNK_BYTES = 262_144;

/** A file beside the data file that only takes up room, given back when the last commits find none. */
export interface Ballast {
  /** Frees its room; false = there was none to free. */
  release(): Promise<boolean>;
  /** Makes it, durable and full of bytes that no file system can compress; false = it was there, or there is no room. */
  keep(): Promise<boolean>;
}

/** Where the ballast of a data file lies. */
export function ballastFile(dataFile: string): string {
  return `${dataFile}.ballast`;
}

async function write(file: string): Promise<void> {
  const part = `${file}.part`;
  try {
    const handle = await open(part, "w", 0o600);
    try {
      // Random, because a file system that compresses keeps no room for zeros.
      for (let bytes = 0; bytes < BALLAST_BYTES; bytes += CHUNK_BYTES)
        await handle.writeFile(randomBytes(CHUNK_BYTES));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(part, file);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

/** The ballast of a data file; nothing is made yet. `minimumFreeBytes` null = the usual. */
export function createBallast(dataFile: string, minimumFreeBytes: () => number | null): Ballast {
  const file = ballastFile(dataFile);
  const size = (): Promise<number | null> =>
    stat(file).then(
      (found) => found.size,
      () => null,
    );
  return {
    async release() {
      if ((await size()) === null) return false;
      await rm(file, { force: true });
      return true;
    },
    async keep() {
      if ((await size()) === BALLAST_BYTES) return false;
      const space = await diskSpace(dirname(file));
      if (space === null) return false;
      const left = minimumFreeBytes() ?? usualMinimumBytes(space.totalBytes);
      if (space.freeBytes < left + BALLAST_BYTES) return false;
      return write(file).then(
        () => true,
        () => false,
      );
    },
  };
}
