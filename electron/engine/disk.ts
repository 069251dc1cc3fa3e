import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import type { SetupFailure } from "../contract/failure.ts";
import type { Clock } from "./clock.ts";

const USUAL_MINIMUM_BYTES = 512_000_000;
/** On a small disk, a share of it. */
const MINIMUM_SHARE = 0.05;
/** More than the ballast: its room, given back, must not look like room for results. */
const SMALLEST_MINIMUM_BYTES = 8_000_000;
const TRUSTED_FOR_MS = 1000;

/** Tells whether there is room for another result before it is asked for: a result can be read only once. */
export interface DiskGuard {
  /** null = there is room for `bytes` more. Looked up at most once a second. */
  lack(bytes: number): Promise<SetupFailure | null>;
}

/** Free and total bytes of the disk of a folder that may not exist yet; null when that cannot be told. */
export async function diskSpace(folder: string): Promise<{ freeBytes: number; totalBytes: number } | null> {
  for (let at = folder; ; at = dirname(at)) {
    try {
      const { bavail, blocks, bsize } = await statfs(at);
      return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
    } catch {
      // Not there yet: its parent lies on the same disk, or will hold it.
      if (dirname(at) === at) return null;
    }
  }
}

/** How much stays free on a disk of this size. */
export function usualMinimumBytes(totalBytes: number): number {
  return Math.min(USUAL_MINIMUM_BYTES, Math.max(SMALLEST_MINIMUM_BYTES, totalBytes * MINIMUM_SHARE));
}

export function createDiskGuard(options: {
  folders: readonly string[];
  clock: Clock;
  /** @default 512 MB, on small disks 5 % */
  minimumFreeBytes: () => number | null;
}): DiskGuard {
  let lookedAt = Number.NEGATIVE_INFINITY;
  let spaces: { folder: string; freeBytes: number; totalBytes: number }[] = [];
  async function look(): Promise<void> {
    const found = await Promise.all(
      options.folders.map(async (folder) => ({ folder, space: await diskSpace(folder) })),
    );
    spaces = found.flatMap(({ folder, space }) => (space === null ? [] : [{ folder, ...space }]));
    lookedAt = options.clock.mono();
  }
  return {
    async lack(bytes) {
      if (options.clock.mono() - lookedAt > TRUSTED_FOR_MS) await look();
      for (const { folder, freeBytes, totalBytes } of spaces) {
        const neededBytes = (options.minimumFreeBytes() ?? usualMinimumBytes(totalBytes)) + bytes;
        if (freeBytes < neededBytes) return { reason: "disk-low", folder, freeBytes, neededBytes };
      }
      return null;
    },
  };
}
