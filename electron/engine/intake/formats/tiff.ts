import { validOrientation } from "./exif.ts";
import type { Reader } from "./reader.ts";
import { measured, type Verdict } from "./verdict.ts";

const TAG = {
  WIDTH: 256,
  HEIGHT: 257,
  COMPRESSION: 259,
  STRIP_OFFSETS: 273,
  ORIENTATION: 274,
  STRIP_BYTES: 279,
  TILE_OFFSETS: 324,
  TILE_BYTES: 325,
  SUB_DIRECTORIES: 330,
  JPEG_OFFSET: 513,
  JPEG_BYTES: 514,
  EXIF: 34_665,
  GPS: 34_853,
} as const;

/** Bytes of one value, by TIFF's field type; 13 and 16 to 18 are the later additions. */
const TYPE_BYTES = new Map([
  [1, 1],
  [2, 1],
  [3, 2],
  [4, 4],
  [5, 8],
  [6, 1],
  [7, 1],
  [8, 2],
  [9, 4],
  [10, 8],
  [11, 4],
  [12, 8],
  [13, 4],
  [16, 8],
  [17, 8],
  [18, 8],
]);
const UNSIGNED: readonly number[] = [1, 3, 4, 13, 16, 18];
const MOST_DIRECTORIES = 1000;
const MOST_ENTRIES = 4096;
const PIECE_VALUES = 4096;

interface Field {
  type: number;
  count: number;
  /** Where its values stand. */
  at: number;
}
type Directory = Map<number, Field>;
type Fault = "cut" | "damaged";

/** Byte order and width of offsets: classic TIFF or BigTIFF. */
interface Layout {
  reader: Reader;
  isLittle: boolean;
  isBig: boolean;
}

/**
 * Walks all directories (pages, sub-images, EXIF) and makes sure that every value, strip and tile that they name lies
 * within the file. The measures are the first page's.
 */
export async function inspectTiff(reader: Reader): Promise<Verdict> {
  const head = await reader.at(0, 8);
  if (head === null) return "cut";
  const isLittle = head[0] === 0x49;
  const version = isLittle ? head.readUInt16LE(2) : head.readUInt16BE(2);
  const layout: Layout = { reader, isLittle, isBig: version === 43 };
  const first = await readNumber(layout, layout.isBig ? 8 : 4, layout.isBig ? 8 : 4);
  // Writers put the offset in last: none yet means that they have not finished.
  if (first === null || first === 0) return "cut";
  return walkDirectories(layout, first);
}

async function walkDirectories(layout: Layout, first: number): Promise<Verdict> {
  const pending = [first];
  const visited = new Set<number>();
  let page: Directory | null = null;
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    if (visited.has(at) || visited.size >= MOST_DIRECTORIES) continue;
    visited.add(at);
    const read = await readDirectory(layout, at);
    if (read === "cut" || read === "damaged") return read;
    const fault =
      (await checkPixels(layout, read.directory)) ?? (await addLinked(layout, read.directory, pending));
    if (fault !== null) return fault;
    if (read.next !== 0) pending.push(read.next);
    page ??= read.directory;
  }
  return page === null ? "damaged" : measurePage(layout, page);
}

async function measurePage(layout: Layout, page: Directory): Promise<Verdict> {
  const hasPixels = [TAG.STRIP_OFFSETS, TAG.TILE_OFFSETS, TAG.JPEG_OFFSET].some((tag) => page.has(tag));
  if (!hasPixels) return "damaged";
  const width = await firstValue(layout, page, TAG.WIDTH);
  const height = await firstValue(layout, page, TAG.HEIGHT);
  const orientation = await firstValue(layout, page, TAG.ORIENTATION);
  return measured(width ?? 0, height ?? 0, validOrientation(orientation ?? 1));
}

async function readDirectory(
  layout: Layout,
  at: number,
): Promise<{ directory: Directory; next: number } | Fault> {
  const { reader, isBig } = layout;
  const countBytes = isBig ? 8 : 2;
  const entryBytes = isBig ? 20 : 12;
  const offsetBytes = isBig ? 8 : 4;
  const count = await readNumber(layout, at, countBytes);
  if (count === null) return "cut";
  // All zero: room was reserved, but the writer has not come this far.
  if (count === 0) return "cut";
  if (count > MOST_ENTRIES) return "damaged";
  const directory: Directory = new Map();
  for (let i = 0; i < count; i += 1) {
    const entryAt = at + countBytes + i * entryBytes;
    const tag = await readNumber(layout, entryAt, 2);
    const type = await readNumber(layout, entryAt + 2, 2);
    const values = await readNumber(layout, entryAt + 4, offsetBytes);
    if (tag === null || type === null || values === null) return "cut";
    const bytes = (TYPE_BYTES.get(type) ?? 0) * values;
    const inlineAt = entryAt + 4 + offsetBytes;
    const valueAt = bytes <= offsetBytes ? inlineAt : await readNumber(layout, inlineAt, offsetBytes);
    if (valueAt === null || valueAt + bytes > reader.bytes) return "cut";
    if (!directory.has(tag)) directory.set(tag, { type, count: values, at: valueAt });
  }
  const next = await readNumber(layout, at + countBytes + count * entryBytes, offsetBytes);
  return next === null ? "cut" : { directory, next };
}

/** EXIF, GPS and sub-images have directories of their own. */
async function addLinked(layout: Layout, directory: Directory, pending: number[]): Promise<Fault | null> {
  for (const tag of [TAG.EXIF, TAG.GPS, TAG.SUB_DIRECTORIES]) {
    const field = directory.get(tag);
    if (field === undefined) continue;
    for (let i = 0; i < Math.min(field.count, MOST_DIRECTORIES); i += 1) {
      const at = await readValue(layout, field, i);
      if (at === null) return "damaged";
      if (at !== 0) pending.push(at);
    }
  }
  return null;
}

async function checkPixels(layout: Layout, directory: Directory): Promise<Fault | null> {
  return (
    (await checkRanges(layout, directory.get(TAG.STRIP_OFFSETS), directory.get(TAG.STRIP_BYTES))) ??
    (await checkRanges(layout, directory.get(TAG.TILE_OFFSETS), directory.get(TAG.TILE_BYTES))) ??
    (await checkRanges(layout, directory.get(TAG.JPEG_OFFSET), directory.get(TAG.JPEG_BYTES)))
  );
}

async function checkRanges(layout: Layout, offsets?: Field, lengths?: Field): Promise<Fault | null> {
  if (offsets === undefined) return null;
  for (let from = 0; from < offsets.count; from += PIECE_VALUES) {
    const starts = await readValues(layout, offsets, from);
    const sizes = lengths === undefined ? [] : await readValues(layout, lengths, from);
    if (starts === null || sizes === null) return "damaged";
    // A strip without bytes is left out on purpose (sparse files); one that starts at 0 is as well.
    const isCut = starts.some((start, i) => start !== 0 && start + (sizes[i] ?? 1) > layout.reader.bytes);
    if (isCut) return "cut";
  }
  return null;
}

/** Up to 4,096 values from index `from`; null when the field holds no unsigned numbers. */
async function readValues(layout: Layout, field: Field, from: number): Promise<number[] | null> {
  const width = TYPE_BYTES.get(field.type) ?? 0;
  const count = Math.max(0, Math.min(PIECE_VALUES, field.count - from));
  if (!UNSIGNED.includes(field.type)) return null;
  const block = await layout.reader.at(field.at + from * width, count * width);
  if (block === null) return null;
  return Array.from({ length: count }, (_, i) => decodeNumber(block, i * width, width, layout.isLittle));
}

async function readValue(layout: Layout, field: Field, index: number): Promise<number | null> {
  const width = TYPE_BYTES.get(field.type) ?? 0;
  return UNSIGNED.includes(field.type) ? readNumber(layout, field.at + index * width, width) : null;
}

async function firstValue(layout: Layout, directory: Directory, tag: number): Promise<number | null> {
  const field = directory.get(tag);
  return field === undefined || field.count === 0 ? null : readValue(layout, field, 0);
}

async function readNumber(layout: Layout, at: number, width: number): Promise<number | null> {
  const block = await layout.reader.at(at, width);
  return block === null ? null : decodeNumber(block, 0, width, layout.isLittle);
}

/** Offsets beyond 2^53 lose digits, which is harmless: no file reaches there. */
function decodeNumber(block: Buffer, at: number, width: number, isLittle: boolean): number {
  if (width === 8) return Number(isLittle ? block.readBigUInt64LE(at) : block.readBigUInt64BE(at));
  return isLittle ? block.readUIntLE(at, width) : block.readUIntBE(at, width);
}
