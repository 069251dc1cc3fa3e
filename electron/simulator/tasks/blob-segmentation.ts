import { BLOB_PARAMETERS, detectionOf, findBlobs, type Blob, type Blobs } from "./blobs.ts";
import { outlineOf, type XY } from "./contour.ts";
import { fullSizePng } from "./mask.ts";
import { echoedImage, type Scene } from "./scene.ts";
import type { ParameterValues } from "./parameters.ts";
import type { Task } from "./task.ts";

const CLASSES = [
  "red",
  "orange",
  "yellow",
  "green",
  "cyan",
  "blue",
  "purple",
  "pink",
  "brown",
  "gray",
  "white",
  "black",
  "bright",
  "dark",
];
const POLYGON = 4;
const POLYGON_WITH_HOLES = 5;

/** A ring of whole pixel positions of the full picture, closed by repeating its first point (API facts, section 5.5). */
function closedRing(ring: readonly XY[], { raster }: Blobs): XY[] {
  const points = ring.map(({ x, y }) => ({
    x: Math.round((x + 0.5) * raster.scaleX - 0.5),
    y: Math.round((y + 0.5) * raster.scaleY - 0.5),
  }));
  return points[0] ? [...points, points[0]] : points;
}

function polygonsOf(blob: Blob, found: Blobs): Record<string, unknown>[] {
  const { outer, holes } = outlineOf(found.map, blob.region);
  // One-pixel contours are left out, as Ikomia does.
  if (outer.length < 2) return [];
  const { r, g, b } = blob.color;
  const properties = { brush: { a: 0, b, g, r }, category: blob.label, line: 1, pen: { a: 255, b, g, r } };
  const item = { id: blob.id + 1, properties };
  if (holes.length === 0) return [{ ...item, polygon: closedRing(outer, found), type: POLYGON }];
  const inners = holes.map((ring) => closedRing(ring, found));
  return [{ ...item, inners, outer: closedRing(outer, found), type: POLYGON_WITH_HOLES }];
}

async function maskOf(blob: Blob, { map }: Blobs, scene: Scene, foreground: number): Promise<string> {
  const values = new Uint8Array(map.labels.length);
  for (let i = 0; i < values.length; i += 1) values[i] = map.labels[i] === blob.region.label ? foreground : 0;
  return fullSizePng(scene, { width: map.width, height: map.height, values });
}

async function segmentOf(
  blob: Blob,
  found: Blobs,
  scene: Scene,
  values: ParameterValues,
): Promise<Record<string, unknown>> {
  const polygons = polygonsOf(blob, found);
  const foreground = values.text("mask_values") === "0/1" ? 1 : 255;
  return {
    ...detectionOf(blob),
    classIndex: CLASSES.indexOf(blob.label),
    ...(values.boolean("masks") ? { mask: await maskOf(blob, found, scene, foreground) } : {}),
    ...(polygons.length > 0 ? { polygons } : {}),
    type: 0,
  };
}

/** Outlines and masks of everything that stands out from the background. */
export const blobSegmentation: Task = {
  name: "infer_blob_segmentation",
  language: 1,
  inputs: ["IMAGE"],
  outputs: ["IMAGE", "INSTANCE_SEGMENTATION"],
  parameters: [
    ...BLOB_PARAMETERS.filter(({ name }) => name !== "max_objects"),
    // Fewer than for boxes: each object costs a mask of the full picture's size.
    { name: "max_objects", kind: "integer", value: "25", min: 0, max: 10_000 },
    { name: "masks", kind: "python-boolean", value: "True" },
    { name: "mask_values", kind: "choice", value: "0/255", choices: ["0/1", "0/255"] },
  ],
  async output(index, scene, values) {
    if (index === 0) return echoedImage(scene);
    const found = await findBlobs(scene, values);
    const detections: Record<string, unknown>[] = [];
    for (const blob of found.blobs) detections.push(await segmentOf(blob, found, scene, values));
    return { INSTANCE_SEGMENTATION: { detections, referenceImageIndex: 0 } };
  },
};
