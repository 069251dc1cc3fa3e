/** Pixels, three bytes (red, green, blue) each, rows from the top. */
export interface RawPicture {
  width: number;
  height: number;
  rgb: Buffer;
}

/** Not a BMP that can be decoded; the message says why. */
export class BmpError extends Error {
  override readonly name = "BmpError";
}

const FILE_HEADER_BYTES = 14;
const CORE_HEADER_BYTES = 12;
const MOST_PIXELS = 100_000_000;
const PLAIN = 0;
const BITFIELDS = 3;
const ALPHA_BITFIELDS = 6;

interface Header {
  width: number;
  height: number;
  isTopDown: boolean;
  bits: number;
  pixelsAt: number;
  palette: Buffer;
  /** Bytes of one palette colour. */
  paletteStep: number;
  masks: [number, number, number];
}

/** Decodes bitmaps of 1 to 32 bits that are not packed; the image decoder in use knows none of them. @throws BmpError */
export function decodeBmp(file: Buffer): RawPicture {
  const header = readHeader(file);
  const { width, height, bits, pixelsAt, isTopDown } = header;
  const rowBytes = Math.ceil((width * bits) / 32) * 4;
  if (pixelsAt + rowBytes * height > file.length) throw new BmpError("it ends early");
  const rgb = Buffer.allocUnsafe(width * height * 3);
  const readRow = bits <= 8 ? indexedRow(header) : bits === 24 ? plainRow : maskedRow(header);
  for (let y = 0; y < height; y += 1) {
    const row = file.subarray(pixelsAt + rowBytes * (isTopDown ? y : height - 1 - y));
    readRow(row, rgb.subarray(y * width * 3, (y + 1) * width * 3), width);
  }
  return { width, height, rgb };
}

function readHeader(file: Buffer): Header {
  if (file.length < FILE_HEADER_BYTES + CORE_HEADER_BYTES || file.toString("latin1", 0, 2) !== "BM")
    throw new BmpError("it is no bitmap");
  const headerBytes = file.readUInt32LE(14);
  const isCore = headerBytes === CORE_HEADER_BYTES;
  if ((!isCore && headerBytes < 40) || file.length < FILE_HEADER_BYTES + headerBytes)
    throw new BmpError("its header is cut");
  const width = isCore ? file.readUInt16LE(18) : file.readInt32LE(18);
  const signedHeight = isCore ? file.readUInt16LE(20) : file.readInt32LE(22);
  const bits = file.readUInt16LE(isCore ? 24 : 28);
  const compression = isCore ? PLAIN : file.readUInt32LE(30);
  const height = Math.abs(signedHeight);
  if (width <= 0 || height === 0 || width * height > MOST_PIXELS)
    throw new BmpError(`it has ${width} × ${height} pixels`);
  const pixelsAt = file.readUInt32LE(10);
  const hasMasks = compression === BITFIELDS || compression === ALPHA_BITFIELDS;
  if (![1, 4, 8, 16, 24, 32].includes(bits) || !(compression === PLAIN || (hasMasks && bits >= 16)))
    throw new BmpError("it is packed");
  return {
    width,
    height,
    isTopDown: signedHeight < 0,
    bits,
    pixelsAt,
    palette: file.subarray(FILE_HEADER_BYTES + headerBytes, pixelsAt),
    paletteStep: isCore ? 3 : 4,
    masks: hasMasks ? readMasks(file) : usualMasks(bits),
  };
}

function readMasks(file: Buffer): [number, number, number] {
  if (file.length < 66) throw new BmpError("its header is cut");
  return [file.readUInt32LE(54), file.readUInt32LE(58), file.readUInt32LE(62)];
}

function usualMasks(bits: number): [number, number, number] {
  return bits === 16 ? [0x7c00, 0x03e0, 0x001f] : [0xff0000, 0x00ff00, 0x0000ff];
}

type RowReader = (row: Buffer, to: Buffer, width: number) => void;

const plainRow: RowReader = (row, to, width) => {
  for (let at = 0; at < width * 3; at += 3) {
    to[at] = row[at + 2] ?? 0;
    to[at + 1] = row[at + 1] ?? 0;
    to[at + 2] = row[at] ?? 0;
  }
};

function indexedRow({ bits, palette, paletteStep }: Header): RowReader {
  const perByte = 8 / bits;
  const mask = (1 << bits) - 1;
  return (row, to, width) => {
    for (let x = 0; x < width; x += 1) {
      const shift = 8 - bits * ((x % perByte) + 1);
      const color = (((row[Math.floor(x / perByte)] ?? 0) >> shift) & mask) * paletteStep;
      to[x * 3] = palette[color + 2] ?? 0;
      to[x * 3 + 1] = palette[color + 1] ?? 0;
      to[x * 3 + 2] = palette[color] ?? 0;
    }
  };
}

/** Where a channel lies in a pixel, and what brings it to 0 … 255. */
function channelOf(mask: number): { shift: number; most: number } {
  if (mask === 0) return { shift: 0, most: 0 };
  const shift = Math.clz32(mask & -mask) ^ 31;
  return { shift, most: mask >>> shift };
}

function maskedRow({ bits, masks }: Header): RowReader {
  const step = bits / 8;
  const channels = masks.map(channelOf);
  return (row, to, width) => {
    for (let x = 0; x < width; x += 1) {
      const pixel = bits === 16 ? row.readUInt16LE(x * step) : row.readUInt32LE(x * step);
      channels.forEach(({ shift, most }, c) => {
        to[x * 3 + c] = most === 0 ? 0 : Math.round((((pixel >>> shift) & most) * 255) / most);
      });
    }
  };
}
