import type { Rgb } from "./colors.ts";
import type { Raster, Scene } from "./scene.ts";

/** A connected patch that stands out from the background; positions in pixels of the raster, ends included. */
export interface Region {
  /** Its number in `RegionMap.labels`, from 1. */
  label: number;
  left: number;
  top: number;
  right: number;
  bottom: number;
  /** In pixels of the raster. */
  area: number;
  /** Mean color. */
  color: Rgb;
  /** Mean distance from the background in RGB space, 0 to 441. */
  contrast: number;
}

export interface RegionMap {
  width: number;
  height: number;
  background: Rgb;
  /** Region number per pixel; 0 = background. */
  labels: Int32Array;
  regions: Region[];
}

const BIN_SHIFT = 4;
const BINS_PER_CHANNEL = 256 >> BIN_SHIFT;
/** Distances from the background that a threshold may lie at: below is paper grain, above only extremes would remain. */
const LOWEST_THRESHOLD = 34;
const HIGHEST_THRESHOLD = 50;

function binOf(rgb: Buffer, at: number): number {
  const r = (rgb[at] ?? 0) >> BIN_SHIFT;
  const g = (rgb[at + 1] ?? 0) >> BIN_SHIFT;
  const b = (rgb[at + 2] ?? 0) >> BIN_SHIFT;
  return (r * BINS_PER_CHANNEL + g) * BINS_PER_CHANNEL + b;
}

/** The most frequent color: what the shapes lie on. */
export function backgroundOf({ rgb }: Raster): Rgb {
  const counts = new Uint32Array(BINS_PER_CHANNEL ** 3);
  for (let at = 0; at < rgb.length; at += 3) {
    const bin = binOf(rgb, at);
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  const most = counts.reduce((best, count, bin) => (count > (counts[best] ?? 0) ? bin : best), 0);
  const sum = { r: 0, g: 0, b: 0, n: 0 };
  for (let at = 0; at < rgb.length; at += 3) {
    if (binOf(rgb, at) !== most) continue;
    sum.r += rgb[at] ?? 0;
    sum.g += rgb[at + 1] ?? 0;
    sum.b += rgb[at + 2] ?? 0;
    sum.n += 1;
  }
  const n = Math.max(1, sum.n);
  return { r: sum.r / n, g: sum.g / n, b: sum.b / n };
}

function distances({ rgb, width, height }: Raster, background: Rgb): Float32Array {
  const result = new Float32Array(width * height);
  for (let i = 0, at = 0; i < result.length; i += 1, at += 3) {
    const r = (rgb[at] ?? 0) - background.r;
    const g = (rgb[at + 1] ?? 0) - background.g;
    const b = (rgb[at + 2] ?? 0) - background.b;
    result[i] = Math.sqrt(r * r + g * g + b * b);
  }
  return result;
}

/** Otsu's threshold: the split of the distances that keeps both sides most alike within themselves. */
function splitOf(values: Float32Array): number {
  const counts = new Uint32Array(442);
  for (const value of values) counts[value | 0] = (counts[value | 0] ?? 0) + 1;
  const totalSum = counts.reduce((sum, count, value) => sum + count * value, 0);
  let below = 0;
  let belowSum = 0;
  let best = 0;
  let bestSpread = -1;
  for (let value = 0; value < counts.length; value += 1) {
    below += counts[value] ?? 0;
    belowSum += value * (counts[value] ?? 0);
    const above = values.length - below;
    if (below === 0 || above === 0) continue;
    const gap = belowSum / below - (totalSum - belowSum) / above;
    const spread = below * above * gap * gap;
    if (spread > bestSpread) {
      bestSpread = spread;
      best = value;
    }
  }
  return Math.min(HIGHEST_THRESHOLD, Math.max(LOWEST_THRESHOLD, best));
}

/** Marks everything connected to `start` (four neighbours) and returns its pixels. */
function flood(
  start: number,
  width: number,
  inside: Uint8Array,
  labels: Int32Array,
  label: number,
): number[] {
  const pixels = [start];
  labels[start] = label;
  const visit = (next: number): void => {
    if (inside[next] !== 1 || labels[next] !== 0) return;
    labels[next] = label;
    pixels.push(next);
  };
  // `pixels` grows while it is walked: it is the queue of the flood as well as its result.
  for (let done = 0; done < pixels.length; done += 1) {
    const pixel = pixels[done] ?? 0;
    const x = pixel % width;
    if (x > 0) visit(pixel - 1);
    if (x < width - 1) visit(pixel + 1);
    visit(pixel - width);
    visit(pixel + width);
  }
  return pixels;
}

function measure(pixels: readonly number[], label: number, raster: Raster, contrast: Float32Array): Region {
  const { width, rgb } = raster;
  const region = { label, left: Infinity, top: Infinity, right: 0, bottom: 0, area: pixels.length };
  const sum = { r: 0, g: 0, b: 0, contrast: 0 };
  for (const pixel of pixels) {
    const x = pixel % width;
    const y = (pixel - x) / width;
    if (x < region.left) region.left = x;
    if (x > region.right) region.right = x;
    if (y < region.top) region.top = y;
    if (y > region.bottom) region.bottom = y;
    sum.r += rgb[pixel * 3] ?? 0;
    sum.g += rgb[pixel * 3 + 1] ?? 0;
    sum.b += rgb[pixel * 3 + 2] ?? 0;
    sum.contrast += contrast[pixel] ?? 0;
  }
  const n = pixels.length;
  return { ...region, color: { r: sum.r / n, g: sum.g / n, b: sum.b / n }, contrast: sum.contrast / n };
}

/** A patch along three or more sides is the table under the paper, not a thing on it. */
function isFrame(region: Region, raster: Raster): boolean {
  const sides = [
    region.left === 0,
    region.top === 0,
    region.right === raster.width - 1,
    region.bottom === raster.height - 1,
  ];
  return sides.filter(Boolean).length >= 3;
}

/** Finds what stands out from the background and covers at least `minArea` of the picture (a fraction). */
export function findRegions(raster: Raster, minArea: number): RegionMap {
  const { width, height } = raster;
  const background = backgroundOf(raster);
  const contrast = distances(raster, background);
  const threshold = splitOf(contrast);
  const inside = new Uint8Array(contrast.length);
  for (let i = 0; i < contrast.length; i += 1) inside[i] = (contrast[i] ?? 0) > threshold ? 1 : 0;
  const labels = new Int32Array(contrast.length);
  const smallest = Math.max(4, minArea * width * height);
  const regions: Region[] = [];
  let label = 0;
  for (let start = 0; start < inside.length; start += 1) {
    if (inside[start] !== 1 || labels[start] !== 0) continue;
    label += 1;
    const pixels = flood(start, width, inside, labels, label);
    if (pixels.length < smallest) continue;
    const region = measure(pixels, label, raster, contrast);
    if (!isFrame(region, raster)) regions.push(region);
  }
  return { width, height, background, labels, regions };
}

const known = new WeakMap<Scene, Map<number, Promise<RegionMap>>>();

/** `findRegions` of a scene, done once for all tasks that look for the same. */
export function regionsOf(scene: Scene, minArea: number): Promise<RegionMap> {
  const ofScene = known.get(scene) ?? new Map<number, Promise<RegionMap>>();
  known.set(scene, ofScene);
  const found = ofScene.get(minArea) ?? scene.raster().then((raster) => findRegions(raster, minArea));
  ofScene.set(minArea, found);
  return found;
}
