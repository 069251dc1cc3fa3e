import type { FileHandle } from "node:fs/promises";

/** Reads small pieces anywhere in a file. */
export interface Reader {
  /** Size of the file. */
  readonly bytes: number;
  /** `length` bytes from `offset`; null when the file ends before that. Rejects with the file system's error. */
  at(offset: number, length: number): Promise<Buffer | null>;
}

/** The first read is large enough for most headers, later ones are about as small as asked: offsets lead far apart. */
const FIRST_BYTES = 16 * 1024;
const LATER_BYTES = 512;
/** Beyond twice the file, the offsets lead in circles: a file made to keep us busy is treated as one that ends. */
const SPARE_BYTES = 16 * 1024 * 1024;

/** A reader over the first `bytes` bytes of an open file; it holds the beginning and one other small piece at a time. */
export function createReader(handle: FileHandle, bytes: number): Reader {
  let head: Buffer | null = null;
  let piece: Buffer = Buffer.alloc(0);
  let mayRead = 2 * bytes + SPARE_BYTES;
  let pieceAt = 0;
  const load = async (offset: number, length: number): Promise<void> => {
    const atLeast = head === null ? FIRST_BYTES : LATER_BYTES;
    const wanted = Math.min(Math.max(length, atLeast), bytes - offset);
    mayRead -= wanted;
    piece = await readFully(handle, offset, wanted);
    pieceAt = offset;
    head ??= offset === 0 ? piece : Buffer.alloc(0);
  };
  return {
    bytes,
    async at(offset, length) {
      if (offset < 0 || offset + length > bytes || mayRead < 0) return null;
      if (head !== null && offset + length <= head.length) return head.subarray(offset, offset + length);
      if (offset < pieceAt || offset + length > pieceAt + piece.length) await load(offset, length);
      const from = offset - pieceAt;
      // Shorter than asked: the file shrank under our eyes.
      return from + length > piece.length ? null : piece.subarray(from, from + length);
    },
  };
}

async function readFully(handle: FileHandle, offset: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await handle.read(buffer, filled, length - filled, offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}
