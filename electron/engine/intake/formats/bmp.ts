import type { Reader } from "./reader.ts";
import { measured, type Verdict } from "./verdict.ts";

const FILE_HEADER_BYTES = 14;
const CORE_HEADER_BYTES = 12;
const HEADER_SIZES: readonly number[] = [CORE_HEADER_BYTES, 40, 52, 56, 64, 108, 124];
const DEPTHS: readonly number[] = [1, 2, 4, 8, 16, 24, 32];
/** Run lengths, or a JPEG or PNG inside: their length cannot be computed from the measures. */
const PACKED: readonly number[] = [1, 2, 4, 5];

interface BmpHeader {
  width: number;
  /** Negative when the rows run from top to bottom. */
  height: number;
  depth: number;
  compression: number;
  packedBytes: number;
}

/**
 * True when the bytes behind "BM" are a bitmap's: many other files start with these letters.
 * Needs the first 18 bytes.
 */
export function isBmpHeader(head: Buffer): boolean {
  return HEADER_SIZES.includes(head.readUInt32LE(FILE_HEADER_BYTES));
}

/** Computes from the header where the last row ends; the file size it states is often wrong and only used for packed pixels. */
export async function inspectBmp(reader: Reader): Promise<Verdict> {
  const head = await reader.at(0, FILE_HEADER_BYTES + 4);
  if (head === null) return "cut";
  const headerBytes = head.readUInt32LE(FILE_HEADER_BYTES);
  const block = await reader.at(FILE_HEADER_BYTES, headerBytes);
  if (block === null) return "cut";
  const header = readHeader(block);
  const pixelsAt = head.readUInt32LE(10);
  if (!DEPTHS.includes(header.depth) && !PACKED.includes(header.compression)) return "damaged";
  if (pixelsAt < FILE_HEADER_BYTES + headerBytes) return "damaged";
  const height = Math.abs(header.height);
  const end = PACKED.includes(header.compression)
    ? Math.max(pixelsAt + header.packedBytes, pixelsAt + 1)
    : pixelsAt + rowBytes(header) * height;
  const stated = PACKED.includes(header.compression) && header.packedBytes === 0 ? head.readUInt32LE(2) : 0;
  return Math.max(end, stated) > reader.bytes ? "cut" : measured(header.width, height, null);
}

function readHeader(block: Buffer): BmpHeader {
  if (block.length === CORE_HEADER_BYTES) {
    const size = { width: block.readUInt16LE(4), height: block.readUInt16LE(6) };
    return { ...size, depth: block.readUInt16LE(10), compression: 0, packedBytes: 0 };
  }
  return {
    width: block.readInt32LE(4),
    height: block.readInt32LE(8),
    depth: block.readUInt16LE(14),
    compression: block.readUInt32LE(16),
    packedBytes: block.readUInt32LE(20),
  };
}

/** Rows are padded to four bytes. */
function rowBytes({ width, depth }: BmpHeader): number {
  return Math.ceil((width * depth) / 32) * 4;
}
