import { exifOrientation } from "./exif.ts";
import type { Reader } from "./reader.ts";
import { measured, type Verdict } from "./verdict.ts";

const SIGNATURE_BYTES = 8;
/** Length, type and checksum around the data of a chunk. */
const FRAME_BYTES = 12;
const LONGEST_CHUNK = 2 ** 31 - 1;
const LARGEST_EXIF = 64 * 1024;
/** 8 KiB a chunk is usual: enough for 8 GB. A file with more is made to keep us busy. */
const MOST_CHUNKS = 1_000_000;

/** Walks from chunk to chunk by their lengths until IEND is reached; what follows it is ignored, as decoders do. */
export async function inspectPng(reader: Reader): Promise<Verdict> {
  let header: Buffer | null = null;
  let orientation: number | null = null;
  let hasPixels = false;
  let at = SIGNATURE_BYTES;
  for (let chunks = 0; chunks < MOST_CHUNKS; chunks += 1) {
    const frame = await reader.at(at, 8);
    if (frame === null) return "cut";
    const length = frame.readUInt32BE(0);
    const type = frame.toString("latin1", 4, 8);
    // Room was reserved, but the writer has not come this far.
    if (frame.every((byte) => byte === 0)) return "cut";
    if (length > LONGEST_CHUNK || !/^[A-Za-z]{4}$/.test(type)) return "damaged";
    if (at + FRAME_BYTES + length > reader.bytes) return "cut";
    if (header === null) {
      if (type !== "IHDR" || length !== 13) return "damaged";
      header = Buffer.from((await reader.at(at + 8, 13)) ?? Buffer.alloc(13));
    }
    if (type === "eXIf" && length <= LARGEST_EXIF) {
      orientation ??= exifOrientation((await reader.at(at + 8, length)) ?? Buffer.alloc(0));
    }
    hasPixels ||= type === "IDAT";
    if (type === "IEND") {
      return hasPixels ? measured(header.readUInt32BE(0), header.readUInt32BE(4), orientation) : "damaged";
    }
    at += FRAME_BYTES + length;
  }
  return "damaged";
}
