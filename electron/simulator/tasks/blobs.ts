import { colorName, labelColor, type Rgb } from "./colors.ts";
import type { ParameterSpec, ParameterValues } from "./parameters.ts";
import { regionsOf, type Region, type RegionMap } from "./regions.ts";
import type { Raster, Scene } from "./scene.ts";

/** A region with what a detector says about it, in pixels of the upright picture. */
export interface Blob {
  region: Region;
  id: number;
  label: string;
  confidence: number;
  box: { height: number; width: number; x: number; y: number };
  color: { a: number; b: number; g: number; r: number };
}

export interface Blobs {
  raster: Raster;
  map: RegionMap;
  blobs: Blob[];
}

/** The parameters that every blob task has. */
export const BLOB_PARAMETERS: readonly ParameterSpec[] = [
  { name: "conf_thres", kind: "number", value: "0.25", min: 0, max: 1 },
  { name: "min_area", kind: "number", value: "0.0002", min: 0, max: 1 },
  { name: "max_objects", kind: "integer", value: "200", min: 0, max: 10_000 },
  { name: "label_by", kind: "choice", value: "color", choices: ["color", "brightness"] },
  { name: "cuda", kind: "python-boolean", value: "False" },
];

/** Contrast (RGB distance) at which a perfectly filled box gets half of the greatest confidence. */
const HALF_CONTRAST = 35;

function confidenceOf(region: Region): number {
  const boxArea = (region.right - region.left + 1) * (region.bottom - region.top + 1);
  return (region.contrast / (region.contrast + HALF_CONTRAST)) * (0.7 + 0.3 * (region.area / boxArea));
}

function brightness({ r, g, b }: Rgb): number {
  return 0.299 * r + 0.587 * g + 0.114 * b;
}

function labelOf(region: Region, background: Rgb, by: string): string {
  if (by === "color") return colorName(region.color);
  return brightness(region.color) > brightness(background) ? "bright" : "dark";
}

/** Finds the blobs that the given parameters let through, the surest first. */
export async function findBlobs(scene: Scene, values: ParameterValues): Promise<Blobs> {
  const raster = await scene.raster();
  const map = await regionsOf(scene, values.number("min_area"));
  const { scaleX, scaleY } = raster;
  const sure = map.regions
    .map((region) => ({ region, confidence: confidenceOf(region) }))
    .filter(({ confidence }) => confidence >= values.number("conf_thres"))
    .sort((a, b) => b.confidence - a.confidence)
    .slice(0, values.number("max_objects"));
  const blobs = sure.map(({ region, confidence }, id) => {
    const label = labelOf(region, map.background, values.text("label_by"));
    return {
      region,
      id,
      label,
      confidence,
      box: {
        height: (region.bottom - region.top + 1) * scaleY,
        width: (region.right - region.left + 1) * scaleX,
        x: region.left * scaleX,
        y: region.top * scaleY,
      },
      color: { a: 255, ...labelColor(label) },
    };
  });
  return { raster, map, blobs };
}

/** The fields that detections of all kinds share (API facts, section 5.5). */
export function detectionOf({ box, color, confidence, id, label }: Blob): Record<string, unknown> {
  return { box, color, confidence, id, label };
}
