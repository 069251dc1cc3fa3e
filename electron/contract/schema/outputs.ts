import { z } from "zod";
import type {
  BlobValues,
  Graphics,
  GraphicsItem,
  InstanceSegmentation,
  Keypoints,
  NumericValues,
  ObjectDetection,
  Output,
  SemanticSegmentation,
  Texts,
} from "../outputs.ts";

/**
 * The output types as they come over the wire (API facts, section 5.5). Unknown keys are dropped from the typed
 * form (the raw one keeps them). What a drawing can do without (color, label, names) may be missing.
 */
const point = z.object({ x: z.number(), y: z.number() });
const color = z.object({ r: z.number(), g: z.number(), b: z.number(), a: z.number().optional() });
const anyColor = color.default({ r: 128, g: 128, b: 128, a: 255 });
const box = z.object({ x: z.number(), y: z.number(), width: z.number(), height: z.number() });
const referenceImageIndex = z.number().optional();

/** The only form of `{"file": …}` that is believed: the end of a file's name, never a path. */
export const pictureFileSchema = z.object({ file: z.string().regex(/^\.[A-Za-z0-9._-]{1,119}$/) });

/** A picture that was taken out into a file, or base64 that is no picture Nightrun knows. */
const picture = z.union([pictureFileSchema, z.string()]);

const detection = z.object({
  id: z.number().default(0),
  label: z.string().default(""),
  confidence: z.number(),
  box,
  color: anyColor,
});

const graphicsItem: z.ZodType<GraphicsItem> = z.object({
  id: z.number().optional(),
  type: z.number(),
  x: z.number().optional(),
  y: z.number().optional(),
  width: z.number().optional(),
  height: z.number().optional(),
  polygon: z.array(point).optional(),
  outer: z.array(point).optional(),
  inners: z.array(z.array(point)).optional(),
  polyline: z.array(point).optional(),
  text: z.string().optional(),
  properties: z
    .object({
      pen: color.optional(),
      brush: color.optional(),
      color: color.optional(),
      category: z.string().optional(),
      line: z.number().optional(),
      size: z.number().optional(),
    })
    .optional(),
});

/** Boxes; the answer of detection tasks. */
export const objectDetectionSchema: z.ZodType<ObjectDetection> = z.object({
  detections: z.array(detection),
  referenceImageIndex,
});

/** Boxes with a mask and polygons each. */
export const instanceSegmentationSchema: z.ZodType<InstanceSegmentation> = z.object({
  detections: z.array(
    detection.extend({
      classIndex: z.number().optional(),
      mask: picture.optional(),
      polygons: z.array(graphicsItem).optional(),
      type: z.number().optional(),
    }),
  ),
  referenceImageIndex,
});

/** One class per pixel. */
export const semanticSegmentationSchema: z.ZodType<SemanticSegmentation> = z.object({
  classes: z.array(z.string()),
  colors: z.array(color).default([]),
  mask: picture.optional(),
  polygons: z.array(graphicsItem).optional(),
  referenceImageIndex,
});

/** Poses: objects with points, and the links to draw between them. */
export const keypointsSchema: z.ZodType<Keypoints> = z.object({
  links: z
    .array(
      z.object({
        index1: z.number(),
        index2: z.number(),
        color: color.optional(),
        label: z.string().optional(),
      }),
    )
    .default([]),
  names: z.array(z.string()).default([]),
  objects: z.array(
    detection.extend({
      points: z.array(
        z.object({ index: z.number(), x: z.number(), y: z.number(), z: z.number().optional() }),
      ),
    }),
  ),
  referenceImageIndex,
});

/** Fields of text, each with its polygon. */
export const textsSchema: z.ZodType<Texts> = z.object({
  fields: z.array(
    z.object({
      id: z.number().default(0),
      label: z.string().default(""),
      text: z.string(),
      confidence: z.number(),
      color: anyColor,
      polygon: z.array(point).default([]),
    }),
  ),
  referenceImageIndex,
});

/** Drawn shapes, of `OUTPUT_GRAPHICS` and `INPUT_GRAPHICS` alike. */
export const graphicsSchema: z.ZodType<Graphics> = z.object({
  items: z.array(graphicsItem),
  layer: z.string().optional(),
  imageIndex: z.number().optional(),
});

/** Tables, histograms, whole-image classification. */
export const numericValuesSchema: z.ZodType<NumericValues> = z.object({
  headers: z.array(z.string()).default([]),
  values: z.array(z.array(z.union([z.string(), z.number().transform(String)]))),
  valueLabels: z.array(z.array(z.string())).optional(),
  outputType: z.number().optional(),
  plotType: z.number().optional(),
});

/** Measures of blobs: one list of measures per object. */
export const blobValuesSchema: z.ZodType<BlobValues> = z.object({
  objects: z.array(
    z.array(
      z.object({
        graphicsId: z.number().optional(),
        label: z.string().default(""),
        measure: z.object({ id: z.number(), name: z.string(), formula: z.string().optional() }),
        values: z.array(z.number()),
      }),
    ),
  ),
});

/** An output after reading, as it goes to a window. */
export const typedOutput: z.ZodType<Output> = z.discriminatedUnion("type", [
  z.object({ type: z.literal("image"), data: picture }),
  z.object({ type: z.literal("OBJECT_DETECTION"), data: objectDetectionSchema }),
  z.object({ type: z.literal("INSTANCE_SEGMENTATION"), data: instanceSegmentationSchema }),
  z.object({ type: z.literal("SEMANTIC_SEGMENTATION"), data: semanticSegmentationSchema }),
  z.object({ type: z.literal("KEYPOINTS"), data: keypointsSchema }),
  z.object({ type: z.literal("TEXT"), data: textsSchema }),
  z.object({ type: z.literal("GRAPHICS"), data: graphicsSchema }),
  z.object({ type: z.literal("NUMERIC_VALUES"), data: numericValuesSchema }),
  z.object({ type: z.literal("BLOB_VALUES"), data: blobValuesSchema }),
  z.object({ type: z.literal("DATA_DICT"), data: z.unknown() }),
  z.object({ type: z.literal("unknown"), key: z.string(), data: z.unknown() }),
]);
