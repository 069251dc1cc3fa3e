import type { ImageFailure } from "../../contract/failure.ts";
import type { OutputSummary } from "../../contract/outputs.ts";
import { revisionsOf } from "./batches.ts";
import type { Database } from "./database.ts";
import { addEvent } from "./events.ts";
import { imageById } from "./images.ts";
import type { StoredImage } from "./rows.ts";
import { reportRun, runById } from "./runs.ts";

/** Largest position of one answer: ids are `imageId * 1000 + position`. */
export const MOST_OUTPUTS = 1000;

export interface PackedOutput {
  taskName: string;
  taskIndex: number;
  outputIndex: number;
  type: string;
  encoding: "text" | "deflate";
  json: string | Uint8Array;
  summary: OutputSummary;
}

/** The bytes of the answer are safe on disk: from here on the result cannot be lost. */
export function receiveResult(
  db: Database,
  input: { runId: number; bodyBytes: number; bodySha256: Uint8Array; at: number },
): boolean {
  const applied = reportRun(db, { runId: input.runId, event: { kind: "received" }, at: input.at });
  const run = runById(db, input.runId);
  if (applied === null || run === null) return false;
  recordResult(db, { imageId: run.imageId, ...input });
  return true;
}

function recordResult(
  db: Database,
  input: { imageId: number; runId: number; bodyBytes: number; bodySha256: Uint8Array; at: number },
): void {
  db.sql(
    "INSERT OR REPLACE INTO results (imageId, runId, receivedAt, bodyBytes, bodySha256) VALUES (?, ?, ?, ?, ?)",
  ).run(input.imageId, input.runId, input.at, input.bodyBytes, Buffer.from(input.bodySha256));
}

export interface FinishInput {
  runId: number;
  outputs: readonly PackedOutput[];
  /** Names of the result files where they are not the usual ones. */
  files: readonly string[] | null;
  at: number;
}

/** What follows from a finished image: whose turn it is to share its result. */
export interface Finished {
  followers: number[];
}

/** Outputs are recorded and their files written: the image is done. null = it is no longer to be finished. */
export function finishImage(db: Database, input: FinishInput): Finished | null {
  const run = runById(db, input.runId);
  const image = run === null ? null : imageById(db, run.imageId);
  if (run === null || image === null) return null;
  if (reportRun(db, { runId: run.id, event: { kind: "done" }, at: input.at }) === null) return null;
  writeOutputs(db, image.id, input.outputs);
  setFiles(db, image.id, input.files);
  const finishedAt = run.finishedAt ?? input.at;
  const durationMs = run.submittedAt === null ? null : Math.max(0, finishedAt - run.submittedAt);
  writeSummary(
    db,
    image,
    input.outputs.map((o) => o.summary),
    durationMs,
  );
  const followers = db
    .sql("SELECT id FROM images WHERE leaderId = ? AND current = 1 AND stage IN ('FOLLOWING', 'FAILED')")
    .all(image.id) as { id: number }[];
  for (const { id } of followers) {
    db.sql(
      "UPDATE images SET stage = 'RECEIVED', reason = NULL, failureJson = NULL, updatedAt = ? WHERE id = ?",
    ).run(input.at, id);
  }
  return { followers: followers.map((f) => f.id) };
}

function setFiles(db: Database, imageId: number, files: readonly string[] | null): void {
  db.sql("UPDATE images SET filesJson = ? WHERE id = ?").run(
    files === null ? null : JSON.stringify(files),
    imageId,
  );
}

function writeOutputs(db: Database, imageId: number, outputs: readonly PackedOutput[]): void {
  db.sql("DELETE FROM outputs WHERE id >= ? AND id < ?").run(
    imageId * MOST_OUTPUTS,
    (imageId + 1) * MOST_OUTPUTS,
  );
  outputs.slice(0, MOST_OUTPUTS).forEach((output, position) => {
    db.sql(
      `INSERT INTO outputs (id, taskName, taskIndex, outputIndex, type, encoding, json, summaryJson) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(
      imageId * MOST_OUTPUTS + position,
      output.taskName,
      output.taskIndex,
      output.outputIndex,
      output.type,
      output.encoding,
      typeof output.json === "string" ? output.json : Buffer.from(output.json),
      JSON.stringify(output.summary),
    );
  });
}

function writeSummary(
  db: Database,
  image: StoredImage,
  summaries: readonly OutputSummary[],
  durationMs: number | null,
): void {
  const summary = summaries
    .map((s) => s.text)
    .filter((t) => t !== "")
    .join(" · ")
    .slice(0, 200);
  db.sql("UPDATE images SET summary = ?, durationMs = ? WHERE id = ?").run(summary, durationMs, image.id);
  db.sql("DELETE FROM labels WHERE imageId = ?").run(image.id);
  const labels = new Map<string, number>();
  for (const s of summaries) {
    for (const [label, n] of Object.entries(s.labels ?? {})) labels.set(label, (labels.get(label) ?? 0) + n);
  }
  for (const [label, objects] of [...labels].slice(0, 100)) {
    db.sql("INSERT OR REPLACE INTO labels (batchId, label, imageId, objects) VALUES (?, ?, ?, ?)").run(
      image.batchId,
      label.slice(0, 200),
      image.id,
      objects,
    );
  }
}

/** A follower has files of its own now: it is done with its leader's result. */
export function finishFollower(
  db: Database,
  input: { imageId: number; files: readonly string[] | null; at: number; picturesMissing: boolean },
): boolean {
  const image = imageById(db, input.imageId);
  if (image?.stage !== "RECEIVED" || image.leaderId === null) return false;
  const leader = imageById(db, image.leaderId);
  setFiles(db, image.id, input.files);
  db.sql(
    "UPDATE images SET stage = 'DONE', reason = NULL, failureJson = NULL, summary = ?, updatedAt = ? WHERE id = ?",
  ).run(leader?.summary ?? null, input.at, image.id);
  db.sql(
    "INSERT OR IGNORE INTO labels (batchId, label, imageId, objects) SELECT batchId, label, ?, objects FROM labels WHERE imageId = ?",
  ).run(image.id, image.leaderId);
  const about = { batchId: image.batchId, imageId: image.id };
  const detail = { with: leader?.path ?? "another file" };
  addEvent(db, input.at, { ...about, kind: "result-shared", detail });
  if (input.picturesMissing) addEvent(db, input.at, { ...about, kind: "pictures-missing", detail });
  return true;
}

export function failFollower(
  db: Database,
  input: { imageId: number; failure: ImageFailure; at: number },
): void {
  db.sql(
    "UPDATE images SET stage = 'FAILED', reason = ?, failureJson = ?, updatedAt = ? WHERE id = ? AND stage = 'RECEIVED'",
  ).run(input.failure.reason, JSON.stringify(input.failure), input.at, input.imageId);
}

/** What is known of an image whose result is safe and whose files are to be written. */
export interface ToFinish {
  image: StoredImage;
  /** Of the run that gave the result. */
  uuid: string | null;
  revisions: ReturnType<typeof revisionsOf>;
}

/** Null when the image does not wait for its files any more. */
export function toFinish(db: Database, input: { imageId: number; runId: number }): ToFinish | null {
  const image = imageById(db, input.imageId);
  if (image?.stage !== "RECEIVED") return null;
  return {
    image,
    uuid: runById(db, input.runId)?.uuid ?? null,
    revisions: revisionsOf(db, input.imageId),
  };
}

/** Images whose result is safe but whose files are still to be written. `runId` null = it shares its leader's result. */
export function receivedImages(
  db: Database,
  batchId: number,
): { image: StoredImage; runId: number | null }[] {
  const rows = db
    .sql(
      `SELECT * FROM images INDEXED BY imagesFlying WHERE batchId = ? AND stage IN ('SENDING', 'SUBMITTED', 'RECEIVING', 'RECEIVED')
       AND stage = 'RECEIVED' ORDER BY id LIMIT 1000`,
    )
    .all(batchId) as StoredImage[];
  return rows.map((image) => {
    const run = db
      .sql("SELECT id FROM runs WHERE imageId = ? AND state = 'RECEIVED' ORDER BY id DESC LIMIT 1")
      .get(image.id) as { id: number } | undefined;
    return { image, runId: run?.id ?? null };
  });
}

export interface StoredOutput {
  id: number;
  taskName: string;
  taskIndex: number;
  outputIndex: number;
  type: string;
  encoding: "text" | "deflate";
  json: string | Uint8Array;
  summaryJson: string;
}

/** The outputs of an image, or of its leader, in the order of the answer. */
export function outputsOf(db: Database, image: { id: number; leaderId: number | null }): StoredOutput[] {
  const owner = image.leaderId ?? image.id;
  return db
    .sql("SELECT * FROM outputs WHERE id >= ? AND id < ? ORDER BY id")
    .all(owner * MOST_OUTPUTS, (owner + 1) * MOST_OUTPUTS) as StoredOutput[];
}
