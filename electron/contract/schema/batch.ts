import { z } from "zod";
import { DEFAULT_LIMITS, type BatchSettings } from "../batch.ts";

const HOUR_MS = 60 * 60 * 1000;

const outputRequest = z.strictObject({
  taskName: z.string().min(1).max(200),
  taskIndex: z.int().min(0).max(999).default(0),
  outputIndex: z.int().min(0).max(999).nullable().default(null),
});

const parameterSetting = z.strictObject({
  taskName: z.string().min(1).max(200),
  taskIndex: z.int().min(0).max(999).default(0),
  name: z.string().min(1).max(200),
  value: z.string().max(100_000),
});

/** A standard input: an object with exactly one key, the type's name. */
export const fixedInput: z.ZodType<Record<string, unknown>> = z
  .record(z.string().min(1).max(100), z.json())
  .refine((input) => Object.keys(input).length === 1, "an input is an object with exactly one key, its type");

const rateLimit = z.strictObject({
  count: z.int().min(1).max(1_000_000),
  windowMs: z
    .int()
    .min(1)
    .max(24 * HOUR_MS),
});

const decision = z.strictObject({
  deployment: z.string().min(1).max(2000),
  outputs: z.array(outputRequest).max(500).default([]),
  parameters: z.array(parameterSetting).max(2000).default([]),
  inputs: z.array(fixedInput).max(50).default([]),
});

const glob = z.string().min(1).max(1000);
const folder = z.string().min(1).max(4000);

const intake = z.strictObject({
  folder,
  recursive: z.boolean().default(true),
  include: z.array(glob).max(200).default([]),
  exclude: z.array(glob).max(200).default([]),
  dedupe: z.boolean().default(true),
});

const limits = z.strictObject({
  concurrency: z.int().min(1).max(1000).default(DEFAULT_LIMITS.concurrency),
  rate: rateLimit.nullable().default(DEFAULT_LIMITS.rate),
  maxRuns: z.int().min(0).nullable().default(DEFAULT_LIMITS.maxRuns),
  runTimeoutMs: z
    .int()
    .min(1000)
    .max(30 * 24 * HOUR_MS)
    .nullable()
    .default(DEFAULT_LIMITS.runTimeoutMs),
  giveUpAfterMs: z
    .int()
    .min(1000)
    .max(365 * 24 * HOUR_MS)
    .default(DEFAULT_LIMITS.giveUpAfterMs),
  onUncertain: z.enum(["resubmit", "hold"]).default(DEFAULT_LIMITS.onUncertain),
});

/** Complete settings, as a window sends them. */
export const batchSettings = z.strictObject({
  name: z.string().min(1).max(200),
  decision,
  intake,
  results: z.strictObject({ resultsFolder: folder, keepRaw: z.boolean().default(false) }),
  limits,
});

const unfinishedFolder = z.string().max(4000);

/** Settings while a person still writes them: names and folders may be empty. */
export const draftSettings = z.strictObject({
  name: z.string().max(200),
  decision: decision.extend({ deployment: z.string().max(2000) }),
  intake: intake.extend({ folder: unfinishedFolder }),
  results: z.strictObject({ resultsFolder: unfinishedFolder, keepRaw: z.boolean().default(false) }),
  limits,
});

/** The version of the batch file's form. */
export const BATCH_FILE_VERSION = 1;

/** A batch file: settings without secrets; what is left out has its default, the folders may be given by flags. */
export const batchFile = z.strictObject({
  nightrunBatch: z.literal(BATCH_FILE_VERSION),
  name: z.string().min(1).max(200).optional(),
  decision: decision.partial({ deployment: true }).optional(),
  intake: intake.partial({ folder: true }).optional(),
  results: z.strictObject({ resultsFolder: folder.optional(), keepRaw: z.boolean().optional() }).optional(),
  limits: limits.partial().optional(),
});

export type BatchFile = z.infer<typeof batchFile>;

/** The text of a batch file for these settings. */
export function batchFileText(settings: BatchSettings): string {
  return `${JSON.stringify({ nightrunBatch: BATCH_FILE_VERSION, ...settings }, null, 2)}\n`;
}
