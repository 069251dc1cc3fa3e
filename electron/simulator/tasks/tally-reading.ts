import type { Region } from "./regions.ts";
import { regionsOf } from "./regions.ts";
import { echoedImage, type Raster } from "./scene.ts";
import type { Task } from "./task.ts";

/** A stroke is at least this many times as high as it is wide. */
const SLENDER = 1.8;
const INK = { a: 255, b: 220, g: 90, r: 40 };

function heightOf(region: Region): number {
  return region.bottom - region.top + 1;
}

function isStroke(region: Region): boolean {
  return heightOf(region) >= SLENDER * (region.right - region.left + 1);
}

function belongs(line: readonly Region[], stroke: Region): boolean {
  const last = line.at(-1);
  if (!last) return false;
  const shared = Math.min(last.bottom, stroke.bottom) - Math.max(last.top, stroke.top) + 1;
  const height = Math.min(heightOf(last), heightOf(stroke));
  return shared > 0.5 * height && stroke.left - last.right < 1.5 * height;
}

/** Strokes that stand side by side, line after line from the top. */
function linesOf(regions: readonly Region[]): Region[][] {
  const lines: Region[][] = [];
  for (const stroke of regions.filter(isStroke).sort((a, b) => a.left - b.left)) {
    const line = lines.find((candidate) => belongs(candidate, stroke));
    if (line) line.push(stroke);
    else lines.push([stroke]);
  }
  return lines.sort((a, b) => (a[0]?.top ?? 0) - (b[0]?.top ?? 0));
}

function fieldOf(line: readonly Region[], id: number, { scaleX, scaleY }: Raster): Record<string, unknown> {
  const left = Math.min(...line.map((stroke) => stroke.left)) * scaleX;
  const top = Math.min(...line.map((stroke) => stroke.top)) * scaleY;
  const right = (Math.max(...line.map((stroke) => stroke.right)) + 1) * scaleX;
  const bottom = (Math.max(...line.map((stroke) => stroke.bottom)) + 1) * scaleY;
  const contrast = line.reduce((sum, stroke) => sum + stroke.contrast, 0) / line.length;
  return {
    color: INK,
    confidence: contrast / (contrast + 25),
    id,
    label: "",
    polygon: [
      { x: left, y: top },
      { x: right, y: top },
      { x: right, y: bottom },
      { x: left, y: bottom },
    ],
    text: String(line.length),
  };
}

/** Counts the strokes of each line of a tally sheet: text that was really read. */
export const tallyReading: Task = {
  name: "infer_tally_reading",
  language: 1,
  inputs: ["IMAGE"],
  outputs: ["IMAGE", "TEXT"],
  parameters: [
    { name: "min_strokes", kind: "integer", value: "2", min: 1, max: 10_000 },
    { name: "min_area", kind: "number", value: "0.0001", min: 0, max: 1 },
    { name: "cuda", kind: "python-boolean", value: "False" },
  ],
  async output(index, scene, values) {
    if (index === 0) return echoedImage(scene);
    const raster = await scene.raster();
    const { regions } = await regionsOf(scene, values.number("min_area"));
    const lines = linesOf(regions).filter((line) => line.length >= values.number("min_strokes"));
    return { TEXT: { fields: lines.map((line, id) => fieldOf(line, id, raster)), referenceImageIndex: 0 } };
  },
};
