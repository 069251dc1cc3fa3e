import { BLOB_PARAMETERS, detectionOf, findBlobs, type Blob, type Blobs } from "./blobs.ts";
import { outlineOf, type XY } from "./contour.ts";
import { echoedImage } from "./scene.ts";
import type { Task } from "./task.ts";

const NAMES = ["top", "right", "bottom", "left", "centre"];
const CENTRE = NAMES.length;
const LINK_COLOR = { a: 255, b: 0, g: 128, r: 255 };

function centreOf(ring: readonly XY[]): XY {
  const sum = ring.reduce((total, { x, y }) => ({ x: total.x + x, y: total.y + y }), { x: 0, y: 0 });
  return { x: sum.x / ring.length, y: sum.y / ring.length };
}

function extremes(ring: readonly XY[]): XY[] {
  const most = (score: (point: XY) => number): XY =>
    ring.reduce((best, point) => (score(point) > score(best) ? point : best), ring[0] ?? { x: 0, y: 0 });
  return [most((p) => -p.y), most((p) => p.x), most((p) => p.y), most((p) => -p.x), centreOf(ring)];
}

function objectOf(blob: Blob, { map, raster }: Blobs): Record<string, unknown> {
  const points = extremes(outlineOf(map, blob.region).outer).map(({ x, y }, index) => ({
    index: index + 1,
    x: (x + 0.5) * raster.scaleX,
    y: (y + 0.5) * raster.scaleY,
    z: 0,
  }));
  return { ...detectionOf(blob), points };
}

/** The outermost corners of each blob, tied to its centre. Indices count from 1, as those of Ikomia's pose algorithms. */
export const cornerKeypoints: Task = {
  name: "infer_corner_keypoints",
  language: 1,
  inputs: ["IMAGE"],
  outputs: ["IMAGE", "KEYPOINTS"],
  parameters: BLOB_PARAMETERS,
  async output(index, scene, values) {
    if (index === 0) return echoedImage(scene);
    const found = await findBlobs(scene, values);
    const links = [1, 2, 3, 4].map((corner) => ({
      color: LINK_COLOR,
      index1: corner,
      index2: CENTRE,
      label: "",
    }));
    const objects = found.blobs.map((blob) => objectOf(blob, found));
    return { KEYPOINTS: { links, names: NAMES, objects, referenceImageIndex: 0 } };
  },
};
