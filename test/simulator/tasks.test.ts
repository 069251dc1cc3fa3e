import { readFile } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { expect, test } from "vitest";
import { encodeBmp } from "../../resources/samples/drawing/bmp-file.ts";
import { rendered, startRig } from "./client.ts";

const SAMPLES = join(import.meta.dirname, "../../resources/samples");

/** A red disc, a blue board with a hole, on cream paper; 800 x 600. */
const SHAPES = `<svg xmlns="http://www.w3.org/2000/svg" width="800" height="600"><rect width="800" height="600" fill="#f4f0e6"/>
<circle cx="200" cy="200" r="80" fill="#d03020"/>
<path d="M400 300h240v180h-240Z M470 340v100h100v-100Z" fill="#2060c0" fill-rule="evenodd"/></svg>`;

interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}
interface Detected {
  box: Box;
  label: string;
  confidence: number;
}

async function run<T>(
  image: Buffer,
  task: string,
  output: number,
  parameters: Record<string, string> = {},
): Promise<T> {
  await using rig = await startRig();
  const [result] = await rig.caller.run(image, {
    outputs: [{ task_name: task, output_index: output }],
    parameters: [{ task_name: task, parameters }],
  });
  return Object.values(result!)[0] as T;
}

async function detect(image: Buffer, parameters: Record<string, string> = {}): Promise<Detected[]> {
  return (await run<{ detections: Detected[] }>(image, "infer_blob_detection", 1, parameters)).detections;
}

function expectNear(box: Box, wanted: Box, tolerance: number): void {
  for (const side of ["x", "y", "width", "height"] as const) {
    expect(Math.abs(box[side] - wanted[side]), `${side} of ${JSON.stringify(box)}`).toBeLessThanOrEqual(
      tolerance,
    );
  }
}

test("boxes lie on the shapes and carry their colors", async () => {
  const found = await detect(await rendered(SHAPES));
  expect(found.map((d) => d.label).sort()).toEqual(["blue", "red"]);
  expectNear(found.find((d) => d.label === "red")!.box, { x: 120, y: 120, width: 160, height: 160 }, 4);
  expectNear(found.find((d) => d.label === "blue")!.box, { x: 400, y: 300, width: 240, height: 180 }, 4);
});

test("boxes are in the upright picture whatever its EXIF orientation says", async () => {
  const flat = await rendered(SHAPES);
  const upright = (await detect(flat)).find((d) => d.label === "red")!;
  const turns = { 1: 0, 3: 180, 6: 270, 8: 90 };
  for (const [orientation, degrees] of Object.entries(turns)) {
    const stored = await sharp(flat).rotate(degrees).png().toBuffer();
    const photo = await sharp(stored)
      .withMetadata({ orientation: Number(orientation) })
      .jpeg()
      .toBuffer();
    expectNear((await detect(photo)).find((d) => d.label === "red")!.box, upright.box, 3);
  }
});

test("every format gives the same boxes", async () => {
  const flat = await rendered(SHAPES);
  const pipeline = sharp(flat).flatten();
  const { data, info } = await pipeline.clone().removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const files = {
    bmp: encodeBmp(data, info.width, info.height),
    jpeg: await pipeline.clone().jpeg({ quality: 95 }).toBuffer(),
    webp: await pipeline.clone().webp({ lossless: true }).toBuffer(),
    tiff: await pipeline.clone().toColourspace("rgb16").tiff().toBuffer(),
    gray: await pipeline.clone().grayscale().png().toBuffer(),
  };
  const wanted = (await detect(flat)).map((d) => d.box).sort((a, b) => a.x - b.x);
  for (const [format, bytes] of Object.entries(files)) {
    const boxes = (await detect(bytes)).map((d) => d.box).sort((a, b) => a.x - b.x);
    expect(boxes, format).toHaveLength(2);
    boxes.forEach((box, index) => expectNear(box, wanted[index]!, 3));
  }
});

test("parameters change the result", async () => {
  const image = await rendered(SHAPES);
  const all = await detect(image, { conf_thres: "0" });
  const [best, worst] = [
    Math.max(...all.map((d) => d.confidence)),
    Math.min(...all.map((d) => d.confidence)),
  ];
  expect(await detect(image, { conf_thres: String((best + worst) / 2) })).toHaveLength(1);
  expect(await detect(image, { max_objects: "0" })).toEqual([]);
  expect(await detect(image, { min_area: "0.5" })).toEqual([]);
  expect((await detect(image, { label_by: "brightness" })).map((d) => d.label)).toEqual(["dark", "dark"]);
});

test("masks have the full picture's size and lie on their objects, with 0/1 or 0/255", async () => {
  const image = await rendered(SHAPES);
  for (const [mask_values, foreground] of [
    ["0/255", 255],
    ["0/1", 1],
  ] as const) {
    const { detections } = await run<{ detections: (Detected & { mask: string })[] }>(
      image,
      "infer_blob_segmentation",
      1,
      { mask_values },
    );
    const red = detections.find((d) => d.label === "red")!;
    const png = Buffer.from(red.mask, "base64");
    expect(await sharp(png).metadata()).toMatchObject({
      format: "png",
      width: 800,
      height: 600,
      channels: 1,
      depth: "uchar",
    });
    const pixels = await sharp(png).extractChannel(0).raw().toBuffer();
    expect(new Set(pixels)).toEqual(new Set([0, foreground]));
    expect(pixels[200 * 800 + 200]).toBe(foreground);
    expect(pixels[200 * 800 + 300]).toBe(0);
    const area = pixels.filter((value) => value !== 0).length;
    expect(Math.abs(area / (Math.PI * 80 * 80) - 1)).toBeLessThan(0.06);
  }
});

test("polygons are closed rings of whole pixels, with holes where the object has holes", async () => {
  interface Polygon {
    type: number;
    polygon?: { x: number; y: number }[];
    outer?: { x: number; y: number }[];
    inners?: { x: number; y: number }[][];
  }
  const { detections } = await run<{ detections: (Detected & { polygons: Polygon[] })[] }>(
    await rendered(SHAPES),
    "infer_blob_segmentation",
    1,
    { masks: "False" },
  );
  const disc = detections.find((d) => d.label === "red")!.polygons[0]!;
  const board = detections.find((d) => d.label === "blue")!.polygons[0]!;
  expect(disc).toMatchObject({ type: 4 });
  expect(board).toMatchObject({ type: 5 });
  for (const ring of [disc.polygon!, board.outer!, ...board.inners!]) {
    expect(ring.at(-1)).toEqual(ring[0]);
    for (const { x, y } of ring) expect([Number.isInteger(x), Number.isInteger(y)]).toEqual([true, true]);
  }
  for (const { x, y } of disc.polygon!) expect(Math.abs(Math.hypot(x - 200, y - 200) - 80)).toBeLessThan(5);
  expect(board.inners).toHaveLength(1);
  const holeXs = board.inners![0]!.map((point) => point.x);
  expect([Math.min(...holeXs), Math.max(...holeXs)].map((x) => Math.round(x / 10) * 10)).toEqual([470, 570]);
});

test("a class mask has the index of each pixel's color class", async () => {
  const { classes, colors, mask } = await run<{
    classes: string[];
    colors: Record<string, number>[];
    mask: string;
  }>(await rendered(SHAPES), "infer_color_segmentation", 1);
  const pixels = await sharp(Buffer.from(mask, "base64")).extractChannel(0).raw().toBuffer();
  const classAt = (x: number, y: number): string | undefined => classes[pixels[y * 800 + x]!];
  expect([classAt(200, 200), classAt(420, 320), classAt(520, 390), classAt(20, 20)]).toEqual([
    "red",
    "blue",
    "background",
    "background",
  ]);
  expect(colors).toHaveLength(classes.length);
  expect(Object.keys(colors[1]!)).toEqual(["b", "g", "r"]);
});

test("keypoints lie at the ends of each object, and links name points that exist", async () => {
  interface Found {
    links: { index1: number; index2: number }[];
    names: string[];
    objects: { label: string; points: { index: number; x: number; y: number }[] }[];
  }
  const { links, names, objects } = await run<Found>(await rendered(SHAPES), "infer_corner_keypoints", 1);
  const disc = objects.find((object) => object.label === "red")!;
  const wanted = {
    top: [200, 120],
    right: [280, 200],
    bottom: [200, 280],
    left: [120, 200],
    centre: [200, 200],
  };
  for (const { index, x, y } of disc.points) {
    const [wantedX, wantedY] = wanted[names[index - 1] as keyof typeof wanted];
    expect(Math.hypot(x - wantedX!, y - wantedY!)).toBeLessThan(30);
  }
  const indices = new Set(disc.points.map((point) => point.index));
  for (const { index1, index2 } of links)
    expect([indices.has(index1), indices.has(index2)]).toEqual([true, true]);
});

test("the strokes of a tally sheet are counted line by line", async () => {
  const { fields } = await run<{ fields: { text: string }[] }>(
    await readFile(join(SAMPLES, "workshop/tally sheet.png")),
    "infer_tally_reading",
    1,
  );
  expect(fields.map((field) => field.text)).toEqual(["7", "12", "4", "19", "9"]);
});

test("a histogram is a table of strings with six decimals that add up to one per channel", async () => {
  const { headers, values, valueLabels } = await run<{
    headers: string[];
    values: string[][];
    valueLabels: string[][];
  }>(await rendered(SHAPES), "skimage_histogram", 0, { bins: "8" });
  expect(headers).toEqual(["Red", "Green", "Blue"]);
  expect(valueLabels.map((column) => column.length)).toEqual([8, 8, 8]);
  for (const column of values) {
    expect(column.every((text) => /^\d\.\d{6}$/.test(text))).toBe(true);
    expect(column.reduce((sum, text) => sum + Number(text), 0)).toBeCloseTo(1, 4);
  }
});

test("edges lie on the borders of shapes, as a PNG of the full size", async () => {
  const picture = await run<string>(await rendered(SHAPES), "ocv_canny", 0);
  const { data, info } = await sharp(Buffer.from(picture, "base64"))
    .extractChannel(0)
    .raw()
    .toBuffer({ resolveWithObject: true });
  expect([info.width, info.height, new Set(data)]).toEqual([800, 600, new Set([0, 255])]);
  const edgeIn = (left: number, right: number): boolean =>
    data.subarray(390 * 800 + left, 390 * 800 + right).includes(255);
  expect([edgeIn(393, 407), edgeIn(415, 460), edgeIn(10, 380)]).toEqual([true, false, false]);
});

test("the echoed picture is an upright JPEG", async () => {
  const bytes = await run<string>(await readFile(join(SAMPLES, "IMG_2041.jpg")), "infer_blob_detection", 0);
  expect(await sharp(Buffer.from(bytes, "base64")).metadata()).toMatchObject({
    format: "jpeg",
    width: 1200,
    height: 1600,
  });
});

test("facts tell upright size, format, orientation and depth", async () => {
  const facts = async (name: string): Promise<unknown> =>
    run(await readFile(join(SAMPLES, name)), "image_facts", 0);
  expect(await facts("IMG_2041.jpg")).toMatchObject({
    width: 1200,
    height: 1600,
    format: "jpeg",
    orientation: 6,
    bitsPerChannel: 8,
  });
  expect(await facts("dishes/stained cells.tif")).toMatchObject({
    format: "tiff",
    bitsPerChannel: 16,
    orientation: 1,
  });
  expect(await facts("workshop/nuts and washers.bmp")).toMatchObject({
    format: "bmp",
    width: 560,
    height: 420,
  });
  expect(await facts("stickers.png")).toMatchObject({ format: "png", channels: 4 });
});

test("a picture that is cut short is a failed run, and says so", async () => {
  const image = await readFile(join(SAMPLES, "IMG_2043 interrupted copy.jpg"));
  await expect(detect(image)).rejects.toThrow(/520 .*cannot be decoded/);
});

test("keys of all results are alphabetical, and whole numbers have no decimals", async () => {
  await using rig = await startRig();
  const image = await rendered(SHAPES);
  const uuid = await rig.caller.submit(image, { outputs: [] });
  const text = await (await rig.caller.collect(uuid)).text();
  const check = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(check);
    else if (value !== null && typeof value === "object") {
      const keys = Object.keys(value);
      expect(keys).toEqual([...keys].sort());
      Object.values(value).forEach(check);
    }
  };
  const { results } = JSON.parse(text) as { results: Record<string, unknown>[] };
  check(results);
  expect(text).not.toMatch(/\d\.0[,}\]]/);
  expect(new Set(results.flatMap((result) => Object.keys(result)))).toEqual(
    new Set([
      "image",
      "OBJECT_DETECTION",
      "INSTANCE_SEGMENTATION",
      "SEMANTIC_SEGMENTATION",
      "KEYPOINTS",
      "TEXT",
      "NUMERIC_VALUES",
      "DATA_DICT",
    ]),
  );
});

test("a blur before the tasks changes what they see", async () => {
  await using rig = await startRig();
  const image = await rendered(SHAPES);
  const edges = async (size: string): Promise<unknown> => {
    const parameters = [{ task_name: "ocv_blur", parameters: { kSizeWidth: size, kSizeHeight: size } }];
    return (await rig.caller.run(image, { outputs: [{ task_name: "ocv_canny" }], parameters }))[0];
  };
  expect(await edges("101")).not.toEqual(await edges("1"));
});
