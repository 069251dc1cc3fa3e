import { createHash } from "node:crypto";
import { z } from "zod";

const index = z.number().int().nonnegative();

/** The body of `PUT /api/run`; further keys pass unread (API facts, section 3.1). */
const runRequestSchema = z.object({
  inputs: z.array(z.record(z.string(), z.unknown())),
  outputs: z
    .array(
      z.object({
        task_name: z.string(),
        task_index: index.default(0),
        output_index: index.nullish(),
      }),
    )
    .default([]),
  parameters: z
    .array(
      z.object({
        task_name: z.string(),
        task_index: index.default(0),
        parameters: z.record(z.string(), z.string()).default({}),
      }),
    )
    .default([]),
});

export type RunRequestBody = z.infer<typeof runRequestSchema>;

/** A well-formed submission; pictures are decoded once and taken out of `inputs`. */
export interface RunRequest {
  outputs: RunRequestBody["outputs"];
  parameters: RunRequestBody["parameters"];
  /** Type keys of the inputs, in order. */
  inputTypes: string[];
  /** Bytes of the first `image` input; null when there is none. */
  image: Buffer | null;
  /** Hex SHA-256 of those bytes. */
  sha256: string | null;
}

/** One entry of a 422 body's `detail` (API facts, section 3.2). */
export interface ValidationDetail {
  loc: (string | number)[];
  msg: string;
  type: string;
}

export type ParsedRunRequest = { ok: true; value: RunRequest } | { ok: false; detail: ValidationDetail[] };

function detailOf(issue: z.core.$ZodIssue): ValidationDetail {
  const missing = issue.code === "invalid_type" && issue.message.endsWith("received undefined");
  return {
    loc: ["body", ...issue.path.map((part) => (typeof part === "number" ? part : String(part)))],
    msg: missing ? "Field required" : issue.message,
    type: missing ? "missing" : issue.code,
  };
}

function parseJson(body: Buffer): { ok: true; value: unknown } | { ok: false; detail: ValidationDetail[] } {
  try {
    return { ok: true, value: JSON.parse(body.toString("utf8")) };
  } catch (error) {
    const msg = error instanceof Error ? error.message.slice(0, 200) : "not JSON";
    return { ok: false, detail: [{ loc: ["body"], msg, type: "json_invalid" }] };
  }
}

/** Reads the body of `PUT /api/run`, or says like the deployment does what is wrong with it. */
export function parseRunRequest(body: Buffer): ParsedRunRequest {
  const json = parseJson(body);
  if (!json.ok) return json;
  const parsed = runRequestSchema.safeParse(json.value);
  if (!parsed.success) return { ok: false, detail: parsed.error.issues.map(detailOf) };
  const { inputs, outputs, parameters } = parsed.data;
  const inputTypes = inputs.map((input) => Object.keys(input)[0] ?? "");
  const text = inputs.find((input) => typeof input.image === "string")?.image;
  const image = typeof text === "string" ? Buffer.from(text, "base64") : null;
  const sha256 = image ? createHash("sha256").update(image).digest("hex") : null;
  return { ok: true, value: { outputs, parameters, inputTypes, image, sha256 } };
}
