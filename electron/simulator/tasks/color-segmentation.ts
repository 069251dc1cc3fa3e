import { colorName, labelColor } from "./colors.ts";
import { fullSizePng } from "./mask.ts";
import { regionsOf } from "./regions.ts";
import { echoedImage } from "./scene.ts";
import type { Task } from "./task.ts";

const BACKGROUND = "background";
const CLASSES = [
  BACKGROUND,
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
];

function classColor(name: string): { b: number; g: number; r: number } {
  return name === BACKGROUND ? { b: 0, g: 0, r: 0 } : labelColor(name);
}

/** Gives every pixel that stands out from the background the class of its color. */
export const colorSegmentation: Task = {
  name: "infer_color_segmentation",
  language: 1,
  inputs: ["IMAGE"],
  outputs: ["IMAGE", "SEMANTIC_SEGMENTATION"],
  parameters: [
    { name: "min_area", kind: "number", value: "0.0002", min: 0, max: 1 },
    { name: "cuda", kind: "python-boolean", value: "False" },
  ],
  async output(index, scene, values) {
    if (index === 0) return echoedImage(scene);
    const { rgb, width, height } = await scene.raster();
    const { labels, regions } = await regionsOf(scene, values.number("min_area"));
    const kept = new Set(regions.map((region) => region.label));
    const classes = new Uint8Array(labels.length);
    for (let i = 0; i < classes.length; i += 1) {
      if (!kept.has(labels[i] ?? 0)) continue;
      const color = { r: rgb[i * 3] ?? 0, g: rgb[i * 3 + 1] ?? 0, b: rgb[i * 3 + 2] ?? 0 };
      classes[i] = Math.max(0, CLASSES.indexOf(colorName(color)));
    }
    const mask = await fullSizePng(scene, { width, height, values: classes });
    return {
      SEMANTIC_SEGMENTATION: {
        classes: CLASSES,
        colors: CLASSES.map(classColor),
        mask,
        referenceImageIndex: 0,
      },
    };
  },
};
