import type { ImageOutput } from "../../../electron/contract/api.ts";
import type { Box, Color, GraphicsItem, Point } from "../../../electron/contract/outputs.ts";
import { readGraphicsItem } from "./graphics.ts";

export type Geometry =
  | { kind: "box"; box: Box; isDoubtful: boolean }
  | { kind: "rings"; rings: Point[][] }
  | { kind: "line"; points: Point[] }
  | { kind: "ellipse"; box: Box }
  | { kind: "points"; points: Point[] }
  | { kind: "text"; at: Point; text: string };

/** One thing on the picture, in pixels of the upright picture that was sent. */
export interface Shape {
  geometry: Geometry;
  /** Key of its class. */
  className: string;
  /** null = it has none, so the confidence slider does not hide it. */
  confidence: number | null;
  /** Counts as an object of its class; parts of one object (its box beside its mask) count once. */
  isObject: boolean;
  /** What is written at it. */
  caption: string;
  isFilled: boolean;
}

/** A picture whose non-zero pixels belong to one object. */
export interface MaskLayer {
  source: string;
  className: string;
  confidence: number | null;
}

/** A picture whose pixel values are indices into `classNames`. */
export interface ClassMapLayer {
  source: string;
  classNames: string[];
}

export interface SceneClass {
  name: string;
  label: string;
  color: string;
  objects: number;
}

export interface Scene {
  shapes: Shape[];
  masks: MaskLayer[];
  classMaps: ClassMapLayer[];
  classes: SceneClass[];
  /** Boxes that leave the picture as a rotated one would. */
  doubtfulBoxes: number;
  hasConfidence: boolean;
}

export interface SceneContext {
  width: number;
  height: number;
  /** Where the page loads a picture taken out of an output. */
  urlOf: (suffix: string) => string;
}

/** Everything that the outputs of one image put on its picture. Tables and dictionaries put nothing there. */
export function buildScene(outputs: readonly ImageOutput[], context: SceneContext): Scene {
  const builder = new SceneBuilder(context);
  for (const entry of outputs) builder.addOutput(entry);
  return builder.scene;
}

/** CSS text of an Ikomia colour; alpha is left to the opacity control. */
export function cssColor({ r, g, b }: Color): string {
  return `rgb(${byte(r)} ${byte(g)} ${byte(b)})`;
}

function byte(value: number): number {
  return Math.max(0, Math.min(255, Math.round(value)));
}

/**
 * Whether the box reads as centre and size of a rotated box: it leaves the picture at its far side,
 * yet would lie inside if `x`, `y` were its centre (API facts, section 5.5).
 */
export function mayBeRotated(box: Box, width: number, height: number): boolean {
  const slack = 2;
  const leaves = box.x + box.width > width + slack || box.y + box.height > height + slack;
  const fitsAsCentre =
    box.x - box.width / 2 >= -slack &&
    box.y - box.height / 2 >= -slack &&
    box.x + box.width / 2 <= width + slack &&
    box.y + box.height / 2 <= height + slack;
  return leaves && fitsAsCentre;
}

class SceneBuilder {
  readonly scene: Scene = {
    shapes: [],
    masks: [],
    classMaps: [],
    classes: [],
    doubtfulBoxes: 0,
    hasConfidence: false,
  };
  readonly #classes = new Map<string, SceneClass>();
  readonly #context: SceneContext;

  constructor(context: SceneContext) {
    this.#context = context;
  }

  addOutput({ output }: ImageOutput): void {
    switch (output.type) {
      case "OBJECT_DETECTION":
        for (const found of output.data.detections) this.#addBox(found);
        return;
      case "INSTANCE_SEGMENTATION":
        for (const found of output.data.detections) this.#addInstance(found);
        return;
      case "SEMANTIC_SEGMENTATION":
        this.#addClassMap(output.data);
        return;
      case "KEYPOINTS":
        for (const found of output.data.objects) this.#addPose(found, output.data.links);
        return;
      case "TEXT":
        for (const field of output.data.fields) this.#addText(field);
        return;
      case "GRAPHICS":
        for (const item of output.data.items) this.#addGraphics(item, null);
        return;
      default:
        return;
    }
  }

  #class(label: string, color: string): SceneClass {
    const known = this.#classes.get(label);
    if (known !== undefined) return known;
    const made = { name: label, label, color, objects: 0 };
    this.#classes.set(label, made);
    this.scene.classes.push(made);
    return made;
  }

  #add(entry: SceneClass, shape: Omit<Shape, "className">): void {
    if (shape.isObject) entry.objects += 1;
    if (shape.confidence !== null) this.scene.hasConfidence = true;
    this.scene.shapes.push({ ...shape, className: entry.name });
  }

  #addBox(found: { box: Box; label: string; color: Color; confidence: number }): void {
    const isDoubtful = mayBeRotated(found.box, this.#context.width, this.#context.height);
    if (isDoubtful) this.scene.doubtfulBoxes += 1;
    this.#add(this.#class(found.label, cssColor(found.color)), {
      geometry: { kind: "box", box: found.box, isDoubtful },
      confidence: found.confidence,
      isObject: true,
      caption: captionOf(found.label, found.confidence),
      isFilled: false,
    });
  }

  #addInstance(found: {
    box: Box;
    label: string;
    color: Color;
    confidence: number;
    polygons?: GraphicsItem[] | undefined;
    mask?: unknown;
  }): void {
    this.#addBox(found);
    const entry = this.#class(found.label, cssColor(found.color));
    const polygons = found.polygons ?? [];
    for (const item of polygons) this.#addGraphics(item, { entry, confidence: found.confidence });
    const source = this.#sourceOf(found.mask);
    // Polygons say the same with far fewer pixels to decode.
    if (polygons.length === 0 && source !== null) {
      this.scene.masks.push({ source, className: entry.name, confidence: found.confidence });
    }
  }

  #addClassMap(data: {
    classes: string[];
    colors: Color[];
    mask?: unknown;
    polygons?: GraphicsItem[] | undefined;
  }): void {
    const names = data.classes.map((label, index) => {
      const color = data.colors[index];
      return this.#class(label, color === undefined ? "rgb(128 128 128)" : cssColor(color)).name;
    });
    const source = this.#sourceOf(data.mask);
    if (source !== null) this.scene.classMaps.push({ source, classNames: names });
    else for (const item of data.polygons ?? []) this.#addGraphics(item, null);
  }

  #addPose(
    found: {
      box: Box;
      label: string;
      color: Color;
      confidence: number;
      points: ({ index: number } & Point)[];
    },
    links: readonly { index1: number; index2: number }[],
  ): void {
    this.#addBox(found);
    const entry = this.#class(found.label, cssColor(found.color));
    const byIndex = new Map(found.points.map((point) => [point.index, point]));
    const part = { confidence: found.confidence, isObject: false, caption: "", isFilled: false };
    for (const link of links) {
      const [a, b] = [byIndex.get(link.index1), byIndex.get(link.index2)];
      if (a !== undefined && b !== undefined)
        this.#add(entry, { ...part, geometry: { kind: "line", points: [a, b] } });
    }
    this.#add(entry, { ...part, geometry: { kind: "points", points: found.points } });
  }

  #addText(field: { label: string; text: string; color: Color; confidence: number; polygon: Point[] }): void {
    const entry = this.#class(field.label === "" ? "text" : field.label, cssColor(field.color));
    const { width, height } = this.#context;
    const ring =
      field.polygon.length > 0
        ? field.polygon
        : [
            { x: 0, y: 0 },
            { x: width, y: 0 },
            { x: width, y: height },
            { x: 0, y: height },
          ];
    this.#add(entry, {
      geometry: { kind: "rings", rings: [ring] },
      confidence: field.confidence,
      isObject: true,
      caption: field.text,
      isFilled: false,
    });
  }

  #addGraphics(item: GraphicsItem, owner: { entry: SceneClass; confidence: number } | null): void {
    const read = readGraphicsItem(item);
    if (read === null) return;
    const label = item.properties?.category ?? "";
    const entry = owner?.entry ?? this.#class(label, cssColor(read.color));
    this.#add(entry, {
      geometry: read.geometry,
      confidence: owner?.confidence ?? null,
      isObject: owner === null,
      caption: read.geometry.kind === "text" ? read.geometry.text : label,
      isFilled: owner !== null || read.isFilled,
    });
  }

  #sourceOf(picture: unknown): string | null {
    if (typeof picture === "string" && picture !== "") return dataUrl(picture);
    if (typeof picture !== "object" || picture === null || !("file" in picture)) return null;
    return typeof picture.file === "string" ? this.#context.urlOf(picture.file) : null;
  }
}

function captionOf(label: string, confidence: number): string {
  return `${label} ${Math.round(confidence * 100)} %`.trim();
}

/** A base64 picture without its prefix, as Ikomia sends it; JPEG or PNG by its first characters. */
export function dataUrl(base64: string): string {
  return `data:image/${base64.startsWith("/9j/") ? "jpeg" : "png"};base64,${base64}`;
}
