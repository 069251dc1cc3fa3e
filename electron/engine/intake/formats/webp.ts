import { exifOrientation } from "./exif.ts";
import type { Reader } from "./reader.ts";
import { measured, type Verdict } from "./verdict.ts";

const RIFF_HEADER_BYTES = 12;
const CHUNK_HEADER_BYTES = 8;
const LARGEST_EXIF = 64 * 1024;
const MOST_CHUNKS = 100_000;

interface Size {
  width: number;
  height: number;
}

/** Compares the size in the RIFF header with the file, then walks the chunks for the canvas, pixels and EXIF. */
export async function inspectWebp(reader: Reader): Promise<Verdict> {
  const head = await reader.at(0, RIFF_HEADER_BYTES);
  if (head === null) return "cut";
  const end = head.readUInt32LE(4) + 8;
  // Writers put the size in last: none yet means that they have not finished.
  if (end === 8 || end > reader.bytes) return "cut";
  let size: Size | null = null;
  let orientation: number | null = null;
  let hasPixels = false;
  let at = RIFF_HEADER_BYTES;
  for (let chunks = 0; chunks < MOST_CHUNKS && at + CHUNK_HEADER_BYTES <= end; chunks += 1) {
    const chunk = await reader.at(at, CHUNK_HEADER_BYTES);
    if (chunk === null) return "cut";
    const type = chunk.toString("latin1", 0, 4);
    const length = chunk.readUInt32LE(4);
    if (at + CHUNK_HEADER_BYTES + length > end) return "damaged";
    size ??= await sizeIn(reader, type, at + CHUNK_HEADER_BYTES, length);
    if (type === "EXIF" && length <= LARGEST_EXIF) {
      const block = await reader.at(at + CHUNK_HEADER_BYTES, length);
      orientation ??= block === null ? null : exifOrientation(block);
    }
    hasPixels ||= type === "VP8 " || type === "VP8L" || type === "ANMF";
    // Chunks start at even offsets.
    at += CHUNK_HEADER_BYTES + length + (length % 2);
  }
  return size === null || !hasPixels ? "damaged" : measured(size.width, size.height, orientation);
}

async function sizeIn(reader: Reader, type: string, at: number, length: number): Promise<Size | null> {
  const start = length < 10 ? null : await reader.at(at, 10);
  if (start === null) return null;
  if (type === "VP8X") return { width: start.readUIntLE(4, 3) + 1, height: start.readUIntLE(7, 3) + 1 };
  if (type === "VP8L" && start[0] === 0x2f) {
    const bits = start.readUInt32LE(1);
    return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
  }
  if (type === "VP8 " && start.readUIntBE(3, 3) === 0x9d012a) {
    return { width: start.readUInt16LE(6) & 0x3fff, height: start.readUInt16LE(8) & 0x3fff };
  }
  return null;
}
