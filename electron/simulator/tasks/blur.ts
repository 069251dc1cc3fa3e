import sharp from "sharp";
import type { ParameterValues } from "./parameters.ts";
import { echoedImage, once, type Scene } from "./scene.ts";
import type { Task } from "./task.ts";

/** sharp's smallest blur that does anything. */
const SMALLEST_SIGMA = 0.3;

/** The Gaussian that smooths about as much as a box of this many pixels. */
function sigmaOf(values: ParameterValues): number {
  return Math.sqrt((values.number("kSizeWidth") * values.number("kSizeHeight") - 1) / 12);
}

function blurred(scene: Scene, values: ParameterValues): Scene {
  const sigma = sigmaOf(values);
  if (sigma < SMALLEST_SIGMA) return scene;
  return {
    ...scene,
    raster: once(async () => {
      const raster = await scene.raster();
      const smaller = sigma / Math.max(raster.scaleX, raster.scaleY);
      if (smaller < SMALLEST_SIGMA) return raster;
      const { rgb, width, height } = raster;
      const smooth = await sharp(rgb, { raw: { width, height, channels: 3 } })
        .blur(smaller)
        .raw()
        .toBuffer();
      return { ...raster, rgb: smooth };
    }),
    jpeg: once(async () =>
      sharp(await scene.jpeg())
        .blur(sigma)
        .jpeg({ quality: 95 })
        .toBuffer(),
    ),
  };
}

/** Smooths the picture for the tasks behind it. */
export const blur: Task = {
  name: "ocv_blur",
  language: 0,
  inputs: ["IMAGE", "INPUT_GRAPHICS"],
  outputs: ["IMAGE"],
  parameters: [
    { name: "kSizeWidth", kind: "integer", value: "5", min: 1, max: 301 },
    { name: "kSizeHeight", kind: "integer", value: "5", min: 1, max: 301 },
  ],
  output: (_index, scene, values) => echoedImage(blurred(scene, values)),
  transform: blurred,
};
