import type { z } from "zod";
import type { DeploymentFailure } from "../../contract/failure.ts";
import { fail, succeed, type Result } from "../../contract/result.ts";
import {
  messageAnswerSchema,
  pendingAnswerSchema,
  runAnswerSchema,
  serviceErrorsSchema,
  validationAnswerSchema,
  type adviceSchema,
} from "../../contract/schema/wire.ts";

/** When the deployment would like to be asked again, as far as it tells (API facts, section 3.1). */
export interface Advice {
  /** PENDING, STARTED, SUCCESS, FAILURE or another of the server's words. */
  state: string | null;
  /** Lower and upper bound of the rest of the run, milliseconds. */
  etaMs: [number | null, number | null] | null;
  nextPollMs: number | null;
  /** The next question may be held open by the server until there is news. */
  long: boolean;
}

/** What a deployment that gives no advice means. */
export const NO_ADVICE: Advice = { state: null, etaMs: null, nextPollMs: null, long: false };

/** Answers to `PUT /api/run`, 202 and errors are small; a longer one is not from a deployment. Bytes. */
export const SMALL_ANSWER_BYTES = 64 * 1024;

const LONGEST_DETAIL = 500;
const SHOWN_PROBLEMS = 5;

/** The run id of a 200 of `PUT /api/run`, plain or with advice; anything but exactly that is a failure. */
export function readRunAnswer(text: string): Result<{ uuid: string; advice: Advice }, DeploymentFailure> {
  const answer = runAnswerSchema.safeParse(parseSmallJson(text));
  if (!answer.success) return unexpected(200, `${inWords(text)} instead of a run id`);
  if (typeof answer.data === "string") return succeed({ uuid: answer.data, advice: NO_ADVICE });
  return succeed({ uuid: answer.data.uuid, advice: toAdvice(answer.data) });
}

/** The advice in a 202 of `GET /api/results/{uuid}`: `null` or an object; anything else is a failure. */
export function readPendingAnswer(text: string): Result<Advice, DeploymentFailure> {
  const answer = pendingAnswerSchema.safeParse(parseSmallJson(text));
  if (!answer.success) return unexpected(202, `${inWords(text)} instead of "not yet"`);
  return succeed(answer.data === null ? NO_ADVICE : toAdvice(answer.data));
}

/** What an error body says, as one line for a person; "" when it says nothing (API facts, sections 2.2 and 3.2). */
export function readErrorDetail(text: string): string {
  const body = parseSmallJson(text);
  const validation = validationAnswerSchema.safeParse(body);
  if (validation.success) return oneLine(validationInWords(validation.data.detail));
  const message = messageAnswerSchema.safeParse(body);
  if (message.success) return oneLine(message.data.message);
  const service = serviceErrorsSchema.safeParse(body);
  if (service.success) return oneLine(service.data.errors.flatMap((error) => error.messages).join("; "));
  return looksLikeHtml(text) ? oneLine(titleOf(text)) : oneLine(text);
}

/** Whether an answer is a web page: a sign-in page, a captive portal, a gateway's error page. */
export function looksLikeHtml(text: string): boolean {
  return /^\s*<(?:!doctype|html|head|body|\?xml|!--)/i.test(text);
}

/** Whether the head of an answer announces a web page. */
export function announcesHtml(headers: Readonly<Record<string, string>>): boolean {
  return /^\s*(?:text\/html|application\/xhtml\+xml)\b/i.test(headers["content-type"] ?? "");
}

function toAdvice(fields: z.infer<typeof adviceSchema>): Advice {
  return {
    state: fields.state ?? null,
    etaMs: fields.eta ?? null,
    nextPollMs: fields.next_poll_in ?? null,
    long: fields.next_poll_long ?? false,
  };
}

/** `undefined`, which no schema accepts, stands for what is too long or no JSON. */
function parseSmallJson(text: string): unknown {
  if (text.length > SMALL_ANSWER_BYTES) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // not JSON: the caller says so in its own words
  }
}

function unexpected(status: number, what: string): { ok: false; failure: DeploymentFailure } {
  return fail({ reason: "unexpected-response", what, status });
}

function inWords(text: string): string {
  if (text.trim() === "") return "an empty answer";
  if (looksLikeHtml(text)) return "a web page";
  if (text.length > SMALL_ANSWER_BYTES) return `${text.length} characters`;
  const body = parseSmallJson(text);
  if (body === undefined) return "an answer that is not JSON";
  if (Array.isArray(body)) return "a list";
  return body === null ? "null" : `another ${typeof body}`;
}

function validationInWords(detail: z.infer<typeof validationAnswerSchema>["detail"]): string {
  if (typeof detail === "string") return detail;
  const problems = detail.map(({ loc, msg }) => (loc.length === 0 ? msg : `${loc.join(".")}: ${msg}`));
  const rest = problems.length - SHOWN_PROBLEMS;
  return problems.slice(0, SHOWN_PROBLEMS).join("; ") + (rest > 0 ? `; and ${rest} more` : "");
}

function titleOf(html: string): string {
  const title = /<title[^>]*>([^<]*)</i.exec(html)?.[1]?.trim() ?? "";
  return title === "" ? "a web page" : `a web page, "${title}"`;
}

function oneLine(text: string): string {
  const line = text.replace(/[\u0000-\u001f\u007f-\u009f\s]+/gu, " ").trim();
  return line.length > LONGEST_DETAIL ? `${line.slice(0, LONGEST_DETAIL)}…` : line;
}
