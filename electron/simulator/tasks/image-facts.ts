import { colorName } from "./colors.ts";
import type { Raster } from "./scene.ts";
import type { Task } from "./task.ts";

function meanColor({ rgb }: Raster): { r: number; g: number; b: number } {
  const sum = { r: 0, g: 0, b: 0 };
  for (let at = 0; at < rgb.length; at += 3) {
    sum.r += rgb[at] ?? 0;
    sum.g += rgb[at + 1] ?? 0;
    sum.b += rgb[at + 2] ?? 0;
  }
  const n = rgb.length / 3;
  return { r: sum.r / n, g: sum.g / n, b: sum.b / n };
}

/** What can be said about the file and its colors; with `decode=False` only what needs no decoding. */
export const imageFacts: Task = {
  name: "image_facts",
  language: 1,
  inputs: ["IMAGE"],
  outputs: ["DATA_DICT"],
  parameters: [{ name: "decode", kind: "python-boolean", value: "True" }],
  async output(_index, scene, values) {
    const known = { bytes: scene.bytes.length, sha256: scene.sha256 };
    if (!values.boolean("decode")) return { DATA_DICT: known };
    const color = meanColor(await scene.raster());
    const facts = { ...known, ...(await scene.facts()), mainColor: colorName(color), meanColor: color };
    return { DATA_DICT: facts };
  },
};
