import { exifOrientation } from "./exif.ts";
import type { Reader } from "./reader.ts";
import { measured, type Verdict } from "./verdict.ts";

const MARKER = {
  TEM: 0x01,
  SOI: 0xd8,
  EOI: 0xd9,
  SOS: 0xda,
  DHT: 0xc4,
  JPG: 0xc8,
  DAC: 0xcc,
  APP1: 0xe1,
} as const;
const END_OF_IMAGE = Buffer.from([0xff, MARKER.EOI]);
const MOST_SEGMENTS = 100_000;
const TAIL_BYTES = 64 * 1024;
const PIECE_BYTES = 256 * 1024;

interface Header {
  width: number;
  height: number;
  orientation: number | null;
}

/**
 * Walks the segments up to the first scan, then looks for an end-of-image marker behind it. Coded pixels cannot
 * contain that marker, and thumbnails stand before the scan, so any one behind it ends this picture.
 * What follows it (further pictures of a phone, a clip, maker notes, padding) is the camera's affair: it is looked for in the
 * last 64 KiB first, and from the scan onwards only when the tail holds none.
 */
export async function inspectJpeg(reader: Reader): Promise<Verdict> {
  const header: Header = { width: 0, height: 0, orientation: null };
  let at = 2;
  for (let segments = 0; segments < MOST_SEGMENTS; segments += 1) {
    const marker = await nextMarker(reader, at);
    if (marker === "cut" || marker === "damaged") return marker;
    if (marker.code === MARKER.EOI || marker.code === MARKER.SOI) return "damaged";
    if (isStandalone(marker.code)) {
      at = marker.end;
      continue;
    }
    const length = (await reader.at(marker.end, 2))?.readUInt16BE(0);
    if (length === undefined || marker.end + length > reader.bytes) return "cut";
    if (length < 2) return "damaged";
    const isRead = await readSegment(reader, header, marker.code, marker.end + 2, length - 2);
    if (!isRead) return "damaged";
    at = marker.end + length;
    if (marker.code === MARKER.SOS) return (await hasEnd(reader, at)) ? measuredHeader(header) : "cut";
  }
  return "damaged";
}

function measuredHeader({ width, height, orientation }: Header): Verdict {
  return measured(width, height, orientation);
}

/** The marker at `at`, behind any number of fill bytes. */
async function nextMarker(
  reader: Reader,
  at: number,
): Promise<{ code: number; end: number } | "cut" | "damaged"> {
  for (let end = at; end < at + TAIL_BYTES; end += 1) {
    const byte = (await reader.at(end, 1))?.[0];
    if (byte === undefined) return "cut";
    if (byte === 0xff) continue;
    return end > at && byte !== 0 ? { code: byte, end: end + 1 } : "damaged";
  }
  return "damaged";
}

function isStandalone(code: number): boolean {
  return code === MARKER.TEM || (code >= 0xd0 && code <= 0xd7);
}

function isFrame(code: number): boolean {
  return code >= 0xc0 && code <= 0xcf && code !== MARKER.DHT && code !== MARKER.JPG && code !== MARKER.DAC;
}

/** Takes what is needed from one segment; false when it is too short for what it says it is. */
async function readSegment(
  reader: Reader,
  header: Header,
  code: number,
  at: number,
  length: number,
): Promise<boolean> {
  if (isFrame(code) && header.width === 0) {
    const frame = length < 5 ? null : await reader.at(at, 5);
    if (frame === null) return false;
    header.height = frame.readUInt16BE(1);
    header.width = frame.readUInt16BE(3);
  }
  if (code === MARKER.APP1 && header.orientation === null) {
    const block = await reader.at(at, length);
    if (block?.toString("latin1", 0, 4) === "Exif") header.orientation = exifOrientation(block);
  }
  return true;
}

async function hasEnd(reader: Reader, scanAt: number): Promise<boolean> {
  const tailAt = Math.max(scanAt, reader.bytes - TAIL_BYTES);
  const tail = await reader.at(tailAt, reader.bytes - tailAt);
  if (tail?.includes(END_OF_IMAGE) === true) return true;
  // Pieces overlap by one byte: the marker may straddle.
  for (let at = scanAt; at < tailAt; at += PIECE_BYTES - 1) {
    const piece = await reader.at(at, Math.min(PIECE_BYTES, reader.bytes - at));
    if (piece === null) return false;
    if (piece.includes(END_OF_IMAGE)) return true;
  }
  return false;
}
