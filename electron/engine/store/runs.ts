import { describeFailure } from "../../contract/describe-failure.ts";
import { HARMLESS, step, type ImageStep, type RunEvent } from "../transitions.ts";
import type { Database } from "./database.ts";
import { addEvent } from "./events.ts";
import { imageById, promoteFollower } from "./images.ts";
import type { StoredImage, StoredRun } from "./rows.ts";

export function runById(db: Database, id: number): StoredRun | null {
  return (db.sql("SELECT * FROM runs WHERE id = ?").get(id) as StoredRun | undefined) ?? null;
}

/** Images that may be sent now, the longest due first, without suspects; the caller leaves out those it already holds. */
export function dueImages(
  db: Database,
  input: { batchId: number; at: number; limit: number },
): StoredImage[] {
  return db
    .sql(
      `SELECT * FROM images INDEXED BY imagesClaim
       WHERE batchId = ? AND current = 1 AND stage IN ('READY', 'UNCERTAIN') AND nextAt <= ? AND suspected < 2
       AND revisionId = (SELECT revisionId FROM batches WHERE id = ?) ORDER BY nextAt, id LIMIT ?`,
    )
    .all(input.batchId, input.at, input.batchId, input.limit) as StoredImage[];
}

/** When the next image becomes due, wall clock; null when none waits (held ones do not count). */
export function nextDueAt(db: Database, batchId: number): number | null {
  const row = db
    .sql(
      `SELECT nextAt FROM images INDEXED BY imagesClaim WHERE batchId = ? AND current = 1 AND stage IN ('READY', 'UNCERTAIN')
       AND nextAt < 9007199254740991 ORDER BY nextAt, id LIMIT 1`,
    )
    .get(batchId) as { nextAt: number } | undefined;
  return row?.nextAt ?? null;
}

/** No image waits longer than until this moment of the wall clock: one that was set back would let it wait for days. */
export function bringForward(db: Database, input: { batchId: number; notAfter: number }): void {
  db.sql(
    `UPDATE images SET nextAt = @notAfter
     WHERE batchId = @batchId AND current = 1 AND stage IN ('READY', 'UNCERTAIN')
     AND nextAt > @notAfter AND nextAt < 9007199254740991`,
  ).run(input);
}

/**
 * The wall clock was set, or the machine slept: what waits goes on waiting as long as it would have, and never longer
 * than `mostMs` from now, for it may have been told a time between the jump and its discovery.
 */
export function shiftDue(
  db: Database,
  input: { batchId: number; byMs: number; mostMs: number; at: number },
): number {
  return db
    .sql(
      `UPDATE images SET nextAt = min(max(0, nextAt + ?), ?), updatedAt = ? WHERE batchId = ? AND current = 1
       AND stage IN ('READY', 'UNCERTAIN') AND nextAt > 0 AND nextAt < 9007199254740991`,
    )
    .run(input.byMs, input.at + input.mostMs, input.at, input.batchId).changes;
}

export interface IntentInput {
  imageId: number;
  sessionId: number;
  workflowHash: string | null;
  /** No more runs than this in the batch's lifetime; null = no limit. */
  maxRuns: number | null;
  at: number;
  mono: number;
}

/**
 * Commits the intent to send, before anything leaves the machine. null = the image is no longer to be sent;
 * `runId` null = the limit of runs is reached.
 */
export function intendRun(db: Database, input: IntentInput): { runId: number | null } | null {
  const image = imageById(db, input.imageId);
  if (image?.current !== 1) return null;
  if (input.maxRuns !== null && runsMade(db, image.batchId) >= input.maxRuns) return { runId: null };
  const next = step(image, { kind: "intent" });
  if (next === null) return null;
  writeImage(db, image, next, input.at);
  const made = db
    .sql(
      `INSERT INTO runs (imageId, batchId, sessionId, state, intentAt, startMono, workflowHash) VALUES (?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(
      image.id,
      image.batchId,
      input.sessionId,
      next.run,
      input.at,
      Math.round(input.mono),
      input.workflowHash,
    );
  return { runId: Number(made.lastInsertRowid) };
}

/** Runs of the batch's lifetime; those that were cleanly refused do not count. */
function runsMade(db: Database, batchId: number): number {
  const row = db.sql("SELECT n FROM counters WHERE batchId = ? AND name = 'runs'").get(batchId) as
    { n: number } | undefined;
  return row?.n ?? 0;
}

function writeImage(db: Database, image: StoredImage, next: ImageStep, at: number): void {
  db.sql(
    `UPDATE images SET stage = ?, reason = ?, failureJson = ?, nextAt = ?, uncertain = ?, lost = ?, workflowErrors = ?, updatedAt = ?
     WHERE id = ?`,
  ).run(
    next.stage,
    next.failure?.reason ?? null,
    next.failure === null ? null : JSON.stringify(next.failure),
    next.nextAt,
    next.uncertain,
    next.lost,
    next.workflowErrors,
    at,
    image.id,
  );
}

export interface RunReport {
  runId: number;
  event: RunEvent;
  /** SHA-256 of the file as it was sent to its last byte. */
  sentSha256?: Uint8Array | null;
  at: number;
}

/** What became of the image. `duplicate`: the server gave a run id that it had given before. */
export interface RunApplied {
  stage: StoredImage["stage"];
  duplicate: boolean;
}

const ENDED: readonly StoredRun["state"][] = ["DONE", "REJECTED", "ORPHANED", "LOST", "FAILED"];

/** Records what happened to a run and moves its image on, in one transaction. null = it does not apply any more. */
export function reportRun(db: Database, report: RunReport): RunApplied | null {
  const { runId, sentSha256 = null, at } = report;
  const run = runById(db, runId);
  const image = run === null ? null : imageById(db, run.imageId);
  if (run === null || image === null || ENDED.includes(run.state)) return null;
  const event = whatHappened(image, report);
  if ("uuid" in event && isKnownUuid(db, event.uuid)) {
    const unknown: RunEvent = { kind: "unknown", last: "the run id was given before", retryAt: at };
    const applied = reportRun(db, { runId, event: unknown, at });
    return applied === null ? null : { ...applied, duplicate: true };
  }
  const next = step(image, event);
  if (next === null) return null;
  writeImage(db, image, next, at);
  if (image.sha256 === null && sentSha256 !== null)
    db.sql("UPDATE images SET sha256 = ? WHERE id = ?").run(Buffer.from(sentSha256), image.id);
  if (image.suspected > 0 && HARMLESS.includes(event.kind))
    db.sql("UPDATE images SET suspected = 0, crashes = 0 WHERE id = ?").run(image.id);
  writeRun(db, run, next, event, at);
  recordEvent(db, run, image, next, event, at);
  // Those who wait have the bytes that the row told of: other bytes are not their fate.
  if (next.stage === "SEEN" || event.kind === "sent-other-bytes") promoteFollower(db, image.id, at);
  else if (next.stage === "FAILED") shareFailure(db, image.id, at);
  return { stage: next.stage, duplicate: false };
}

/** Size and time of the file may agree and its bytes still be others than those that the row told of. */
function whatHappened(image: StoredImage, { event, sentSha256 = null }: RunReport): RunEvent {
  const isOther =
    event.kind === "accepted" &&
    sentSha256 !== null &&
    image.sha256 !== null &&
    Buffer.compare(image.sha256, sentSha256) !== 0;
  return isOther ? { kind: "sent-other-bytes", uuid: event.uuid } : event;
}

function isKnownUuid(db: Database, uuid: string): boolean {
  return db.sql("SELECT 1 FROM runs WHERE uuid = ?").get(uuid) !== undefined;
}

function writeRun(db: Database, run: StoredRun, next: ImageStep, event: RunEvent, at: number): void {
  const ended = ENDED.includes(next.run);
  const suspect = event.kind === "doubt" ? Math.max(run.suspect, event.level) : run.suspect;
  const note = event.kind === "not-accepted" ? event.note : event.kind === "unknown" ? event.last : run.note;
  const failure = "failure" in event ? event.failure : next.failure;
  db.sql(
    `UPDATE runs SET state = ?, uuid = ?, submittedAt = ?, finishedAt = ?, suspect = ?, note = ?, failureJson = ? WHERE id = ?`,
  ).run(
    next.run,
    "uuid" in event ? event.uuid : run.uuid,
    "uuid" in event ? at : run.submittedAt,
    ended || event.kind === "received" ? (run.finishedAt ?? at) : run.finishedAt,
    suspect,
    note,
    failure === null ? null : JSON.stringify(failure),
    run.id,
  );
}

function recordEvent(
  db: Database,
  run: StoredRun,
  image: StoredImage,
  next: ImageStep,
  event: RunEvent,
  at: number,
): void {
  const about = { batchId: run.batchId, imageId: run.imageId, runId: run.id };
  if (event.kind === "unknown") {
    const kind = event.retryAt === null ? "outcome-held" : "sent-again";
    addEvent(db, at, { ...about, kind, detail: { last: event.last } });
  } else if (event.kind === "lost") {
    addEvent(db, at, { ...about, kind: "result-lost", detail: { waitedMs: event.waitedMs } });
  } else if (event.kind === "workflow-error") {
    addEvent(db, at, { ...about, kind: "workflow-failed", detail: { message: event.message } });
  } else if (event.kind === "file-changed") {
    addEvent(db, at, { ...about, kind: "changed-before-sending", detail: {} });
  } else if (event.kind === "sent-other-bytes") {
    addEvent(db, at, { ...about, kind: "sent-other-bytes", detail: {} });
  }
  if (next.stage === "FAILED" && next.failure !== null && image.stage !== "FAILED") {
    addEvent(db, at, { ...about, kind: "gave-up", detail: { sentence: describeFailure(next.failure).what } });
  }
}

/** Those who wait for a failed leader fail with it. */
export function shareFailure(db: Database, leaderId: number, at: number): void {
  db.sql(
    `UPDATE images SET stage = 'FAILED', reason = l.reason, failureJson = l.failureJson, updatedAt = @at
     FROM (SELECT reason, failureJson FROM images WHERE id = @leaderId) AS l
     WHERE leaderId = @leaderId AND current = 1 AND stage = 'FOLLOWING'`,
  ).run({ at, leaderId });
}

/** A run that is still to be followed up, with its image. */
export interface OpenRun extends StoredRun {
  image: StoredImage;
}

/** Runs of a batch that have not ended, the oldest first. */
export function openRuns(db: Database, batchId: number): OpenRun[] {
  const runs = db
    .sql(
      `SELECT * FROM runs INDEXED BY runsOpen WHERE batchId = ? AND state IN ('INTENT', 'SUBMITTED', 'RECEIVING', 'RECEIVED') ORDER BY id`,
    )
    .all(batchId) as StoredRun[];
  return runs.flatMap((run) => {
    const image = imageById(db, run.imageId);
    return image === null ? [] : [{ ...run, image }];
  });
}

/** The last starts of a batch, for the rate: every PUT is one. `startMono` null = of another boot of the machine. */
export function lastStarts(
  db: Database,
  input: { batchId: number; bootId: string; limit: number },
): { startMono: number | null; intentAt: number }[] {
  return db
    .sql(
      `SELECT iif(s.bootId = ?, r.startMono, NULL) AS startMono, r.intentAt FROM runs r INDEXED BY runsBatch JOIN sessions s ON s.id = r.sessionId
       WHERE r.batchId = ? ORDER BY r.id DESC LIMIT ?`,
    )
    .all(input.bootId, input.batchId, input.limit) as { startMono: number | null; intentAt: number }[];
}

/** Run times in milliseconds of the last finished runs of a batch, the newest first. */
export function recentRunTimes(db: Database, input: { batchId: number; limit: number }): number[] {
  return (
    db
      .sql(
        `SELECT finishedAt - submittedAt AS ms FROM runs INDEXED BY runsFinished WHERE batchId = ? AND state = 'DONE'
         AND submittedAt IS NOT NULL ORDER BY finishedAt DESC LIMIT ?`,
      )
      .all(input.batchId, input.limit) as { ms: number }[]
  ).map((row) => Math.max(0, row.ms));
}
