import { fullSizePng } from "./mask.ts";
import type { Raster } from "./scene.ts";
import type { Task } from "./task.ts";

const EDGE = 255;
const WEAK = 1;

interface Gradient {
  magnitude: Float32Array;
  /** Offset of the neighbour across the edge, in pixels of the raster. */
  across: Int32Array;
}

function luminance({ rgb }: Raster): Float32Array {
  const gray = new Float32Array(rgb.length / 3);
  for (let i = 0, at = 0; i < gray.length; i += 1, at += 3) {
    gray[i] = 0.299 * (rgb[at] ?? 0) + 0.587 * (rgb[at + 1] ?? 0) + 0.114 * (rgb[at + 2] ?? 0);
  }
  return gray;
}

/** Which neighbour lies across the edge: one of four directions, whichever the slope is nearest to. */
function neighbourAcross(dx: number, dy: number, width: number): number {
  const steepness = Math.abs(dy) / (Math.abs(dx) + 1e-6);
  if (steepness < 0.414) return 1;
  if (steepness > 2.414) return width;
  return dx * dy > 0 ? width + 1 : width - 1;
}

function sobel(gray: Float32Array, width: number, height: number, l2: boolean): Gradient {
  const magnitude = new Float32Array(gray.length);
  const across = new Int32Array(gray.length);
  for (let y = 1; y < height - 1; y += 1) {
    for (let x = 1; x < width - 1; x += 1) {
      const i = y * width + x;
      const at = (offset: number): number => gray[i + offset] ?? 0;
      const dx = at(1 - width) + 2 * at(1) + at(1 + width) - at(-1 - width) - 2 * at(-1) - at(width - 1);
      const dy =
        at(width - 1) + 2 * at(width) + at(width + 1) - at(-width - 1) - 2 * at(-width) - at(1 - width);
      magnitude[i] = l2 ? Math.hypot(dx, dy) : Math.abs(dx) + Math.abs(dy);
      across[i] = neighbourAcross(dx, dy, width);
    }
  }
  return { magnitude, across };
}

/** Keeps the ridges of the gradient: `EDGE` above the high threshold, `WEAK` above the low one. */
function ridges({ magnitude, across }: Gradient, low: number, high: number): Uint8Array {
  const kept = new Uint8Array(magnitude.length);
  for (let i = 0; i < kept.length; i += 1) {
    const here = magnitude[i] ?? 0;
    const step = across[i] ?? 0;
    if (here <= low || here < (magnitude[i - step] ?? 0) || here < (magnitude[i + step] ?? 0)) continue;
    kept[i] = here > high ? EDGE : WEAK;
  }
  return kept;
}

/** Turns weak ridges that touch an edge into edges, and drops the rest. */
function follow(kept: Uint8Array, width: number): void {
  const queue = [...kept.keys()].filter((i) => kept[i] === EDGE);
  const around = [-width - 1, -width, -width + 1, -1, 1, width - 1, width, width + 1];
  for (let done = 0; done < queue.length; done += 1) {
    for (const offset of around) {
      const next = (queue[done] ?? 0) + offset;
      if (kept[next] !== WEAK) continue;
      kept[next] = EDGE;
      queue.push(next);
    }
  }
  for (let i = 0; i < kept.length; i += 1) if (kept[i] === WEAK) kept[i] = 0;
}

/** Canny's edges; a C++ task, so its parameters are written as C++ prints them. */
export const canny: Task = {
  name: "ocv_canny",
  language: 0,
  inputs: ["IMAGE", "INPUT_GRAPHICS"],
  outputs: ["IMAGE_BINARY"],
  parameters: [
    { name: "threshold1", kind: "number", value: "0.000000", min: 0, max: 10_000 },
    { name: "threshold2", kind: "number", value: "255.000000", min: 0, max: 10_000 },
    { name: "apertureSize", kind: "choice", value: "3", choices: ["3"] },
    { name: "L2gradient", kind: "flag", value: "0" },
  ],
  async output(_index, scene, values) {
    const raster = await scene.raster();
    const { width, height } = raster;
    const gradient = sobel(luminance(raster), width, height, values.boolean("L2gradient"));
    const [low, high] = [values.number("threshold1"), values.number("threshold2")].sort((a, b) => a - b);
    const edges = ridges(gradient, low ?? 0, high ?? 0);
    follow(edges, width);
    return { image: await fullSizePng(scene, { width, height, values: edges }) };
  },
};
