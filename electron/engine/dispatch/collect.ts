import type { SetupFailure } from "../../contract/failure.ts";
import { assertNever } from "../../contract/result.ts";
import type { Deployment } from "../deployment/client.ts";
import { ResultTooLarge, type CollectOutcome, type ResultSink } from "../deployment/outcome.ts";
import { nextPollDelayMs } from "../deployment/poll.ts";
import { backoffMs } from "../deployment/retry.ts";
import type { Advice } from "../deployment/wire.ts";
import { SpoolFull, type SpoolWriter } from "../results/spool.ts";
import type { ToFinish } from "../store/results.ts";
import { record, type Dispatch } from "./context.ts";
import { deadlineMs, lostAfterMs } from "./run-times.ts";
import { renew } from "./submit.ts";

/** A run whose result is to be fetched. `suspect`: it may (1) or must (2) have been consumed on the way. */
export interface RunToCollect {
  runId: number;
  imageId: number;
  uuid: string;
  advice: Advice | null;
  suspect: number;
  /** How old it was when it was taken up, as far as that can be told; milliseconds. */
  ageMs: number;
}

/** Polls after a doubt: three times "not yet" and the result is not coming. */
const POLLS_AFTER_DOUBT = 3;
const LONGEST_DOUBT_POLL_MS = 10_000;
/** A timer that is so much too late stood still with its machine. */
const SLEPT_MS = 30_000;
/** Over so long the questions of runs that were waited for meanwhile are spread. */
const SPREAD_MS = 30_000;
/** A poll that the deployment does not understand is repeated slowly. */
const PROTOCOL_PAUSE_MS = 30_000;
const LONGEST_BUSY_EXPONENT = 3;

/** `received`: the bytes are safe, and this is what writing the outputs needs (null = it is not to be finished). */
type Ending = { received: ToFinish | null } | "ended" | "stopped";

interface Polling {
  run: RunToCollect;
  deployment: Deployment;
  polls: number;
  advice: Advice | null;
  suspect: number;
  /** "Not yet" since the last doubt. */
  pendingSinceDoubt: number;
  busyInARow: number;
  /** Time that counts against the deadline: not while a gate was closed. */
  waitedMs: number;
  lastMono: number;
  /** When the run was submitted, as far as that can be told. */
  submittedMono: number;
}

/**
 * Asks for the result of one run until it is stored, lost or failed; one question at a time, and none while the way
 * there is closed or the disk is full.
 */
export async function collectRun(
  dispatch: Dispatch,
  deployment: Deployment,
  run: RunToCollect,
): Promise<Ending> {
  const polling: Polling = {
    run,
    deployment,
    polls: 0,
    advice: run.advice,
    suspect: run.suspect,
    pendingSinceDoubt: 0,
    busyInARow: 0,
    waitedMs: 0,
    lastMono: dispatch.clock.mono(),
    submittedMono: dispatch.clock.mono() - run.ageMs,
  };
  for (;;) {
    await waitForTurn(dispatch, polling);
    if (dispatch.stopped.aborted) return "stopped";
    const writer: { current: SpoolWriter | null } = { current: null };
    const outcome = await deployment.collect(run.uuid, {
      long: polling.advice?.long === true,
      onHead: (head) => {
        learn(dispatch, polling);
        return openSink(dispatch, run, writer, head.contentLength);
      },
    });
    polling.polls++;
    const ending = await settle(dispatch, polling, outcome, writer.current);
    if (ending !== null) return ending;
  }
}

/**
 * What is typical decides when others are asked about, so it is taken from the monotonic clock and ends with the head of
 * the result: a slow disk behind it would make runs look longer, each first look later, and that the next ones longer still.
 */
function learn({ clock, times }: Dispatch, { run, submittedMono }: Polling): void {
  if (run.ageMs === 0) times.add(clock.mono() - submittedMono);
}

/** Waits as advised; the time that a gate was closed or the machine slept does not count against the deadline. */
async function waitForTurn(dispatch: Dispatch, polling: Polling): Promise<void> {
  const { clock, gates, stopped } = dispatch;
  const delay = pollDelay(dispatch, polling);
  await clock.sleep(delay, stopped);
  const slept = clock.mono() - polling.lastMono;
  polling.waitedMs += Math.min(slept, 2 * delay + 120_000);
  // After a sleep all timers are overdue at once: the questions are spread again.
  if (slept > delay + SLEPT_MS) await clock.sleep(dispatch.random() * SPREAD_MS, stopped);
  for (;;) {
    await gates.untilCollecting(stopped);
    if (stopped.aborted) return;
    const lack = await dispatch.disk.lack(0);
    if (lack === null) break;
    gates.close("disk-low", lack);
  }
  polling.lastMono = clock.mono();
}

function pollDelay(dispatch: Dispatch, polling: Polling): number {
  // A run that was taken up later has spent its typical time already.
  const medianMs = polling.run.ageMs > 0 ? null : dispatch.times.recentMedian();
  const { polls, advice } = polling;
  const usual = nextPollDelayMs({ polls, advice, random: dispatch.random, medianMs });
  return polling.suspect > 0 ? Math.min(usual, LONGEST_DOUBT_POLL_MS) : usual;
}

/** The head of a result is there: recorded before its body is read, then the body goes straight to disk. */
async function openSink(
  dispatch: Dispatch,
  run: RunToCollect,
  writer: { current: SpoolWriter | null },
  contentLength: number | null,
): Promise<ResultSink> {
  await record(dispatch, run, { kind: "head" });
  const lack = contentLength === null ? null : await dispatch.disk.lack(contentLength);
  if (lack !== null) dispatch.gates.close("disk-low", lack);
  const opened = await dispatch.spool.create(run.runId);
  writer.current = opened;
  return {
    async write(chunk) {
      try {
        await opened.write(chunk);
      } catch (error) {
        throw error instanceof SpoolFull ? new ResultTooLarge(error.maxBytes) : error;
      }
    },
  };
}

async function settle(
  dispatch: Dispatch,
  polling: Polling,
  outcome: CollectOutcome,
  writer: SpoolWriter | null,
): Promise<Ending | null> {
  const { trouble, clock } = dispatch;
  if (outcome.kind !== "busy") polling.busyInARow = 0;
  if (outcome.kind !== "received") await writer?.abandon();
  switch (outcome.kind) {
    case "pending":
      trouble.answered();
      polling.advice = outcome.advice;
      return afterPending(dispatch, polling);
    case "received":
      trouble.answered();
      return store(dispatch, polling, writer);
    case "cut":
      return doubt(dispatch, polling, 2);
    case "sink":
      dispatch.gates.close("disk-low", (await dispatch.disk.lack(0)) ?? diskTrouble(dispatch));
      return doubt(dispatch, polling, 2);
    case "workflow-error":
      return workflowError(dispatch, polling, outcome);
    case "unauthorized":
      await renew(dispatch, polling.deployment, outcome);
      return null;
    case "busy":
      await waitWhileBusy(dispatch, polling, outcome);
      return null;
    case "unreachable":
      trouble.failed(outcome.failure);
      return null;
    case "doubtful":
      trouble.failed(outcome.failure);
      return doubt(dispatch, polling, 1);
    case "gone":
      return doubt(dispatch, polling, 2);
    case "protocol":
      trouble.failed(outcome.failure);
      await clock.sleep(PROTOCOL_PAUSE_MS, dispatch.stopped);
      return afterPending(dispatch, polling);
    default:
      return assertNever(outcome);
  }
}

/** The disk refuses what it was just said to have room for. */
function diskTrouble(dispatch: Dispatch): SetupFailure {
  return {
    reason: "disk-low",
    folder: dispatch.settings().results.resultsFolder,
    freeBytes: 0,
    neededBytes: 1,
  };
}

/** 429 waits as told; 503 is the deployment's own trouble and closes the way for all. */
async function waitWhileBusy(
  dispatch: Dispatch,
  polling: Polling,
  outcome: Extract<CollectOutcome, { kind: "busy" }>,
): Promise<void> {
  const { clock, random, window, trouble, stopped } = dispatch;
  window.congested(polling.lastMono, clock.mono());
  if (outcome.failure.reason === "busy" && outcome.failure.status === 503) trouble.failed(outcome.failure);
  const exponent = Math.min(polling.busyInARow++, LONGEST_BUSY_EXPONENT);
  await clock.sleep(outcome.retryAfterMs ?? backoffMs(exponent, random), stopped);
  polling.lastMono = clock.mono();
}

async function store(
  dispatch: Dispatch,
  polling: Polling,
  writer: SpoolWriter | null,
): Promise<Ending | null> {
  if (writer === null) throw new Error("Internal error: a result was received without a place on disk");
  const { run } = polling;
  let answer: { bytes: number; sha256: Buffer };
  try {
    answer = await writer.commit();
  } catch {
    // Not fsynced means not stored: the disk is full or broken.
    dispatch.gates.close("disk-low", diskTrouble(dispatch));
    return doubt(dispatch, polling, 2);
  }
  const { runId, imageId } = run;
  const received = { runId, bodyBytes: answer.bytes, bodySha256: answer.sha256, at: dispatch.clock.now() };
  // Asked in the same moment, the two go to the store together.
  const [, toFinish] = await Promise.all([
    dispatch.store.call("receiveResult", received),
    dispatch.store.call("toFinish", { imageId, runId }),
  ]);
  dispatch.onImage(imageId);
  return { received: toFinish };
}

async function doubt(dispatch: Dispatch, polling: Polling, level: 1 | 2): Promise<Ending | null> {
  polling.suspect = Math.max(polling.suspect, level);
  polling.pendingSinceDoubt = 0;
  await record(dispatch, polling.run, { kind: "doubt", level });
  return null;
}

async function afterPending(dispatch: Dispatch, polling: Polling): Promise<Ending | null> {
  const { times, limits } = dispatch;
  if (polling.suspect > 0) {
    polling.pendingSinceDoubt++;
    const surely = polling.suspect === 2 || polling.run.ageMs + polling.waitedMs > lostAfterMs(times);
    if (surely && polling.pendingSinceDoubt >= POLLS_AFTER_DOUBT) return lose(dispatch, polling, null);
  }
  if (polling.waitedMs > deadlineMs(times, limits().runTimeoutMs))
    return lose(dispatch, polling, polling.waitedMs);
  return null;
}

async function lose(dispatch: Dispatch, polling: Polling, waitedMs: number | null): Promise<Ending> {
  const waited = waitedMs === null ? null : Math.round(waitedMs);
  await record(dispatch, polling.run, { kind: "lost", waitedMs: waited, retryAt: dispatch.clock.now() });
  dispatch.trouble.lost(polling.submittedMono);
  return "ended";
}

async function workflowError(
  dispatch: Dispatch,
  polling: Polling,
  outcome: Extract<CollectOutcome, { kind: "workflow-error" }>,
): Promise<Ending> {
  const { trouble, clock, random } = dispatch;
  trouble.answered();
  const { status, message } = outcome;
  trouble.runFailed({ reason: "workflow-error", status, message });
  const retryAt = clock.now() + backoffMs(0, random);
  await record(dispatch, polling.run, { kind: "workflow-error", status, message, retryAt });
  return "ended";
}
