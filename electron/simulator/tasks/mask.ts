import { promisify } from "node:util";
import { constants, crc32, deflate } from "node:zlib";
import type { Scene } from "./scene.ts";

const compress = promisify(deflate);
const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const EIGHT_BITS = 8;
const GRAY = 0;

/** One byte per pixel of the analysis raster. */
export interface SmallMask {
  width: number;
  height: number;
  values: Uint8Array;
}

interface Size {
  width: number;
  height: number;
}

/** PNG rows of the enlarged mask: a filter byte (none), then one byte per pixel, each that of the nearest mask pixel. */
function enlargedRows(mask: SmallMask, { width, height }: Size): Buffer {
  const rowBytes = width + 1;
  const rows = Buffer.alloc(rowBytes * height);
  const columns = Uint32Array.from({ length: width }, (_none, x) =>
    Math.floor(((x + 0.5) * mask.width) / width),
  );
  let written = -1;
  for (let y = 0; y < height; y += 1) {
    const source = Math.floor(((y + 0.5) * mask.height) / height);
    const start = y * rowBytes;
    if (source === written) {
      rows.copyWithin(start, start - rowBytes, start);
      continue;
    }
    for (let x = 0; x < width; x += 1)
      rows[start + 1 + x] = mask.values[source * mask.width + (columns[x] ?? 0)] ?? 0;
    written = source;
  }
  return rows;
}

function chunk(type: string, data: Buffer): Buffer {
  const bytes = Buffer.alloc(12 + data.length);
  bytes.writeUInt32BE(data.length, 0);
  bytes.write(type, 4, "latin1");
  data.copy(bytes, 8);
  bytes.writeUInt32BE(crc32(bytes.subarray(4, 8 + data.length)), 8 + data.length);
  return bytes;
}

function header({ width, height }: Size): Buffer {
  const data = Buffer.alloc(13);
  data.writeUInt32BE(width, 0);
  data.writeUInt32BE(height, 4);
  data[8] = EIGHT_BITS;
  data[9] = GRAY;
  return chunk("IHDR", data);
}

/**
 * A single-channel PNG of the full picture's size, base64; every pixel has one of the mask's values.
 * Written by hand because sharp would enlarge three channels: a mask is needed for each object of large pictures.
 */
export async function fullSizePng(scene: Scene, mask: SmallMask): Promise<string> {
  const size = await scene.facts();
  const rows = enlargedRows(mask, size);
  const data = await compress(rows, { level: 3, strategy: constants.Z_RLE });
  return Buffer.concat([
    SIGNATURE,
    header(size),
    chunk("IDAT", data),
    chunk("IEND", Buffer.alloc(0)),
  ]).toString("base64");
}
