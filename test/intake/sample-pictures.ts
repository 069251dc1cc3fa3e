import sharp, { type Sharp } from "sharp";

const WIDTH = 61;
const HEIGHT = 47;

/** A complete picture and what inspection must say about it. */
export interface SamplePicture {
  name: string;
  format: "JPEG" | "PNG" | "TIFF" | "WebP" | "BMP";
  bytes: Buffer;
  orientation: number;
}

export const SAMPLE_SIZE = { width: WIDTH, height: HEIGHT };

/** Noise: nothing in it compresses away, so every cut removes pixels. */
function noise(width = WIDTH, height = HEIGHT): Sharp {
  let seed = 12_345;
  const pixels = Buffer.alloc(width * height * 3);
  for (let i = 0; i < pixels.length; i += 1) {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    pixels[i] = seed >>> 16;
  }
  return sharp(pixels, { raw: { width, height, channels: 3 } });
}

/** One of every kind that cameras, scanners and programs write. */
export async function samplePictures(): Promise<SamplePicture[]> {
  const made: [
    name: string,
    format: SamplePicture["format"],
    bytes: Promise<Buffer> | Buffer,
    orientation?: number,
  ][] = [
    ["baseline JPEG", "JPEG", noise().jpeg().toBuffer()],
    ["progressive JPEG", "JPEG", noise().jpeg({ progressive: true }).toBuffer()],
    ["grey JPEG", "JPEG", noise().greyscale().jpeg().toBuffer()],
    ["rotated JPEG", "JPEG", noise().withMetadata({ orientation: 6 }).jpeg().toBuffer(), 6],
    ["JPEG with colour profile", "JPEG", noise().withIccProfile("p3").jpeg().toBuffer()],
    ["PNG", "PNG", noise().png().toBuffer()],
    ["interlaced PNG", "PNG", noise().png({ progressive: true }).toBuffer()],
    ["palette PNG", "PNG", noise().png({ palette: true }).toBuffer()],
    ["rotated PNG", "PNG", noise().withMetadata({ orientation: 3 }).png().toBuffer(), 3],
    ["plain TIFF", "TIFF", noise().tiff({ compression: "none" }).toBuffer()],
    ["LZW TIFF", "TIFF", noise().tiff({ compression: "lzw" }).toBuffer()],
    ["deflate TIFF", "TIFF", noise().tiff({ compression: "deflate" }).toBuffer()],
    ["JPEG in TIFF", "TIFF", noise().tiff({ compression: "jpeg" }).toBuffer()],
    [
      "tiled TIFF",
      "TIFF",
      noise().tiff({ compression: "lzw", tile: true, tileWidth: 16, tileHeight: 16 }).toBuffer(),
    ],
    [
      "pyramid TIFF",
      "TIFF",
      noise().tiff({ tile: true, pyramid: true, tileWidth: 16, tileHeight: 16 }).toBuffer(),
    ],
    ["BigTIFF", "TIFF", noise().tiff({ compression: "lzw", bigtiff: true }).toBuffer()],
    [
      "rotated TIFF",
      "TIFF",
      noise().withMetadata({ orientation: 8 }).tiff({ compression: "lzw" }).toBuffer(),
      8,
    ],
    ["big-endian TIFF", "TIFF", bigEndianTiff()],
    ["lossy WebP", "WebP", noise().webp().toBuffer()],
    ["lossless WebP", "WebP", noise().webp({ lossless: true }).toBuffer()],
    ["WebP with alpha", "WebP", noise().ensureAlpha(0.5).webp().toBuffer()],
    ["rotated WebP", "WebP", noise().withMetadata({ orientation: 5 }).webp().toBuffer(), 5],
    ["24-bit BMP", "BMP", bmp({ depth: 24 })],
    ["8-bit BMP", "BMP", bmp({ depth: 8 })],
    ["1-bit BMP", "BMP", bmp({ depth: 1 })],
    ["top-down BMP", "BMP", bmp({ depth: 32, isTopDown: true })],
    ["OS/2 BMP", "BMP", bmp({ depth: 24, isCore: true })],
    ["BMP with a wrong size field", "BMP", bmp({ depth: 24, statedBytes: 0 })],
    ["run-length BMP", "BMP", runLengthBmp()],
  ];
  return Promise.all(
    made.map(async ([name, format, bytes, orientation = 1]) => ({
      name,
      format,
      bytes: await bytes,
      orientation,
    })),
  );
}

/** A JPEG whose coded pixels are longer than any tail that is looked at. */
export async function largeJpeg(): Promise<Buffer> {
  return noise(700, 500).jpeg({ quality: 100 }).toBuffer();
}

interface BmpOptions {
  depth: number;
  isTopDown?: boolean;
  isCore?: boolean;
  statedBytes?: number;
}

function bmp({ depth, isTopDown = false, isCore = false, statedBytes }: BmpOptions): Buffer {
  const rowBytes = Math.ceil((WIDTH * depth) / 32) * 4;
  const headerBytes = isCore ? 12 : 40;
  const paletteBytes = depth <= 8 ? 2 ** depth * 4 : 0;
  const pixelsAt = 14 + headerBytes + paletteBytes;
  const file = Buffer.alloc(pixelsAt + rowBytes * HEIGHT, 0x5a);
  file.write("BM", "latin1");
  file.writeUInt32LE(statedBytes ?? file.length, 2);
  file.writeUInt32LE(0, 6);
  file.writeUInt32LE(pixelsAt, 10);
  file.writeUInt32LE(headerBytes, 14);
  if (isCore) {
    [WIDTH, HEIGHT, 1, depth].forEach((value, i) => file.writeUInt16LE(value, 18 + i * 2));
    return file;
  }
  file.fill(0, 18, 54);
  file.writeInt32LE(WIDTH, 18);
  file.writeInt32LE(isTopDown ? -HEIGHT : HEIGHT, 22);
  file.writeUInt16LE(1, 26);
  file.writeUInt16LE(depth, 28);
  return file;
}

function runLengthBmp(): Buffer {
  const row = Buffer.from([WIDTH, 0x07, 0, 0]);
  const pixels = Buffer.concat([...Array.from({ length: HEIGHT }, () => row), Buffer.from([0, 1])]);
  const head = bmp({ depth: 8 }).subarray(0, 14 + 40 + 1024);
  head.writeUInt32LE(head.length + pixels.length, 2);
  head.writeUInt32LE(1, 30);
  head.writeUInt32LE(pixels.length, 34);
  return Buffer.concat([head, pixels]);
}

/** One uncompressed grey strip, header first: the other byte order and the other layout than libtiff's. */
function bigEndianTiff(): Buffer {
  const entries: [tag: number, type: number, value: number][] = [
    [256, 3, WIDTH],
    [257, 3, HEIGHT],
    [258, 3, 8],
    [259, 3, 1],
    [262, 3, 1],
    [273, 4, 8 + 2 + 10 * 12 + 4],
    [274, 3, 1],
    [277, 3, 1],
    [278, 3, HEIGHT],
    [279, 4, WIDTH * HEIGHT],
  ];
  const head = Buffer.alloc(8 + 2 + entries.length * 12 + 4);
  head.write("MM\0*", "latin1");
  head.writeUInt32BE(8, 4);
  head.writeUInt16BE(entries.length, 8);
  entries.forEach(([tag, type, value], i) => {
    const at = 10 + i * 12;
    head.writeUInt16BE(tag, at);
    head.writeUInt16BE(type, at + 2);
    head.writeUInt32BE(1, at + 4);
    if (type === 3) head.writeUInt16BE(value, at + 8);
    else head.writeUInt32BE(value, at + 8);
  });
  return Buffer.concat([head, Buffer.alloc(WIDTH * HEIGHT, 0x33)]);
}
