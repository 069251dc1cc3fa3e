import { toHsv, type Rgb } from "./colors.ts";
import type { Task } from "./task.ts";

const TABLE_AND_PLOT = { outputType: 4, plotType: 3 };

interface ColorSpace {
  headers: string[];
  /** The three channels of a color, each from 0 to 1. */
  channels: (color: Rgb) => [number, number, number];
}

const RGB: ColorSpace = {
  headers: ["Red", "Green", "Blue"],
  channels: ({ r, g, b }) => [r / 255, g / 255, b / 255],
};
const HSV: ColorSpace = {
  headers: ["Hue", "Saturation", "Value"],
  channels(color) {
    const { hue, saturation, value } = toHsv(color);
    return [hue / 360, saturation, value];
  },
};

function countBins(rgb: Buffer, bins: number, { channels }: ColorSpace): Uint32Array[] {
  const counts = [new Uint32Array(bins), new Uint32Array(bins), new Uint32Array(bins)];
  for (let at = 0; at < rgb.length; at += 3) {
    const shares = channels({ r: rgb[at] ?? 0, g: rgb[at + 1] ?? 0, b: rgb[at + 2] ?? 0 });
    counts.forEach((channel, index) => {
      const bin = Math.min(bins - 1, Math.floor((shares[index] ?? 0) * bins));
      channel[bin] = (channel[bin] ?? 0) + 1;
    });
  }
  return counts;
}

/** The share of pixels in each bin of each channel, as the strings with six decimals that Ikomia's tables hold. */
export const histogram: Task = {
  name: "skimage_histogram",
  language: 1,
  inputs: ["IMAGE"],
  outputs: ["NUMERIC_VALUES"],
  parameters: [
    { name: "bins", kind: "integer", value: "16", min: 1, max: 256 },
    { name: "color_space", kind: "choice", value: "RGB", choices: ["RGB", "HSV"] },
  ],
  async output(_index, scene, values) {
    const { rgb } = await scene.raster();
    const bins = values.number("bins");
    const space = values.text("color_space") === "HSV" ? HSV : RGB;
    const counts = countBins(rgb, bins, space);
    const labels = Array.from({ length: bins }, (_none, bin) => (bin / bins).toFixed(3));
    const shares = counts.map((channel) =>
      [...channel].map((count) => ((count * 3) / rgb.length).toFixed(6)),
    );
    return {
      NUMERIC_VALUES: {
        headers: space.headers,
        ...TABLE_AND_PLOT,
        valueLabels: counts.map(() => labels),
        values: shares,
      },
    };
  },
};
