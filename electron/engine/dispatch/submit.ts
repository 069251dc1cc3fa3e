import { assertNever } from "../../contract/result.ts";
import { createSubmitBody } from "../deployment/body.ts";
import type { Deployment } from "../deployment/client.ts";
import type { SubmitOutcome } from "../deployment/outcome.ts";
import type { Advice } from "../deployment/wire.ts";
import { sameObservation, type Observation } from "../intake/observation.ts";
import { openImage, type OpenImage } from "../intake/open.ts";
import type { StoredImage } from "../store/rows.ts";
import { record, type Dispatch } from "./context.ts";
import type { Start } from "./rate.ts";
import { uncertainWaitMs } from "./run-times.ts";

/** A run that has an id and is now to be collected. */
export interface SubmittedRun {
  runId: number;
  imageId: number;
  uuid: string;
  advice: Advice | null;
  submittedMono: number;
}

/** How soon a submission that was broken off early is tried again, so that a bad line is no hot loop. */
const BROKEN_PAUSE_MS = 250;

/**
 * Sends one image once: waits for the rate, commits the intent, streams the file, records what came of it.
 * Gives the run to collect, or null when there is none (whatever happened is recorded then).
 */
export async function submitImage(dispatch: Dispatch, image: StoredImage): Promise<SubmittedRun | null> {
  const decision = await dispatch.decisionOf(image.revisionId);
  const deployment = dispatch.deploymentOf(decision.deployment);
  if (deployment === null) return null;
  const start = await takeTurn(dispatch, deployment);
  if (start === null) return null;
  return dispatch.hands.hold(image, async () => {
    if (dispatch.gates.maySubmit) return openAndSend(dispatch, deployment, image, start);
    start.cancel();
    return null;
  });
}

async function openAndSend(
  dispatch: Dispatch,
  deployment: Deployment,
  image: StoredImage,
  start: Start,
): Promise<SubmittedRun | null> {
  const opened = await openImage(dispatch.settings().intake.folder, image.path);
  if (!opened.ok || !sameObservation(opened.value.observation, observationOf(image))) {
    start.cancel();
    if (opened.ok) await opened.value.close();
    // Changed, gone, or no longer to be read: the intake finds out which, and for how long.
    const { clock, store } = dispatch;
    await store.call("unsettle", { imageId: image.id, mono: clock.mono(), at: clock.now() });
    dispatch.recheck(image.path);
    return null;
  }
  try {
    return await send(dispatch, deployment, { image, file: opened.value, start });
  } finally {
    await opened.value.close();
  }
}

function observationOf(image: StoredImage): Observation {
  return { path: image.path, bytes: image.bytes, mtimeUs: image.mtimeUs, fileId: image.fileId };
}

/**
 * Room on disk, a valid sign-in, open gates, and a place in the rate, taken in the same moment that it is found free.
 * Waiting for any of them spends no attempt. null = not now.
 */
async function takeTurn(dispatch: Dispatch, deployment: Deployment): Promise<Start | null> {
  const { gates, rate, clock, draining } = dispatch;
  const lack = await dispatch.disk.lack(0);
  if (lack !== null) gates.close("disk-low", lack);
  const signedIn = await deployment.auth.jwt();
  if (!signedIn.ok) {
    dispatch.trouble.failed(signedIn.failure);
    return null;
  }
  for (;;) {
    if (!gates.maySubmit || draining.aborted) return null;
    const wait = rate().waitMs();
    if (wait === 0) return rate().start();
    await clock.sleep(wait, draining);
  }
}

interface Sending {
  image: StoredImage;
  file: OpenImage;
  start: Start;
}

async function send(
  dispatch: Dispatch,
  deployment: Deployment,
  { image, file, start }: Sending,
): Promise<SubmittedRun | null> {
  const { clock, store } = dispatch;
  const intent = await store.call("intendRun", {
    imageId: image.id,
    sessionId: dispatch.sessionId,
    workflowHash: dispatch.workflowHash(),
    maxRuns: dispatch.limits().maxRuns,
    at: clock.now(),
    mono: clock.mono(),
  });
  if (intent === null || intent.runId === null) {
    start.cancel();
    if (intent !== null) dispatch.gates.close("run-limit", null);
    return null;
  }
  dispatch.onImage(image.id);
  const run = { runId: intent.runId, imageId: image.id };
  const askedMono = clock.mono();
  const decision = await dispatch.decisionOf(image.revisionId);
  const body = createSubmitBody({
    handle: file.handle,
    bytes: file.observation.bytes,
    stamp: file.stamp,
    decision,
    onFirstByte: () => start.sent(),
  });
  const outcome = await deployment.submit(body, { idempotencyKey: idempotencyKey(dispatch, image) });
  if (body.started()) start.sent();
  else start.cancel();
  if (outcome.kind === "accepted") body.release();
  return settle(dispatch, deployment, { run, image, outcome, sentSha256: body.sha256(), askedMono });
}

/**
 * Equal for submissions that may be the same run (after an unknown outcome), new after a lost or failed one; harmless
 * where a server ignores it (no such key is documented: API facts, section 3.1).
 */
function idempotencyKey(dispatch: Dispatch, image: StoredImage): string {
  const bytes = [image.mtimeUs, image.fingerprint ?? 0].map((number) => number.toString(36)).join("-");
  return `nightrun-${dispatch.batchId}-${image.id}-${image.lost + image.workflowErrors}-${bytes}`;
}

interface Sent {
  run: { runId: number; imageId: number };
  image: StoredImage;
  outcome: SubmitOutcome;
  /** Of the file, if all of it was sent. */
  sentSha256: Buffer | null;
  askedMono: number;
}

async function settle(dispatch: Dispatch, deployment: Deployment, sent: Sent): Promise<SubmittedRun | null> {
  const { run, image, outcome, askedMono } = sent;
  const { trouble, clock } = dispatch;
  switch (outcome.kind) {
    case "accepted":
      return accept(dispatch, sent, outcome);
    case "unauthorized": {
      await record(dispatch, run, { kind: "not-accepted", note: `sign-in refused (${outcome.status})` });
      await renew(dispatch, deployment, outcome);
      return null;
    }
    case "busy":
      trouble.busy(outcome.failure, outcome.retryAfterMs, askedMono);
      await record(dispatch, run, { kind: "not-accepted", note: outcome.failure.reason });
      return null;
    case "not-sent":
      trouble.failed(outcome.failure);
      if (outcome.failure.reason === "timed-out") dispatch.window.congested(askedMono, clock.mono());
      await record(dispatch, run, { kind: "not-accepted", note: outcome.failure.reason });
      await clock.sleep(BROKEN_PAUSE_MS, dispatch.draining);
      return null;
    case "refused":
      trouble.answered();
      trouble.refused(outcome.failure);
      await record(dispatch, run, { kind: "refused", failure: outcome.failure }, sent.sentSha256);
      return null;
    case "file":
      await record(dispatch, run, { kind: "file-changed" });
      dispatch.recheck(image.path);
      return null;
    case "unknown":
      await recordUnknown(dispatch, sent, outcome.last);
      trouble.unknownOutcome(outcome.failure);
      // A connection that broke says nothing about how much the server can bear; a server that does not answer does.
      if (outcome.failure?.reason !== "unreachable") dispatch.window.congested(askedMono, clock.mono());
      return null;
    default:
      return assertNever(outcome);
  }
}

async function recordUnknown(dispatch: Dispatch, { run, sentSha256 }: Sent, last: string): Promise<void> {
  const resubmit = dispatch.limits().onUncertain === "resubmit";
  const retryAt = resubmit ? dispatch.clock.now() + uncertainWaitMs(dispatch.times) : null;
  await record(dispatch, run, { kind: "unknown", last, retryAt }, sentSha256);
}

async function accept(
  dispatch: Dispatch,
  sent: Sent,
  outcome: Extract<SubmitOutcome, { kind: "accepted" }>,
): Promise<SubmittedRun | null> {
  const { run, image } = sent;
  const applied = await record(dispatch, run, { kind: "accepted", uuid: outcome.uuid }, sent.sentSha256);
  if (applied !== null && applied.stage !== "SUBMITTED" && !applied.duplicate) {
    // Not the bytes that the row told of: a paid run whose result nobody asks for.
    dispatch.recheck(image.path);
    return null;
  }
  if (applied === null || applied.duplicate) {
    dispatch.trouble.unknownOutcome({
      reason: "unexpected-response",
      status: 200,
      what: "a run id that was given before",
    });
    return null;
  }
  dispatch.trouble.accepted();
  return { ...run, uuid: outcome.uuid, advice: outcome.advice, submittedMono: dispatch.clock.mono() };
}

/** Asks once for a new JWT in place of the refused one; the caller asks its question again. */
export async function renew(
  dispatch: Dispatch,
  deployment: Deployment,
  refused: { jwt: string; status: number },
): Promise<void> {
  if (!dispatch.trouble.unauthorized(deployment.url, refused)) return;
  const renewed = await deployment.auth.renew(refused.jwt);
  if (!renewed.ok) dispatch.trouble.failed(renewed.failure);
}
