import type { DeploymentFailure, Failure } from "../../contract/failure.ts";
import { fail, succeed, type Result } from "../../contract/result.ts";
import type { Workflow } from "../../contract/workflow.ts";
import type { SubmitBody } from "./body.ts";
import type { HttpReply } from "./http.ts";
import { BodyBroken } from "./net-failure.ts";
import { createJsonEnd } from "./json-end.ts";
import {
  ResultTooLarge,
  type Asked,
  type CollectOutcome,
  type ResultSink,
  type SubmitOutcome,
} from "./outcome.ts";
import { readText } from "./read-text.ts";
import { retryAfterMs } from "./retry.ts";
import { announcesHtml, looksLikeHtml, readErrorDetail, readPendingAnswer, readRunAnswer } from "./wire.ts";
import { parseWorkflow, workflowHash } from "./workflow.ts";

type Response = HttpReply & { kind: "response" };

const LONGEST_WORKFLOW_BYTES = 16 * 1024 * 1024;

/** What an answer to `PUT /api/run` means: see the status table in the tests, row by row. */
export async function submitOutcome(
  reply: HttpReply,
  body: SubmitBody,
  asked: Asked,
): Promise<SubmitOutcome> {
  if (reply.kind === "failure") return unanswered(reply, body);
  const { status } = reply;
  const { text, broken } = await readText(reply);
  if (isRefusedSignIn(status)) return { kind: "unauthorized", status, jwt: asked.jwt };
  if (isBusy(status)) return busy(reply, asked);
  if (status >= 200 && status < 300) return accepted({ status, text, broken }, body, asked);
  const detail = readErrorDetail(discreet(text, asked));
  switch (status) {
    case 400:
    case 422:
      return { kind: "refused", failure: { reason: "refused-input", status, detail } };
    case 413:
      return { kind: "refused", failure: { reason: "too-large", bytes: body.imageBytes } };
    case 404:
      return { kind: "not-sent", failure: { reason: "deployment-not-found", deployment: asked.url } };
    default:
      return {
        kind: "unknown",
        last: `status ${status}`,
        failure: { reason: "server-error", status, detail },
      };
  }
}

function unanswered(reply: HttpReply & { kind: "failure" }, body: SubmitBody): SubmitOutcome {
  const trouble = body.failure();
  if (trouble !== null) return { kind: "file", failure: trouble };
  if (!reply.bodySent) return { kind: "not-sent", failure: reply.failure };
  return { kind: "unknown", last: inWords(reply.failure), failure: reply.failure };
}

/** Any 2xx with a run id is a run: to take it for an unknown outcome would pay for another one. */
function accepted(
  answer: { status: number; text: string; broken: DeploymentFailure | null },
  body: SubmitBody,
  asked: Asked,
): SubmitOutcome {
  const { status, text, broken } = answer;
  if (broken !== null) return { kind: "unknown", last: "the answer broke off", failure: broken };
  const run = readRunAnswer(text);
  if (run.ok && body.complete()) return { kind: "accepted", ...run.value };
  if (run.ok)
    return { kind: "unknown", last: "an answer came before the whole picture was sent", failure: null };
  if (looksLikeHtml(text)) {
    return { kind: "unknown", last: `status ${status} with a web page`, failure: webPage(asked) };
  }
  return {
    kind: "unknown",
    last: `status ${status} without a run id`,
    failure: { ...run.failure, status } as DeploymentFailure,
  };
}

/** What an answer to `GET /api/results/{uuid}` means. */
export async function collectOutcome(
  reply: HttpReply,
  onHead: (head: { contentLength: number | null }) => Promise<ResultSink>,
  asked: Asked,
): Promise<CollectOutcome> {
  if (reply.kind === "failure") {
    return { kind: reply.bodySent ? "doubtful" : "unreachable", failure: reply.failure };
  }
  if (reply.status === 200 && !announcesHtml(reply.headers)) return receive(reply, onHead);
  return withoutResult(reply, asked);
}

async function withoutResult(reply: Response, asked: Asked): Promise<CollectOutcome> {
  const { status } = reply;
  const { text } = await readText(reply);
  if (isRefusedSignIn(status)) return { kind: "unauthorized", status, jwt: asked.jwt };
  if (isBusy(status)) return busy(reply, asked);
  const detail = readErrorDetail(discreet(text, asked));
  switch (status) {
    case 200:
      return { kind: "doubtful", failure: webPage(asked) };
    case 202:
      return pending(text);
    case 404:
      return { kind: "gone", status };
    case 500:
    case 520: {
      const message = detail === "" ? "Workflow run failed" : detail;
      return { kind: "workflow-error", status, message, raw: discreet(text, asked) };
    }
    case 408:
    case 502:
    case 504:
      return { kind: "doubtful", failure: { reason: "server-error", status, detail } };
    default: {
      const what = detail === "" ? "an answer without words" : detail;
      return { kind: "protocol", failure: { reason: "unexpected-response", what, status } };
    }
  }
}

function pending(text: string): CollectOutcome {
  const advice = readPendingAnswer(text);
  return advice.ok
    ? { kind: "pending", advice: advice.value }
    : { kind: "protocol", failure: advice.failure };
}

/** From here on the result exists only on this connection. */
async function receive(
  reply: Response,
  onHead: (head: { contentLength: number | null }) => Promise<ResultSink>,
): Promise<CollectOutcome> {
  // Without a length or chunks a cut looks like an end: only the JSON itself can tell.
  const end = reply.framing === "close" ? createJsonEnd() : null;
  try {
    const sink = await onHead({ contentLength: reply.contentLength });
    for await (const chunk of reply.body) {
      end?.write(chunk);
      await sink.write(chunk);
    }
  } catch (error) {
    if (error instanceof BodyBroken) {
      return { kind: "cut", what: `${inWords(error.failure)} after ${error.received} bytes` };
    }
    await reply.dump();
    return error instanceof ResultTooLarge ? { kind: "cut", what: error.message } : { kind: "sink", error };
  }
  return end === null || end.isComplete()
    ? { kind: "received" }
    : { kind: "cut", what: "the connection was closed before the result was complete" };
}

/** What an answer to `GET /workflow` means. */
export async function workflowAnswer(
  reply: HttpReply,
  asked: Asked,
): Promise<Result<{ workflow: Workflow; hash: string }>> {
  if (reply.kind === "failure") return fail(reply.failure);
  const { text, truncated, broken } = await readText(reply, LONGEST_WORKFLOW_BYTES);
  const unavailable = (detail: string): { ok: false; failure: Failure } =>
    fail({ reason: "workflow-unavailable", detail });
  if (reply.status === 404) return unavailable("it answers 404 to /workflow.");
  if (reply.status !== 200) return fail(otherStatus(reply, text, asked));
  if (broken !== null) return fail(broken);
  if (truncated) return unavailable("its answer is larger than any workflow.");
  if (announcesHtml(reply.headers) || looksLikeHtml(text)) return unavailable("it answers with a web page.");
  const workflow = parseWorkflow(text);
  return workflow.ok ? succeed({ workflow: workflow.value, hash: workflowHash(workflow.value) }) : workflow;
}

/** What an answer to the question for a run that cannot exist means: 202, or a refused JWT, is a live deployment. */
export async function probeAnswer(reply: HttpReply, asked: Asked): Promise<Result<void, DeploymentFailure>> {
  if (reply.kind === "failure") return fail(reply.failure);
  const { text } = await readText(reply);
  if (isRefusedSignIn(reply.status)) return succeed(undefined);
  if (reply.status === 404) return fail({ reason: "deployment-not-found", deployment: asked.url });
  if (announcesHtml(reply.headers) && reply.status < 300) return fail(webPage(asked));
  if (reply.status !== 202) return fail(otherStatus(reply, text, asked));
  const advice = readPendingAnswer(text);
  return advice.ok ? succeed(undefined) : advice;
}

function otherStatus(reply: Response, text: string, asked: Asked): DeploymentFailure {
  const { status } = reply;
  if (isRefusedSignIn(status)) return { reason: "sign-in-refused", deployment: asked.url, status };
  if (isBusy(status)) return busy(reply, asked).failure;
  const detail = readErrorDetail(discreet(text, asked));
  if (status >= 500 || status === 408) return { reason: "server-error", status, detail };
  const what = detail === "" ? "an answer without words" : detail;
  return { reason: "unexpected-response", what, status };
}

function isRefusedSignIn(status: number): boolean {
  return (status >= 300 && status < 400) || status === 401 || status === 403;
}

function isBusy(status: number): boolean {
  return status === 429 || status === 503;
}

function busy(reply: Response, asked: Asked): SubmitOutcome & CollectOutcome & { kind: "busy" } {
  const wait = retryAfterMs(reply.headers["retry-after"], asked.nowMs);
  const failure: DeploymentFailure = { reason: "busy", status: reply.status, retryAfterMs: wait };
  return { kind: "busy", failure, retryAfterMs: wait };
}

function webPage(asked: Asked): DeploymentFailure {
  return { reason: "not-a-deployment", url: asked.url, found: "with a web page" };
}

/** Servers may echo what they were sent; secrets never get further than this. */
function discreet(text: string, asked: Asked): string {
  return asked.secrets.reduce((rest, secret) => rest.replaceAll(secret, "…"), text);
}

function inWords(failure: DeploymentFailure): string {
  switch (failure.reason) {
    case "timed-out":
      return failure.phase === "body" ? "the connection fell silent" : "no answer in time";
    case "unreachable":
      return `the connection broke (${failure.code})`;
    case "tls":
      return `the secure connection broke (${failure.code})`;
    case "not-a-deployment":
      return failure.found;
    default:
      return failure.reason;
  }
}
