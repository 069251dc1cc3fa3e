import sharp, { type Sharp } from "sharp";
import { decodeBmp, isBmp, type RawPicture } from "./bmp.ts";
import { RunError } from "./run-error.ts";

/** Analysis works on at most this many pixels a side; found shapes are scaled back. */
const ANALYSIS_SIDE = 640;
const MAX_PIXELS = 200_000_000;

/** What a decoder says about the picture that was sent. */
export interface PictureFacts {
  /** Upright size in pixels: EXIF orientation is applied (API facts, section 5.2). */
  width: number;
  height: number;
  format: string;
  /** EXIF orientation of the file, 1 to 8. */
  orientation: number;
  channels: number;
  bitsPerChannel: number;
}

/** A small upright copy for analysis. One pixel of it is `scaleX` by `scaleY` pixels of the picture. */
export interface Raster extends RawPicture {
  scaleX: number;
  scaleY: number;
}

/** One picture on its way through the workflow. Everything is computed at most once, and only when asked for. */
export interface Scene {
  /** The bytes as they were sent, with their hex SHA-256. */
  bytes: Buffer;
  sha256: string;
  facts(): Promise<PictureFacts>;
  raster(): Promise<Raster>;
  /** The whole picture, upright, as a JPEG. */
  jpeg(): Promise<Buffer>;
}

/** Runs the computation once, however often it is asked for. */
export function once<T>(compute: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | null = null;
  return () => (result ??= compute());
}

function undecodable(error: unknown): never {
  if (error instanceof RunError) throw error;
  const problem = error instanceof Error ? error.message.split("\n")[0] : String(error);
  throw new RunError(`Input image cannot be decoded: ${problem}`);
}

async function decoded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    return undecodable(error);
  }
}

const BITS: Record<string, number> = {
  uchar: 8,
  char: 8,
  ushort: 16,
  short: 16,
  uint: 32,
  int: 32,
  float: 32,
  double: 64,
};

async function readFacts(bytes: Buffer): Promise<PictureFacts> {
  if (isBmp(bytes)) {
    const { width, height } = decodeBmp(bytes);
    return { width, height, format: "bmp", orientation: 1, channels: 3, bitsPerChannel: 8 };
  }
  const meta = await sharp(bytes, { limitInputPixels: MAX_PIXELS }).metadata();
  const { width, height } = meta.autoOrient;
  return {
    width,
    height,
    format: meta.format,
    orientation: meta.orientation ?? 1,
    channels: meta.channels,
    bitsPerChannel: BITS[meta.depth] ?? 8,
  };
}

/** A pipeline over the upright picture in eight-bit RGB; a picture that is cut short is an error. */
function upright(bytes: Buffer): Sharp {
  if (isBmp(bytes)) {
    const { width, height, rgb } = decodeBmp(bytes);
    return sharp(rgb, { raw: { width, height, channels: 3 } });
  }
  return sharp(bytes, { failOn: "truncated", limitInputPixels: MAX_PIXELS })
    .autoOrient()
    .flatten({ background: "#ffffff" })
    .toColourspace("srgb");
}

async function readRaster(bytes: Buffer, facts: PictureFacts): Promise<Raster> {
  const { data, info } = await upright(bytes)
    .resize({ width: ANALYSIS_SIDE, height: ANALYSIS_SIDE, fit: "inside", withoutEnlargement: true })
    .removeAlpha()
    .toColourspace("srgb")
    .raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true });
  const { width, height } = info;
  return { width, height, rgb: data, scaleX: facts.width / width, scaleY: facts.height / height };
}

/** Opens the bytes of a submitted image; nothing is decoded before it is needed. */
export function openScene(bytes: Buffer, sha256: string): Scene {
  const facts = once(() => decoded(() => readFacts(bytes)));
  return {
    bytes,
    sha256,
    facts,
    raster: once(async () => {
      const known = await facts();
      return decoded(() => readRaster(bytes, known));
    }),
    jpeg: once(() => decoded(() => upright(bytes).jpeg({ quality: 95 }).toBuffer())),
  };
}

/** The output 0 of Ikomia's inference tasks: the picture they worked on, as JPEG. */
export async function echoedImage(scene: Scene): Promise<{ image: string }> {
  return { image: (await scene.jpeg()).toString("base64") };
}
