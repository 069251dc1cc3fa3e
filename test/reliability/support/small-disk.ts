import { spawnSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";

/** A disk of its own in memory, that can be filled to its last byte. */
export interface SmallDisk extends Disposable {
  fill(): void;
  free(): void;
}

const CHUNKS_BYTES = [1_048_576, 4_096];

/** Mounts a small disk at a folder, which is made. For a process with mounts of its own. */
export function mountSmallDisk(folder: string, megabytes: number): SmallDisk {
  mkdirSync(folder, { recursive: true });
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${String(megabytes)}m`, "none", folder], {
    encoding: "utf8",
  });
  if (mounted.status !== 0) throw new Error(`No disk could be mounted: ${mounted.stderr}`);
  const filler = join(folder, "of-another-program");

  function fillWith(descriptor: number, bytes: number): void {
    const chunk = Buffer.alloc(bytes, 1);
    try {
      for (;;) if (writeSync(descriptor, chunk) < bytes) return;
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) throw error;
    }
  }

  return {
    fill() {
      const descriptor = openSync(filler, "a");
      for (const bytes of CHUNKS_BYTES) fillWith(descriptor, bytes);
      closeSync(descriptor);
    },
    free: () => rmSync(filler, { force: true }),
    [Symbol.dispose]() {
      spawnSync("umount", ["-l", folder]);
    },
  };
}
