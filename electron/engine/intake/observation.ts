import type { BigIntStats } from "node:fs";
import type { SpecialFile } from "../../contract/failure.ts";

/** One look at a regular file, without its content. */
export interface Observation {
  /** Relative to the batch's folder, "/" between components; see `encodeName`. */
  path: string;
  bytes: number;
  /** Integer microseconds since 1970, below 2^53. */
  mtimeUs: number;
  /** "device:inode"; equal for two names of one file, and after a rename. */
  fileId: string;
}

/** True when nothing visible from outside changed: same size, same time, same file. */
export function sameObservation(a: Observation, b: Observation): boolean {
  return a.bytes === b.bytes && a.mtimeUs === b.mtimeUs && a.fileId === b.fileId;
}

/**
 * Equal for two looks through one descriptor only when no byte was written in between: whoever writes may set the
 * file's time back (`cp -p`), but not the time of its last change of state.
 */
export function stampOf(stat: BigIntStats): string {
  return `${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}`;
}

/** "device:inode" of anything. */
export function fileIdOf(stat: BigIntStats): string {
  return `${stat.dev}:${stat.ino}`;
}

/** What `stat` tells about the file at `path`. */
export function observationOf(path: string, stat: BigIntStats): Observation {
  return { path, bytes: Number(stat.size), mtimeUs: microseconds(stat.mtimeNs), fileId: fileIdOf(stat) };
}

const LATEST = BigInt(Number.MAX_SAFE_INTEGER);

/** A time beyond the year 2255 is a broken clock's; it only has to stay equal to itself. */
function microseconds(nanoseconds: bigint): number {
  const whole = nanoseconds / 1000n;
  return Number(whole > LATEST ? LATEST : whole < -LATEST ? -LATEST : whole);
}

/** What it is when it is no regular file; null when it is one. */
export function specialKind(stat: BigIntStats): SpecialFile | null {
  if (stat.isFile()) return null;
  if (stat.isSymbolicLink()) return "symbolic link";
  if (stat.isDirectory()) return "folder";
  if (stat.isFIFO()) return "named pipe";
  if (stat.isSocket()) return "socket";
  if (stat.isBlockDevice() || stat.isCharacterDevice()) return "device";
  return "special file";
}
