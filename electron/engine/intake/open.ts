import { constants, readlinkSync } from "node:fs";
import { lstat, open, realpath, type FileHandle } from "node:fs/promises";
import type { ImageFailure } from "../../contract/failure.ts";
import { fail, succeed, type Result } from "../../contract/result.ts";
import { errorCode, isGone } from "./fs-error.ts";
import { fileIdOf, observationOf, specialKind, stampOf, type Observation } from "./observation.ts";
import { absolutePath, joinBytes } from "./path.ts";

/** A regular file inside the folder, held by one descriptor from here to the last byte sent. */
export interface OpenImage {
  handle: FileHandle;
  /** Taken from the descriptor itself. */
  observation: Observation;
  /** `stampOf` the same look: equal after reading, when nobody wrote meanwhile. */
  stamp: string;
  /** May be called more than once. */
  close(): Promise<void>;
}

/** How the operating system can keep links out; tests try the ways of the others. */
export interface OpenWays {
  /** `O_NOFOLLOW` exists. */
  noFollow: boolean;
  /** `/proc/self/fd` tells where a descriptor leads. */
  descriptorLinks: boolean;
}

const PLATFORM: OpenWays = {
  noFollow: (constants.O_NOFOLLOW as number | undefined) !== undefined,
  descriptorLinks: process.platform === "linux",
};

/**
 * Where a descriptor cannot be asked for its place (outside Linux), its path is looked up instead, and a folder that is
 * swapped between the steps of one look can deceive it: 11 times in 20,000 by a program that did nothing else, and never when
 * two or more looks had to agree. This makes it unlikely, not impossible.
 */
const LOOKS_AT_PLACE = 4;

/**
 * Opens an image without following a link out of the folder and without waiting on a pipe: a name that is a link, leads
 * outside, or is no regular file is refused as "special-file". On Linux this holds even while names are being swapped.
 */
export async function openImage(
  root: string,
  path: string,
  ways: OpenWays = PLATFORM,
): Promise<Result<OpenImage, ImageFailure>> {
  const location = absolutePath(root, path);
  let handle: FileHandle | null = null;
  try {
    // Without O_NOFOLLOW the name is looked at first, and the descriptor must turn out to be the same file.
    const before = ways.noFollow ? null : await lstat(location, { bigint: true });
    const special = before === null ? null : specialKind(before);
    if (special !== null) return fail({ reason: "special-file", kind: special });
    handle = await open(location, openFlags(ways));
    const found = await handle.stat({ bigint: true });
    const refusal =
      refusedKind(specialKind(found)) ??
      (before !== null && fileIdOf(before) !== fileIdOf(found)
        ? ({ reason: "still-changing" } as const)
        : null) ??
      (await refusedPlace(root, location, handle, fileIdOf(found), ways));
    if (refusal !== null) return fail(refusal);
    const image = openedImage(handle, observationOf(path, found), stampOf(found));
    handle = null;
    return succeed(image);
  } catch (error) {
    return fail(await openFailure(errorCode(error), location));
  } finally {
    await handle?.close();
  }
}

function openFlags(ways: OpenWays): number {
  const noFollow = ways.noFollow ? constants.O_NOFOLLOW : 0;
  const nonBlocking = (constants.O_NONBLOCK as number | undefined) ?? 0;
  return constants.O_RDONLY | noFollow | nonBlocking;
}

function openedImage(handle: FileHandle, observation: Observation, stamp: string): OpenImage {
  let closing: Promise<void> | null = null;
  return { handle, observation, stamp, close: () => (closing ??= handle.close()) };
}

function refusedKind(kind: ReturnType<typeof specialKind>): ImageFailure | null {
  return kind === null ? null : { reason: "special-file", kind };
}

/** A folder on the way may be a link, or may have become one since the walk. */
async function refusedPlace(
  root: string,
  location: Buffer,
  handle: FileHandle,
  fileId: string,
  ways: OpenWays,
): Promise<ImageFailure | null> {
  const home = await realpath(root, { encoding: "buffer" });
  const place = ways.descriptorLinks ? descriptorPlace(handle) : null;
  if (place !== null) return isInside(home, place) ? null : { reason: "special-file", kind: "symbolic link" };
  for (let look = 0; look < LOOKS_AT_PLACE; look += 1) {
    const refusal = await refusedPlaceNow(home, location, fileId);
    if (refusal !== null) return refusal;
  }
  return null;
}

async function refusedPlaceNow(home: Buffer, location: Buffer, fileId: string): Promise<ImageFailure | null> {
  const backslash = process.platform === "win32" ? location.lastIndexOf(0x5c) : -1;
  const slash = Math.max(location.lastIndexOf(0x2f), backslash);
  const folder = await realpath(location.subarray(0, slash), { encoding: "buffer" });
  const real = joinBytes(folder, location.subarray(slash + 1));
  if (!isInside(home, real)) return { reason: "special-file", kind: "symbolic link" };
  // The folder could have been swapped after opening: what lies there must be what is open.
  const there = await lstat(real, { bigint: true });
  return fileIdOf(there) === fileId ? null : { reason: "still-changing" };
}

function descriptorPlace(handle: FileHandle): Buffer | null {
  try {
    // The kernel knows it without asking any disk: another thread would cost more than the answer.
    return readlinkSync(`/proc/self/fd/${handle.fd}`, { encoding: "buffer" });
  } catch (error) {
    // No /proc here (a bare container): the other way remains.
    errorCode(error);
    return null;
  }
}

function isInside(home: Buffer, place: Buffer): boolean {
  const prefix = joinBytes(home, Buffer.alloc(0));
  return place.length > prefix.length && place.subarray(0, prefix.length).equals(prefix);
}

async function openFailure(code: string, location: Buffer): Promise<ImageFailure> {
  if (isGone(code)) return { reason: "vanished" };
  // ELOOP: the last component is a link (EMLINK on BSD), or links run in a circle on the way.
  if (code === "ELOOP" || code === "EMLINK") return { reason: "special-file", kind: "symbolic link" };
  return (await specialAt(location)) ?? { reason: "unreadable", code };
}

/** Sockets and some devices refuse to be opened; say what they are rather than a code. */
async function specialAt(location: Buffer): Promise<ImageFailure | null> {
  try {
    return refusedKind(specialKind(await lstat(location, { bigint: true })));
  } catch (error) {
    errorCode(error);
    return null;
  }
}
