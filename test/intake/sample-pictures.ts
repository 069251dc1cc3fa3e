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
    ["TIFF with a sub-image", "TIFF", tiffWithSubImage()],
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
  const head = Buffer.from("MM\0*\0\0\0\x08", "latin1");
  return Buffer.concat([head, greyPage(8, null), Buffer.alloc(WIDTH * HEIGHT, 0x33)]);
}

/** The same with a second picture at the end that only a pointer in the first one leads to. */
function tiffWithSubImage(): Buffer {
  const subImageAt = 8 + greyPage(8, 0).length + WIDTH * HEIGHT;
  const first = Buffer.concat([greyPage(8, subImageAt), Buffer.alloc(WIDTH * HEIGHT, 0x33)]);
  const second = Buffer.concat([greyPage(8 + first.length, null), Buffer.alloc(WIDTH * HEIGHT, 0x44)]);
  return Buffer.concat([Buffer.from("MM\0*\0\0\0\x08", "latin1"), first, second]);
}

/** A directory at `at` whose only strip follows it. */
function greyPage(at: number, subImageAt: number | null): Buffer {
  const count = subImageAt === null ? 10 : 11;
  const bytes = 2 + count * 12 + 4;
  const entries: [tag: number, type: number, value: number][] = [
    [256, 3, WIDTH],
    [257, 3, HEIGHT],
    [258, 3, 8],
    [259, 3, 1],
    [262, 3, 1],
    [273, 4, at + bytes],
    [274, 3, 1],
    [277, 3, 1],
    [278, 3, HEIGHT],
    [279, 4, WIDTH * HEIGHT],
  ];
  if (subImageAt !== null) entries.push([330, 4, subImageAt]);
  const page = Buffer.alloc(bytes);
  page.writeUInt16BE(count, 0);
  entries.forEach(([tag, type, value], i) => {
    const entryAt = 2 + i * 12;
    page.writeUInt16BE(tag, entryAt);
    page.writeUInt16BE(type, entryAt + 2);
    page.writeUInt32BE(1, entryAt + 4);
    if (type === 3) page.writeUInt16BE(value, entryAt + 8);
    else page.writeUInt32BE(value, entryAt + 8);
  });
  return page;
}
