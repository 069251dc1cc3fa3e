import { z } from "zod";

/** A run id in any letter case; the deployment gets it back exactly as it was written (API facts, section 3.1). */
export const UUID_PATTERN = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

const uuid = z.string().regex(UUID_PATTERN);
const milliseconds = z.number().nonnegative();

/** Advice is a courtesy: a field of it that is odd counts as absent and never spoils the answer. */
const adviceFields = {
  state: z.string().nullish().catch(null),
  eta: z.tuple([milliseconds.nullable(), milliseconds.nullable()]).nullish().catch(null),
  next_poll_in: milliseconds.nullish().catch(null),
  next_poll_long: z.boolean().nullish().catch(null),
};

/** The fields with which a deployment tells when to ask next (API facts, sections 3.1 and 3.2). */
export const adviceSchema = z.object(adviceFields);

/** 200 of `PUT /api/run`: a bare run id (old and serverless deployments), or an object (API facts, section 3.1). */
export const runAnswerSchema = z.union([uuid, z.object({ uuid, ...adviceFields })]);

/** 202 of `GET /api/results/{uuid}`: nothing, or advice (API facts, section 3.2). */
export const pendingAnswerSchema = z.union([z.null(), adviceSchema]);

/** 200 of the token service; the JWT must be sendable in a header as it is (API facts, section 2.1). */
export const tokenAnswerSchema = z.object({
  id_token: z
    .string()
    .max(65_536)
    .regex(/^[\x21-\x7e]+$/),
  /** Seconds. */
  expires_in: z.number(),
});

/** 500 and 520: the workflow failed (API facts, section 3.2). */
export const messageAnswerSchema = z.object({ message: z.string() });

/** 422: what is wrong with the request, and where (API facts, section 3.2). */
export const validationAnswerSchema = z.object({
  detail: z.union([
    z.string(),
    z.array(z.object({ loc: z.array(z.union([z.string(), z.number()])).catch([]), msg: z.string() })),
  ]),
});

/** Error bodies of the token service (API facts, section 2.2). */
export const serviceErrorsSchema = z.object({
  errors: z.array(z.object({ code: z.string().catch(""), messages: z.array(z.string()) })),
});
