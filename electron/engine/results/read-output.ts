import type { z } from "zod";
import type { Output } from "../../contract/outputs.ts";
import {
  blobValuesSchema,
  graphicsSchema,
  instanceSegmentationSchema,
  keypointsSchema,
  numericValuesSchema,
  objectDetectionSchema,
  pictureFileSchema,
  semanticSegmentationSchema,
  textsSchema,
} from "../../contract/schema/outputs.ts";

/** The one key of a result object and what is under it; key "" for anything that is not such an object. */
export interface Envelope {
  key: string;
  data: unknown;
}

/** A result object is an object with one key, the type (API facts, section 5.1). Of several keys the first is taken. */
export function openEnvelope(item: unknown): Envelope {
  if (item === null || typeof item !== "object" || Array.isArray(item)) return { key: "", data: item };
  const [first] = Object.entries(item);
  return first === undefined ? { key: "", data: item } : { key: first[0], data: first[1] };
}

/** The type name as the documentation writes it: upper case, without the workflow file's prefix. */
export function typeName(key: string): string {
  return key.replace(/^IODataType\./i, "").toUpperCase();
}

type Reader = (data: unknown) => Output | null;

function reader<T>(schema: z.ZodType<T>, wrap: (data: T) => Output): Reader {
  return (data) => {
    const parsed = schema.safeParse(data);
    return parsed.success ? wrap(parsed.data) : null;
  };
}

const graphics = reader(graphicsSchema, (data) => ({ type: "GRAPHICS", data }));

const READERS: ReadonlyMap<string, Reader> = new Map([
  ["OBJECT_DETECTION", reader(objectDetectionSchema, (data) => ({ type: "OBJECT_DETECTION", data }))],
  [
    "INSTANCE_SEGMENTATION",
    reader(instanceSegmentationSchema, (data) => ({ type: "INSTANCE_SEGMENTATION", data })),
  ],
  [
    "SEMANTIC_SEGMENTATION",
    reader(semanticSegmentationSchema, (data) => ({ type: "SEMANTIC_SEGMENTATION", data })),
  ],
  ["KEYPOINTS", reader(keypointsSchema, (data) => ({ type: "KEYPOINTS", data }))],
  ["TEXT", reader(textsSchema, (data) => ({ type: "TEXT", data }))],
  ["OUTPUT_GRAPHICS", graphics],
  ["INPUT_GRAPHICS", graphics],
  ["NUMERIC_VALUES", reader(numericValuesSchema, (data) => ({ type: "NUMERIC_VALUES", data }))],
  ["BLOB_VALUES", reader(blobValuesSchema, (data) => ({ type: "BLOB_VALUES", data }))],
  ["DATA_DICT", (data) => ({ type: "DATA_DICT", data })],
]);

function readPicture(data: unknown): Output | null {
  if (typeof data === "string") return data === "" ? null : { type: "image", data };
  const file = pictureFileSchema.safeParse(data);
  return file.success ? { type: "image", data: file.data } : null;
}

/**
 * One result object (its pictures already taken out) as a typed output. Never fails: a type that is unknown, or
 * not formed as documented, is kept as `unknown` with its data as it came.
 */
export function readOutput(item: unknown): Output {
  const { key, data } = openEnvelope(item);
  const name = typeName(key);
  const read = name.startsWith("IMAGE") ? readPicture : READERS.get(name);
  return read?.(data) ?? { type: "unknown", key, data };
}
