import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import sharp from "sharp";

/** A real, tiny PNG; another number gives other bytes. */
export async function tinyPicture(number: number): Promise<Buffer> {
  const raw = Buffer.alloc(8 * 8 * 3, number % 251);
  raw.writeUInt32BE(number, 0);
  return sharp(raw, { raw: { width: 8, height: 8, channels: 3 } })
    .png({ compressionLevel: 1 })
    .toBuffer();
}

/** SHA-256 in hex. */
export function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Writes picture `number` at a relative path and gives the SHA-256 of its bytes in hex. */
export async function writePicture(folder: string, path: string, number: number): Promise<string> {
  const bytes = await tinyPicture(number);
  const file = join(folder, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, bytes);
  return sha256Of(bytes);
}

/** Writes `count` distinct pictures (`0001.png`, ...); gives the SHA-256 of each by path. */
export async function writePictures(folder: string, count: number): Promise<Map<string, string>> {
  const written = new Map<string, string>();
  for (let number = 1; number <= count; number++) {
    const path = `${String(number).padStart(4, "0")}.png`;
    written.set(path, await writePicture(folder, path, number));
  }
  return written;
}
