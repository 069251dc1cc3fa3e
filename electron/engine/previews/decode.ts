import type { FileHandle } from "node:fs/promises";
import sharp, { type Sharp } from "sharp";
import type { Picture } from "../intake/picture.ts";
import { decodeBmp } from "./bmp.ts";

/** A picture that browsers show. */
export interface ShownPicture {
  /** Media type. */
  type: string;
  bytes: Uint8Array;
}

/** Larger files are not read for a preview. */
const MOST_BYTES = 400_000_000;
/** Pixels of one picture; beyond it a small file could fill the memory. */
export const MOST_PIXELS = 400_000_000;
const WEBP_QUALITY = 80;

// Previews are looked at once or twice, and other work wants the threads.
sharp.cache(false);
sharp.concurrency(1);

/** Exactly the bytes of an open file; null when it ends early or is too large. */
export async function readWhole(handle: FileHandle, bytes: number): Promise<Buffer | null> {
  if (bytes > MOST_BYTES) return null;
  const buffer = Buffer.allocUnsafeSlow(bytes);
  for (let at = 0; at < bytes;) {
    const { bytesRead } = await handle.read(buffer, at, bytes - at, at);
    if (bytesRead === 0) return null;
    at += bytesRead;
  }
  return buffer;
}

/** A WebP of the picture, upright, its longer side at most `edge` pixels; null when it cannot be decoded. */
export async function previewOf(
  handle: FileHandle,
  bytes: number,
  picture: Pick<Picture, "format" | "width" | "height">,
  edge: number,
): Promise<ShownPicture | null> {
  if (picture.width * picture.height > MOST_PIXELS) return null;
  const file = await readWhole(handle, bytes);
  if (file === null) return null;
  try {
    const decoder = picture.format === "BMP" ? bmpDecoder(file) : decoderFor(file);
    return { type: "image/webp", bytes: await small(decoder, edge) };
  } catch {
    return null; // Whatever the decoder dislikes: there is no preview of it.
  }
}

/** sharp over bytes in memory, with its limits set; what is cut short is decoded as far as it goes. */
export function decoderFor(bytes: Uint8Array): Sharp {
  return sharp(bytes, {
    limitInputPixels: MOST_PIXELS,
    failOn: "none",
    sequentialRead: true,
    autoOrient: true,
  });
}

/** The same over an uncompressed bitmap, which sharp does not know. @throws BmpError */
export function bmpDecoder(file: Buffer): Sharp {
  const { width, height, rgb } = decodeBmp(file);
  return sharp(rgb, { raw: { width, height, channels: 3 }, limitInputPixels: MOST_PIXELS });
}

async function small(decoder: Sharp, edge: number): Promise<Buffer> {
  return decoder
    .resize({ width: edge, height: edge, fit: "inside", withoutEnlargement: true })
    .webp({ quality: WEBP_QUALITY, effort: 2 })
    .toBuffer();
}
