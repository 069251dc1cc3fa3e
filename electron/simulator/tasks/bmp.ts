import { RunError } from "./run-error.ts";

/** Uncompressed pixels, three bytes (red, green, blue) each, rows from the top. */
export interface RawPicture {
  width: number;
  height: number;
  rgb: Buffer;
}

const FILE_HEADER_BYTES = 14;
const MAX_PIXELS = 100_000_000;
/** `BI_RGB` and, for 32 bits, `BI_BITFIELDS` with the usual blue-green-red-x order. */
const PLAIN = 0;
const BITFIELDS = 3;

export function isBmp(bytes: Buffer): boolean {
  return bytes.length > 1 && bytes[0] === 0x42 && bytes[1] === 0x4d;
}

interface BmpHeader {
  width: number;
  height: number;
  topDown: boolean;
  bits: number;
  dataOffset: number;
  palette: Buffer;
}

function readHeader(bytes: Buffer): BmpHeader {
  if (bytes.length < FILE_HEADER_BYTES + 40) throw new RunError("BMP header is cut short");
  const headerBytes = bytes.readUInt32LE(14);
  if (headerBytes < 40) throw new RunError("BMP of the OS/2 kind is not supported");
  const width = bytes.readInt32LE(18);
  const signedHeight = bytes.readInt32LE(22);
  const bits = bytes.readUInt16LE(28);
  const compression = bytes.readUInt32LE(30);
  const height = Math.abs(signedHeight);
  if (width <= 0 || height === 0 || width * height > MAX_PIXELS)
    throw new RunError(`BMP of ${width} x ${height} pixels`);
  const readable =
    compression === PLAIN ? [8, 24, 32].includes(bits) : compression === BITFIELDS && bits === 32;
  if (!readable) throw new RunError(`BMP with ${bits} bits and compression ${compression} is not supported`);
  const paletteStart = FILE_HEADER_BYTES + headerBytes;
  const dataOffset = bytes.readUInt32LE(10);
  return {
    width,
    height,
    topDown: signedHeight < 0,
    bits,
    dataOffset,
    palette: bytes.subarray(paletteStart, dataOffset),
  };
}

/** Decodes an 8-bit palette, 24-bit or 32-bit uncompressed BMP, which sharp cannot. */
export function decodeBmp(bytes: Buffer): RawPicture {
  const { width, height, topDown, bits, dataOffset, palette } = readHeader(bytes);
  const step = bits / 8;
  const rowBytes = Math.ceil((width * bits) / 32) * 4;
  if (bytes.length < dataOffset + rowBytes * height) throw new RunError("BMP data is cut short");
  const rgb = Buffer.allocUnsafe(width * height * 3);
  let to = 0;
  for (let y = 0; y < height; y += 1) {
    const row = dataOffset + rowBytes * (topDown ? y : height - 1 - y);
    for (let x = 0; x < width; x += 1) {
      const pixel = row + x * step;
      const source = bits === 8 ? palette : bytes;
      const from = bits === 8 ? (bytes[pixel] ?? 0) * 4 : pixel;
      rgb[to] = source[from + 2] ?? 0;
      rgb[to + 1] = source[from + 1] ?? 0;
      rgb[to + 2] = source[from] ?? 0;
      to += 3;
    }
  }
  return { width, height, rgb };
}
