import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";

/** Width of the drawings; the height follows from the size that is wanted. */
const WIDTH = 1200;
const DRAWINGS = 6;

/** A JPEG comment with this text, padded to a length in bytes (text and padding together, below 65,000). */
function comment(text: string, length: number): Buffer {
  const segment = Buffer.alloc(4 + length, 0x20);
  segment.writeUInt16BE(0xfffe, 0);
  segment.writeUInt16BE(2 + length, 2);
  segment.write(text, 4, "latin1");
  return segment;
}

/** A drawn scene: soft light, discs, and grain that keeps JPEG from making it small. */
async function draw(number: number, height: number): Promise<Buffer> {
  const pixels = Buffer.alloc(WIDTH * height * 3);
  let grain = 1 + number;
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < WIDTH; x++) {
      grain = (grain * 1_103_515_245 + 12_345) & 0x7fffffff;
      const disc = ((x % 300) - 150) ** 2 + ((y % 300) - 150) ** 2 < 80 ** 2 ? 60 : 0;
      const light = (x + y + 97 * number) % 160;
      for (let channel = 0; channel < 3; channel++)
        pixels[at++] = (light + disc + ((grain >> (8 + 5 * channel)) % 64)) & 0xff;
    }
  }
  return sharp(pixels, { raw: { width: WIDTH, height, channels: 3 } })
    .jpeg({ quality: 90 })
    .toBuffer();
}

/** As many comments as it takes to make a file of exactly that many bytes. */
function padding(bytes: number): Buffer {
  const parts: Buffer[] = [];
  for (let rest = bytes; rest > 0;) {
    const part = rest > 64_000 ? 60_000 : rest;
    parts.push(comment("Drawn for the bench. ", part - 4));
    rest -= part;
  }
  return Buffer.concat(parts);
}

/** The largest drawing that stays below a size. */
async function drawUpTo(number: number, bytes: number): Promise<Buffer> {
  const sample = await draw(number, 300);
  const height = Math.max(8, Math.floor((300 * (bytes - 1000) * 0.97) / sample.length));
  return draw(number, height);
}

/**
 * Writes `count` valid JPEGs of exactly `bytes` bytes each, no two alike; gives their absolute paths. Each is one of a
 * few drawings with a comment of its own, so that making them takes less time than sending them.
 */
export async function writePhotos(folder: string, count: number, bytes: number): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const drawings = await Promise.all(
    Array.from({ length: Math.min(count, DRAWINGS) }, (_, n) => drawUpTo(n, bytes)),
  );
  const files: string[] = [];
  for (let number = 0; number < count; number++) {
    const drawing = drawings[number % drawings.length] ?? Buffer.alloc(0);
    const own = comment(`Picture ${number}.`, 60);
    const head = Buffer.concat([drawing.subarray(0, 2), own]);
    const body = drawing.subarray(2);
    const photo = Buffer.concat([head, padding(bytes - head.length - body.length), body]);
    const file = join(folder, `photo-${String(number).padStart(5, "0")}.jpg`);
    await writeFile(file, photo);
    files.push(file);
  }
  return files;
}
