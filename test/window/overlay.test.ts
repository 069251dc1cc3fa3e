import { expect, test } from "vitest";
import type { ImageOutput } from "../../electron/contract/api.ts";
import type { Output } from "../../electron/contract/outputs.ts";
import { objectAt, pathOf, pathsByClass, snapshot } from "../../src/lib/overlay/paths.ts";
import { paintRegions, PixelPainter } from "../../src/lib/overlay/pixels.ts";
import { buildScene, mayBeRotated } from "../../src/lib/overlay/scene.ts";
import { fit, pan, toPicture, zoomAt } from "../../src/lib/overlay/viewport.ts";
import { outputsOf } from "./support/fixture-outputs.ts";

const CONTEXT = { width: 400, height: 300, urlOf: (suffix: string) => `file/1/${suffix}` };
const RED = { r: 255, g: 0, b: 0 };

function sceneOf(...outputs: Output[]) {
  const entries = outputs.map((output, outputIndex): ImageOutput => ({
    taskName: "task",
    taskIndex: 0,
    outputIndex,
    output,
    raw: null,
    summary: { type: output.type, text: "" },
  }));
  return buildScene(entries, CONTEXT);
}

function detection(
  label: string,
  box: { x: number; y: number; width: number; height: number },
  confidence = 0.9,
) {
  return { id: 0, label, confidence, box, color: RED };
}

test("every type of Ikomia becomes a scene without an error", () => {
  for (let id = 0; id < 8; id += 1) expect(() => buildScene(outputsOf(id), CONTEXT)).not.toThrow();
});

test("a box that leaves the picture as a rotated one would is doubted, an ordinary one is not", () => {
  expect(mayBeRotated({ x: 380, y: 150, width: 40, height: 20 }, 400, 300)).toBe(true);
  expect(mayBeRotated({ x: 10, y: 10, width: 40, height: 20 }, 400, 300)).toBe(false);
  expect(mayBeRotated({ x: 0, y: 0, width: 401, height: 301 }, 400, 300)).toBe(false);
  const scene = sceneOf({
    type: "OBJECT_DETECTION",
    data: { detections: [detection("a", { x: 380, y: 150, width: 30, height: 20 })] },
  });
  expect(scene.doubtfulBoxes).toBe(1);
  expect(pathsByClass(scene, snapshot([], 0))[0]?.dashed).not.toBe("");
});

test("classes are hidden by name and objects by confidence", () => {
  const box = { x: 1, y: 1, width: 9, height: 9 };
  const scene = sceneOf({
    type: "OBJECT_DETECTION",
    data: { detections: [detection("cat", box, 0.9), detection("dog", box, 0.4)] },
  });
  const names = (hidden: string[], confidence: number) =>
    pathsByClass(scene, snapshot(hidden, confidence)).map(({ name }) => name);
  expect(names([], 0)).toEqual(["cat", "dog"]);
  expect(names(["cat"], 0)).toEqual(["dog"]);
  expect(names([], 0.5)).toEqual(["cat"]);
  expect(names(["cat"], 0.5)).toEqual([]);
});

test("a polygon keeps its holes, and a link is drawn only between points that were found", () => {
  const ring = [
    { x: 0, y: 0 },
    { x: 10, y: 0 },
    { x: 10, y: 10 },
  ];
  expect(pathOf({ kind: "rings", rings: [ring, ring] }).match(/Z/g)).toHaveLength(2);
  const scene = sceneOf({
    type: "KEYPOINTS",
    data: {
      names: [],
      links: [
        { index1: 1, index2: 2 },
        { index1: 2, index2: 7 },
      ],
      objects: [
        {
          ...detection("pose", { x: 0, y: 0, width: 10, height: 10 }),
          points: [
            { index: 1, x: 1, y: 1 },
            { index: 2, x: 5, y: 5 },
          ],
        },
      ],
    },
  });
  expect(scene.shapes.filter(({ geometry }) => geometry.kind === "line")).toHaveLength(1);
});

test("the object under the mouse is the smallest visible one", () => {
  const scene = sceneOf({
    type: "OBJECT_DETECTION",
    data: {
      detections: [
        detection("big", { x: 0, y: 0, width: 300, height: 200 }),
        detection("small", { x: 50, y: 50, width: 20, height: 20 }),
      ],
    },
  });
  const at = { x: 60, y: 60 };
  expect(objectAt(scene, snapshot([], 0), at, 0)?.className).toBe("small");
  expect(objectAt(scene, snapshot(["small"], 0), at, 0)?.className).toBe("big");
  expect(objectAt(scene, snapshot([], 0), { x: 390, y: 290 }, 0)).toBeNull();
});

function maskPng(value: number): string {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [40, 30];
  const context = canvas.getContext("2d")!;
  context.fillStyle = "rgb(0 0 0)";
  context.fillRect(0, 0, 40, 30);
  context.fillStyle = `rgb(${value} ${value} ${value})`;
  context.fillRect(10, 10, 10, 10);
  return canvas.toDataURL("image/png").split(",")[1]!;
}

test.each([1, 255])("a mask of 0 and %i is drawn in the colour of its class", async (value) => {
  const found = { ...detection("leaf", { x: 10, y: 10, width: 10, height: 10 }), mask: maskPng(value) };
  const scene = sceneOf({ type: "INSTANCE_SEGMENTATION", data: { detections: [found] } });
  const layer = await new PixelPainter(scene, 40, 30).paint(snapshot([], 0));
  const at = (x: number, y: number) => [...layer!.image.data.slice((y * 40 + x) * 4, (y * 40 + x) * 4 + 4)];
  expect(at(15, 15)).toEqual([255, 0, 0, 255]);
  expect(at(2, 2)).toEqual([0, 0, 0, 0]);
  expect(at(10, 15).slice(0, 3)).not.toEqual([255, 0, 0]);
  expect(layer!.isPartial).toBe(false);
});

test("a mask that cannot be decoded leaves the rest and says so", async () => {
  const found = { ...detection("leaf", { x: 1, y: 1, width: 9, height: 9 }), mask: "bm90IGEgcGljdHVyZQ==" };
  const scene = sceneOf({ type: "INSTANCE_SEGMENTATION", data: { detections: [found] } });
  expect((await new PixelPainter(scene, 40, 30).paint(snapshot([], 0)))?.isPartial).toBe(true);
});

test("a hidden class of a class map is not painted", () => {
  const image = new ImageData(4, 1);
  paintRegions(image, (i) => (i < 2 ? 0 : 1), [null, RED]);
  expect(image.data[3]).toBe(0);
  expect(image.data[15]).toBe(255);
});

test("zooming keeps the point under the mouse, and the picture never leaves the screen", () => {
  const [picture, screen] = [
    { width: 4000, height: 3000 },
    { width: 800, height: 600 },
  ];
  const start = zoomAt(fit(picture, screen), { factor: 6, at: { x: 400, y: 300 } }, picture, screen);
  const at = { x: 250, y: 130 };
  const before = toPicture(start, at);
  const after = toPicture(zoomAt(start, { factor: 1.5, at }, picture, screen), at);
  expect(after.x).toBeCloseTo(before.x, 6);
  expect(after.y).toBeCloseTo(before.y, 6);
  const far = pan(start, { x: -1e6, y: -1e6 }, picture, screen);
  expect(far.x + screen.width / far.scale).toBeCloseTo(4000, 6);
  expect(far.y + screen.height / far.scale).toBeCloseTo(3000, 6);
});
