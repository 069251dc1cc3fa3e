import type { ResultDecision } from "../../contract/batch.ts";
import type { DeploymentFailure, Failure } from "../../contract/failure.ts";
import { fail, succeed, type Result } from "../../contract/result.ts";
import { assertNever } from "../../contract/result.ts";
import type { Clock } from "../clock.ts";
import { createSubmitBody } from "../deployment/body.ts";
import type { Deployment } from "../deployment/client.ts";
import { ResultTooLarge, type CollectOutcome, type SubmitOutcome } from "../deployment/outcome.ts";
import { nextPollDelayMs } from "../deployment/poll.ts";
import { backoffMs } from "../deployment/retry.ts";
import type { Advice } from "../deployment/wire.ts";
import type { OpenImage } from "../intake/open.ts";

export interface RunOnce {
  deployment: Deployment;
  file: OpenImage;
  decision: ResultDecision;
  clock: Clock;
  /** [0, 1) */
  random: () => number;
  signal: AbortSignal;
}

/** How long a person waits for one image. */
const LONGEST_RUN_MS = 15 * 60_000;
const MOST_BYTES = 256_000_000;
const MOST_TROUBLES = 5;
const LONGEST_PAUSE_MS = 30_000;

/**
 * One run of one image outside the ledger, from its submission to the bytes of its answer, all in memory.
 * A person is waiting: small troubles are waited out, what is doubtful ends it.
 */
export async function runOnce(run: RunOnce): Promise<Result<{ runId: string; body: Uint8Array }>> {
  const accepted = await submit(run);
  return accepted.ok ? collect(run, accepted.value.uuid, accepted.value.advice) : accepted;
}

type Accepted = Extract<SubmitOutcome, { kind: "accepted" }>;

async function submit(run: RunOnce): Promise<Result<Accepted>> {
  const { deployment, file, decision, signal } = run;
  for (let troubles = 0; ; troubles += 1) {
    const body = createSubmitBody({
      handle: file.handle,
      bytes: file.observation.bytes,
      stamp: file.stamp,
      decision,
    });
    const outcome = await deployment.submit(body, { signal });
    if (outcome.kind === "accepted") {
      body.release();
      return succeed(outcome);
    }
    const failure = await afterSubmit(run, outcome, troubles);
    if (failure !== null) return fail(failure);
  }
}

/** null = send it once more. */
async function afterSubmit(
  run: RunOnce,
  outcome: Exclude<SubmitOutcome, Accepted>,
  troubles: number,
): Promise<Failure | null> {
  switch (outcome.kind) {
    case "unauthorized":
      return renew(run, outcome, troubles);
    case "busy":
      return pause(run, outcome.failure, outcome.retryAfterMs, troubles);
    case "unknown":
      return { reason: "outcome-unknown", times: 1, last: outcome.last };
    case "refused":
    case "not-sent":
    case "file":
      return outcome.failure;
    default:
      return assertNever(outcome);
  }
}

async function renew(
  { deployment }: RunOnce,
  refused: { jwt: string; status: number },
  troubles: number,
): Promise<Failure | null> {
  if (troubles > 0) return { reason: "sign-in-refused", deployment: deployment.url, status: refused.status };
  const renewed = await deployment.auth.renew(refused.jwt);
  return renewed.ok ? null : renewed.failure;
}

async function pause(
  run: RunOnce,
  failure: DeploymentFailure,
  wantedMs: number | null,
  troubles: number,
): Promise<Failure | null> {
  if (troubles >= MOST_TROUBLES || run.signal.aborted) return failure;
  const ms = wantedMs ?? backoffMs(Math.min(troubles, 3), run.random);
  await run.clock.sleep(Math.min(LONGEST_PAUSE_MS, ms), run.signal);
  return null;
}

async function collect(
  run: RunOnce,
  uuid: string,
  first: Advice,
): Promise<Result<{ runId: string; body: Uint8Array }>> {
  const { deployment, clock, random, signal } = run;
  const startedMono = clock.mono();
  let advice = first;
  for (let polls = 0, troubles = 0; ; polls += 1) {
    await clock.sleep(nextPollDelayMs({ polls, advice, random }), signal);
    const waitedMs = Math.round(clock.mono() - startedMono);
    if (signal.aborted || waitedMs > LONGEST_RUN_MS) return fail({ reason: "run-timeout", waitedMs });
    const chunks: Uint8Array[] = [];
    const outcome = await deployment.collect(uuid, {
      long: advice.long,
      onHead: async () => sinkInto(chunks),
    });
    if (outcome.kind === "received") return succeed({ runId: uuid, body: Buffer.concat(chunks) });
    if (outcome.kind === "pending") advice = outcome.advice;
    else {
      const failure = await afterCollect(run, outcome, troubles++);
      if (failure !== null) return fail(failure);
    }
  }
}

type CollectTrouble = Exclude<CollectOutcome, { kind: "received" } | { kind: "pending" }>;

/** null = ask once more. */
async function afterCollect(
  run: RunOnce,
  outcome: CollectTrouble,
  troubles: number,
): Promise<Failure | null> {
  switch (outcome.kind) {
    case "unauthorized":
      return renew(run, outcome, troubles);
    case "busy":
      return pause(run, outcome.failure, outcome.retryAfterMs, troubles);
    case "unreachable":
      return pause(run, outcome.failure, null, troubles);
    case "doubtful":
    case "protocol":
      return outcome.failure;
    case "workflow-error":
      return { reason: "workflow-error", status: outcome.status, message: outcome.message };
    case "cut":
    case "gone":
      return { reason: "result-lost", times: 1 };
    case "sink":
      return { reason: "unexpected-result", what: "it is larger than a trial takes", rawFile: null };
    default:
      return assertNever(outcome);
  }
}

function sinkInto(chunks: Uint8Array[]): { write(chunk: Uint8Array): Promise<void> } {
  let bytes = 0;
  return {
    async write(chunk) {
      bytes += chunk.byteLength;
      if (bytes > MOST_BYTES) throw new ResultTooLarge(MOST_BYTES);
      // The chunk's memory is the connection's and is used again.
      chunks.push(Uint8Array.from(chunk));
    },
  };
}
