import { z } from "zod";

const headers = z.record(z.string(), z.string()).optional();
const status = z.number().int().min(200).max(599);
/** Whether the fault leaves a run behind (PUT) or takes the result with it (GET). */
const flag = z.boolean().optional();

/** Faults of any request: they strike before anything is read or done. */
const common = [
  z.strictObject({ kind: z.literal("reset") }),
  z.strictObject({ kind: z.literal("stall") }),
  z.strictObject({ kind: z.literal("html") }),
  z.strictObject({ kind: z.literal("delay"), ms: z.number().int().nonnegative() }),
  z.strictObject({ kind: z.literal("status"), status, headers, body: z.string().optional() }),
] as const;

const putFault = z.discriminatedUnion("kind", [
  common[0],
  common[1],
  common[2],
  common[3],
  /** `accepted: true`: the run exists although its caller is told otherwise. */
  common[4].extend({ accepted: flag }),
  z.strictObject({ kind: z.literal("reset-after") }),
  z.strictObject({ kind: z.literal("refuse-after") }),
  z.strictObject({ kind: z.literal("duplicate") }),
  z.strictObject({
    kind: z.literal("run-id"),
    form: z.enum(["unquoted", "upper-case", "huge", "earlier", "not-a-uuid", "empty", "null"]),
  }),
  z.strictObject({
    kind: z.literal("run-error"),
    status: z.union([z.literal(500), z.literal(520)]),
    message: z.string(),
  }),
  z.strictObject({ kind: z.literal("endless") }),
]);

/** Bodies of a 200 that no client may take for a good result. */
export const ODD_RESULTS = [
  "empty-array",
  "null",
  "number",
  "string",
  "not-json",
  "half-json",
  "nan",
  "invalid-utf8",
  "deep",
  "proto",
  "two-keys",
  "unknown-type",
  "image-binary",
  "wrong-shape",
  "html",
] as const;
export type OddResult = (typeof ODD_RESULTS)[number];

const resultsFault = z.discriminatedUnion("kind", [
  common[0],
  common[1],
  common[2],
  common[3],
  /** `consumed: true`: the result is gone although its caller is told otherwise. */
  common[4].extend({ consumed: flag }),
  z.strictObject({ kind: z.literal("lost") }),
  z.strictObject({
    kind: z.literal("cut"),
    afterBytes: z.number().int().nonnegative(),
    framing: z.enum(["length", "chunked", "close"]),
  }),
  /** Cut after so many bytes on the wire, the head and the framing included. `bodyBytes`: of an answer this large. */
  z.strictObject({
    kind: z.literal("cut-wire"),
    afterBytes: z.number().int().nonnegative(),
    framing: z.enum(["length", "chunked", "close"]),
    bodyBytes: z.number().int().positive().optional(),
  }),
  z.strictObject({
    kind: z.literal("drip"),
    bytes: z.number().int().positive(),
    everyMs: z.number().int().positive(),
  }),
  z.strictObject({ kind: z.literal("odd"), result: z.enum(ODD_RESULTS) }),
  z.strictObject({ kind: z.literal("body"), body: z.string(), headers }),
  z.strictObject({ kind: z.literal("large"), bytes: z.number().int().positive(), gzip: flag }),
]);

const tokenFault = z.discriminatedUnion("kind", [
  ...common,
  /** A JWT that ends sooner than its `expires_in` says. */
  z.strictObject({ kind: z.literal("short"), lifeMs: z.number().int().nonnegative() }),
  z.strictObject({ kind: z.literal("body"), body: z.string() }),
]);

const workflowFault = z.discriminatedUnion("kind", [
  ...common,
  z.strictObject({ kind: z.literal("body"), body: z.string() }),
]);

/** How many fitting requests pass first, and how many are struck: `"always"` until `forget` or an empty script. */
const aim = {
  skip: z.number().int().nonnegative().optional(),
  times: z.union([z.number().int().positive(), z.literal("always")]).optional(),
};
/** Strikes only requests about the image with this SHA-256 (hex) of its bytes. */
const image = {
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
};

const entry = z.discriminatedUnion("on", [
  z.strictObject({ on: z.literal("put"), fault: putFault, ...aim, ...image }),
  z.strictObject({
    on: z.literal("results"),
    fault: resultsFault,
    /** `ready`: strikes only requests that would get a result. Faults that spoil a result imply it. */
    when: z.enum(["any", "ready"]).optional(),
    ...aim,
    ...image,
  }),
  z.strictObject({ on: z.literal("token"), fault: tokenFault, ...aim }),
  z.strictObject({ on: z.literal("workflow"), fault: workflowFault, ...aim }),
]);

/** Parses what `POST /_simulator/script` takes: one entry or a list of them. */
export const scriptSchema = z
  .union([entry, z.array(entry)])
  .transform((given) => (Array.isArray(given) ? given : [given]));

export type ScriptEntry = z.infer<typeof entry>;
export type PutFault = z.infer<typeof putFault>;
export type ResultsFault = z.infer<typeof resultsFault>;
export type TokenFault = z.infer<typeof tokenFault>;
export type WorkflowFault = z.infer<typeof workflowFault>;
export type CommonFault = z.infer<(typeof common)[number]>;
