import { createHash } from "node:crypto";
import type { BigIntStats } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import type { ImageFailure } from "../../contract/failure.ts";
import { fail, succeed, type Result } from "../../contract/result.ts";
import type { Reader } from "./formats/reader.ts";
import { errorCode } from "./fs-error.ts";
import { stampOf } from "./observation.ts";

/** Each piece is a way to another thread and back, which costs more than what it reads. */
const PIECE_BYTES = 1024 * 1024;
const MOST_SPARE = 4;
const spare: Buffer[] = [];

/**
 * SHA-256 (32 bytes) of exactly `bytes` bytes of the file, read through this descriptor in pieces of 1 MiB.
 * Fails as "still-changing" when the size differs or the file was touched while it was read.
 */
export async function hashImage(handle: FileHandle, bytes: number): Promise<Result<Buffer, ImageFailure>> {
  const buffer = spare.pop() ?? Buffer.allocUnsafe(PIECE_BYTES);
  try {
    const before = await look(handle);
    if (Number(before.size) !== bytes) return fail({ reason: "still-changing" });
    const hash = createHash("sha256");
    let at = 0;
    while (at < bytes) {
      const { bytesRead } = await handle.read(buffer, 0, Math.min(PIECE_BYTES, bytes - at), at);
      if (bytesRead === 0) return fail({ reason: "still-changing" });
      hash.update(buffer.subarray(0, bytesRead));
      at += bytesRead;
    }
    if (stampOf(before) !== stampOf(await look(handle))) return fail({ reason: "still-changing" });
    return succeed(hash.digest());
  } catch (error) {
    return fail({ reason: "unreadable", code: errorCode(error) });
  } finally {
    if (spare.length < MOST_SPARE) spare.push(buffer);
  }
}

/** What of a file tells it from others of its size: a piece of its end, its middle and its beginning. */
const SAMPLE_BYTES = 16 * 1024;

/**
 * A number below 2^48, equal for files of equal bytes: made of the size and of three samples. Different numbers = different
 * files; of equal ones only `hashImage` can tell. Rejects with the file system's error; null = the file is shorter than said.
 */
export async function fingerprintOf(reader: Reader): Promise<number | null> {
  const { bytes } = reader;
  const hash = createHash("sha256").update(`${bytes} `);
  const length = Math.min(SAMPLE_BYTES, bytes);
  // After an inspection, the reader often has the end at hand, and always the beginning.
  for (const at of [bytes - length, Math.floor((bytes - length) / 2), 0]) {
    const sample = await reader.at(at, length);
    if (sample === null) return null;
    hash.update(sample);
  }
  return hash.digest().readUIntBE(0, 6);
}

function look(handle: FileHandle): Promise<BigIntStats> {
  return handle.stat({ bigint: true });
}

/** A hash as exports and logs show it: 64 lower-case hexadecimal digits. */
export function sha256Hex(hash: Uint8Array): string {
  return Buffer.from(hash.buffer, hash.byteOffset, hash.byteLength).toString("hex");
}
