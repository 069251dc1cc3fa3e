import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Output } from "../../electron/contract/outputs.ts";
import { fixture, readOne } from "./support/fixtures.ts";

const EXPECTED: Record<string, { type: Output["type"]; text: string; pictures?: string[]; labels?: object }> =
  {
    image: { type: "image", text: "picture", pictures: [".infer-0.1.jpg"] },
    "image-binary": { type: "image", text: "picture", pictures: [".infer-0.1.png"] },
    "object-detection": { type: "OBJECT_DETECTION", text: "2 person, 1 dog", labels: { person: 2, dog: 1 } },
    "instance-segmentation": {
      type: "INSTANCE_SEGMENTATION",
      text: "2 person, 1 ring",
      labels: { person: 2, ring: 1 },
      pictures: [".infer-0.1.mask-0.png", ".infer-0.1.mask-1.png", ".infer-0.1.mask-2.png"],
    },
    "semantic-segmentation": {
      type: "SEMANTIC_SEGMENTATION",
      text: "background, road",
      pictures: [".infer-0.1.mask.png"],
    },
    keypoints: { type: "KEYPOINTS", text: "1 person", labels: { person: 1 } },
    text: { type: "TEXT", text: "HELLO big WORLD" },
    "text-boxes-only": { type: "TEXT", text: "2 text areas" },
    "text-stream": { type: "unknown", text: "A cat sleeps on a red sofa." },
    "output-graphics": { type: "GRAPHICS", text: "7 shapes" },
    "input-graphics": { type: "GRAPHICS", text: "1 shape" },
    "numeric-classification": { type: "NUMERIC_VALUES", text: "tabby 0.9123" },
    "numeric-table": { type: "NUMERIC_VALUES", text: "4 rows × 3 columns" },
    "blob-values": { type: "BLOB_VALUES", text: "2 objects" },
    "data-dict": {
      type: "DATA_DICT",
      text: "5 entries",
      pictures: [".infer-0.1.crop.jpg", ".infer-0.1.fields-0.crop.webp", ".infer-0.1.fields-1.crop.tif"],
    },
    "data-list": { type: "DATA_DICT", text: "2 entries" },
    "storage-object": { type: "unknown", text: "kept in the deployment's storage" },
    "scene-3d": {
      type: "unknown",
      text: "SCENE_3D, kept as it came",
      pictures: [".infer-0.1.scene3d.layers-0.objects-0.image.png"],
    },
    array: { type: "unknown", text: "ARRAY, kept as it came" },
    "dnn-dataset": { type: "unknown", text: "DNN_DATASET, kept as it came" },
  };

describe("every type of the API facts", () => {
  test("has a fixture here, and every fixture an expectation", () => {
    const names = readdirSync(join(import.meta.dirname, "fixtures")).map((name) => name.replace(".json", ""));
    expect(names.sort()).toEqual(Object.keys(EXPECTED).sort());
  });

  test.each(Object.entries(EXPECTED))("%s is read as it is documented", (name, expected) => {
    const read = readOne(fixture(name));
    expect(read).toMatchObject({ taskName: "infer", taskIndex: 0, outputIndex: 1 });
    expect(read.output.type).toBe(expected.type);
    expect(read.summary.text).toBe(expected.text);
    expect(read.summary.type).toBe(expected.type);
    expect(read.summary.labels).toEqual(expected.labels);
    const suffixes = read.pictures.map((picture) => picture.suffix);
    expect(suffixes).toEqual(expected.pictures ?? []);
  });

  test.each(Object.keys(EXPECTED))("%s keeps everything in its raw form but the pictures", (name) => {
    const read = readOne(fixture(name));
    const bySuffix = new Map(
      read.pictures.map(({ suffix, bytes }) => [suffix, Buffer.from(bytes).toString("base64")]),
    );
    const restored = JSON.parse(JSON.stringify(read.raw), (_key, value: unknown) =>
      value !== null && typeof value === "object" && "file" in value
        ? (bySuffix.get(String(value.file)) ?? value)
        : value,
    ) as unknown;
    expect(JSON.stringify(restored)).toBe(JSON.stringify(fixture(name)));
  });
});

test.each(Object.keys(EXPECTED))("typed data of %s lacks nothing that the contract knows", (name) => {
  const { output, raw } = readOne(fixture(name));
  const [data] = Object.values(raw as object) as unknown[];
  // The one thing that is dropped on purpose: how a text is set.
  const known = JSON.parse(JSON.stringify(data), (key, value: unknown) =>
    ["bold", "font", "italic", "strikeout", "underline"].includes(key) ? undefined : value,
  ) as unknown;
  expect(output.data).toEqual(known);
});

test("typed data holds coordinates, colors and the picture's file", () => {
  const { output } = readOne(fixture("instance-segmentation"));
  if (output.type !== "INSTANCE_SEGMENTATION") throw new Error(output.type);
  expect(output.data.detections[1]).toEqual({
    box: { x: 0, y: 0, width: 9, height: 9 },
    classIndex: 7,
    color: { r: 7, g: 8, b: 9, a: 255 },
    confidence: 0.5,
    id: 1,
    label: "ring",
    mask: { file: ".infer-0.1.mask-1.png" },
    polygons: [
      expect.objectContaining({
        type: 5,
        inners: [
          [
            { x: 2, y: 2 },
            { x: 3, y: 2 },
            { x: 3, y: 3 },
            { x: 2, y: 2 },
          ],
        ],
      }),
    ],
    type: 1,
  });
});

test.each([
  ["object_detection", "OBJECT_DETECTION"],
  ["IODataType.OBJECT_DETECTION", "OBJECT_DETECTION"],
])("the key %s is read like %s", (key, type) => {
  expect(readOne({ [key]: fixture("object-detection").OBJECT_DETECTION }).output.type).toBe(type);
});

test.each(["image", "IMAGE", "image_label", "Image_Binary"])("a text under %s is a picture", (key) => {
  const read = readOne({ [key]: fixture("image").image });
  expect(read.output).toEqual({ type: "image", data: { file: ".infer-0.1.jpg" } });
  expect(read.raw).toEqual({ [key]: { file: ".infer-0.1.jpg" } });
});

test("a picture in no format Nightrun knows stays in the JSON as it came", () => {
  const read = readOne({ image: "AAAAIGZ0eXBhdmlm" });
  expect(read.output).toEqual({ type: "image", data: "AAAAIGZ0eXBhdmlm" });
  expect(read.pictures).toEqual([]);
});

test.each([
  ["detections is no list", { OBJECT_DETECTION: { detections: 3 } }],
  [
    "a box without width",
    { OBJECT_DETECTION: { detections: [{ box: { x: 1, y: 2, height: 3 }, confidence: 1 }] } },
  ],
  ["a number that overflows", { NUMERIC_VALUES: { headers: [], values: [[null]] } }],
  ["a type nobody knows", { HOLOGRAM: { depth: 3 } }],
  ["null data", { TEXT: null }],
  ["an empty picture", { image: "" }],
  ["a picture's file that leads elsewhere", { image: { file: "../../.ssh/id_rsa" } }],
  [
    "a mask's file that leads elsewhere",
    { SEMANTIC_SEGMENTATION: { classes: [], mask: { file: "/etc/passwd" } } },
  ],
  ["a bare text", "OBJECT_DETECTION"],
  ["null", null],
  ["a list", [1, 2]],
  ["an empty object", {}],
])("%s is kept as an unknown output and fails nothing", (_what, item) => {
  const read = readOne(item);
  expect(read.output.type).toBe("unknown");
  expect(read.raw).toEqual(item);
  expect(read.summary.text).not.toBe("");
});

test("colors, labels and names may be missing", () => {
  const box = { x: 1, y: 2, width: 3, height: 4 };
  const { output, summary } = readOne({ OBJECT_DETECTION: { detections: [{ box, confidence: 1 }] } });
  expect(output.type).toBe("OBJECT_DETECTION");
  expect(summary).toEqual({ type: "OBJECT_DETECTION", labels: { "": 1 }, text: "1 unnamed" });
});

test("an answer without objects says so", () => {
  expect(readOne({ OBJECT_DETECTION: { detections: [] } }).summary).toEqual({
    type: "OBJECT_DETECTION",
    labels: {},
    text: "nothing found",
  });
});

test("a summary is one short line, whatever the labels", () => {
  const box = { x: 1, y: 2, width: 3, height: 4 };
  const detections = Array.from({ length: 50 }, (_, i) => ({
    box,
    confidence: 1,
    label: `a\nlong \u0007label ${"x".repeat(500)}${i}`,
  }));
  const { summary } = readOne({ OBJECT_DETECTION: { detections } });
  expect(summary.text).toMatch(/^1 a long label x+….* and 42 more labels$/);
  expect(summary.text.length).toBeLessThan(700);
  expect(Object.keys(summary.labels!)).toHaveLength(50);
});

test("a label named like a property of every object is counted like any other", () => {
  const box = { x: 1, y: 2, width: 3, height: 4 };
  const detections = ["__proto__", "constructor", "__proto__", "toString"].map((label) => ({
    box,
    confidence: 1,
    label,
  }));
  const { summary } = readOne({ OBJECT_DETECTION: { detections } });
  expect(summary.text).toBe("2 __proto__, 1 constructor, 1 toString");
  expect(Object.entries(summary.labels!)).toEqual([
    ["__proto__", 2],
    ["constructor", 1],
    ["toString", 1],
  ]);
});
