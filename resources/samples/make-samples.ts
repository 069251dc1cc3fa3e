import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import sharp, { type Sharp } from "sharp";
import { encodeBmp } from "./drawing/bmp-file.ts";
import { birchLeaves, fern, oakLeaves, petriDish, stainedCells } from "./drawing/nature.ts";
import type { Drawing } from "./drawing/sketch.ts";
import { candies, marbles, paperShapes, regatta, stickers } from "./drawing/things.ts";
import { carPark, gauge, nutsAndWashers, tallySheet } from "./drawing/workshop.ts";

/** Draws the sample pictures: `node resources/samples/make-samples.ts [folder]`. Equal input gives equal files. */

function pixels({ svg }: Drawing): Sharp {
  return sharp(Buffer.from(svg));
}

function jpeg(drawing: Drawing): Promise<Buffer> {
  return pixels(drawing).flatten({ background: "#ffffff" }).jpeg({ quality: 82 }).toBuffer();
}

/** As a phone stores a portrait photo: lying on its side, with EXIF orientation 6 (turn right to view). */
async function sidewaysJpeg(drawing: Drawing): Promise<Buffer> {
  const flat = await pixels(drawing).flatten({ background: "#ffffff" }).rotate(270).png().toBuffer();
  return sharp(flat).withMetadata({ orientation: 6 }).jpeg({ quality: 82 }).toBuffer();
}

function png(drawing: Drawing): Promise<Buffer> {
  return pixels(drawing).png({ compressionLevel: 9 }).toBuffer();
}

function opaquePng(drawing: Drawing): Promise<Buffer> {
  return pixels(drawing).flatten({ background: "#ffffff" }).png({ compressionLevel: 9 }).toBuffer();
}

function webp(drawing: Drawing): Promise<Buffer> {
  return pixels(drawing).flatten({ background: "#ffffff" }).webp({ quality: 82 }).toBuffer();
}

function tiff16(drawing: Drawing): Promise<Buffer> {
  return pixels(drawing)
    .flatten({ background: "#ffffff" })
    .toColourspace("rgb16")
    .tiff({ compression: "deflate", predictor: "horizontal" })
    .toBuffer();
}

async function bmp(drawing: Drawing): Promise<Buffer> {
  const rgb = await pixels(drawing).flatten({ background: "#ffffff" }).removeAlpha().raw().toBuffer();
  return encodeBmp(rgb, drawing.width, drawing.height);
}

/** Twice the size of the drawing. Soft shadows take minutes to draw at full size, so pixels are enlarged, not shapes. */
async function enlargedJpeg(drawing: Drawing): Promise<Buffer> {
  const half = await opaquePng(drawing);
  return sharp(half)
    .resize({ width: drawing.width * 2, height: drawing.height * 2 })
    .jpeg({ quality: 70 })
    .toBuffer();
}

/** A copy that was interrupted: the file ends in the middle of its picture data. */
async function cutJpeg(drawing: Drawing): Promise<Buffer> {
  const whole = await jpeg(drawing);
  return whole.subarray(0, Math.floor(whole.length * 0.55));
}

const PHOTO = { width: 1600, height: 1200 };
const PORTRAIT = { width: 1200, height: 1600 };
const WEB = { width: 1200, height: 900 };

const SAMPLES: Record<string, () => Promise<Buffer>> = {
  "Papierformen.jpg": () => jpeg(paperShapes(WEB, 11)),
  "IMG_2041.jpg": () => sidewaysJpeg(marbles(PORTRAIT, 21)),
  "IMG_2042.jpg": () => jpeg(marbles(PHOTO, 22)),
  "IMG_2042 (1).jpg": () => jpeg(marbles(PHOTO, 22)),
  "IMG_2043 interrupted copy.jpg": () => cutJpeg(marbles(PHOTO, 23)),
  "Übersicht Tisch.jpg": () => enlargedJpeg(candies({ width: 2000, height: 1500 }, 31, 140)),
  "Parkplatz Süd.jpg": () => jpeg(carPark(PHOTO, 41)),
  "Regatta.webp": () => webp(regatta(WEB, 51)),
  "stickers.png": () => png(stickers({ width: 900, height: 900 }, 61)),
  "dishes/dish 01.jpg": () => jpeg(petriDish(WEB, 71, 18)),
  "dishes/dish 02.jpg": () => jpeg(petriDish(WEB, 72, 34)),
  "dishes/dish 03 (late).jpg": () => sidewaysJpeg(petriDish({ width: 1000, height: 1080 }, 73, 60)),
  "dishes/stained cells.tif": () => tiff16(stainedCells({ width: 800, height: 600 }, 74)),
  "herbarium/Birkenblätter.jpg": () => jpeg(birchLeaves(PHOTO, 81)),
  "herbarium/oak leaves.png": () => png(oakLeaves({ width: 1000, height: 750 }, 82)),
  "herbarium/fern.webp": () => webp(fern(WEB)),
  "workshop/gauge inlet.jpg": () => jpeg(gauge({ width: 1000, height: 1000 }, 0.42, "#5f8f9b")),
  "workshop/gauge outlet.jpg": () => jpeg(gauge({ width: 1000, height: 1000 }, 0.87, "#5f8f9b")),
  "workshop/nuts and washers.bmp": () => bmp(nutsAndWashers({ width: 560, height: 420 }, 91)),
  "workshop/tally sheet.png": () => opaquePng(tallySheet({ width: 1000, height: 700 }, 92, [7, 12, 4, 19, 9])),
};

/** Writes all samples below the folder and returns their relative paths. */
export async function makeSamples(folder: string): Promise<string[]> {
  for (const [name, make] of Object.entries(SAMPLES)) {
    const file = join(folder, name.normalize("NFC"));
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, await make());
  }
  return Object.keys(SAMPLES);
}

if (import.meta.main) {
  const names = await makeSamples(process.argv[2] ?? import.meta.dirname);
  process.stdout.write(`${names.join("\n")}\n`);
}
