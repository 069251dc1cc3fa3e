import type { ImageStage } from "../../contract/image.ts";
import { isInFlight } from "../transitions.ts";
import { alikeRows, sameContent, supersededAt } from "./content.ts";
import type { Database } from "./database.ts";
import { currentRevision, imageById, isSame, retire, type SeenFile } from "./images.ts";
import type { StoredImage } from "./rows.ts";

export interface SettleInput {
  imageId: number;
  file: SeenFile;
  /** `fingerprintOf` the file. */
  fingerprint: number;
  /** null = not read in full, which is not needed where nothing looks like it. */
  sha256: Uint8Array | null;
  width: number;
  height: number;
  dedupe: boolean;
  at: number;
}

/** What became of a settled file. */
export interface SettleOutcome {
  /** null = the row is not to be settled any more. */
  stage: ImageStage | null;
  /** Without dedupe only: if that path is gone, call `takeOver`. */
  candidate: { imageId: number; path: string } | null;
  /** Nothing was decided, for other files look like this one: read these, which were not, and this one; then call again. */
  unread: StoredImage[] | null;
}

/**
 * A finished file: it is ready, or it is one that is known already under this revision.
 * Same bytes at the same path (touch): the retired row comes back. Same bytes elsewhere: its result or its fate is shared.
 */
export function settleFile(db: Database, input: SettleInput): SettleOutcome {
  const row = imageById(db, input.imageId);
  if (row?.current !== 1 || row.stage !== "SEEN" || !isSame(row, input.file)) return outcome(null);
  if (input.sha256 === null) {
    const alike = alikeRows(db, row, input.fingerprint);
    const moved = alike.filter((other) => isMovedUnread(other, row));
    for (const other of moved) retire(db, other, "renamed", input.at);
    const others = alike.filter((other) => !moved.includes(other));
    if (others.length > 0) return { ...outcome("SEEN"), unread: others.filter(isUnread) };
  }
  db.sql(
    "UPDATE images SET fingerprint = ?, sha256 = ?, width = ?, height = ?, suspected = 0, crashes = 0, updatedAt = ? WHERE id = ?",
  ).run(input.fingerprint, input.sha256, input.width, input.height, input.at, row.id);
  if (input.sha256 === null) return outcome(makeReady(db, row.id, input.at));
  return settleContent(db, row, Buffer.from(input.sha256), input);
}

function outcome(stage: ImageStage | null): SettleOutcome {
  return { stage, candidate: null, unread: null };
}

function isUnread(other: StoredImage): boolean {
  return other.current === 1 && other.sha256 === null;
}

/** What is known of these bytes decides. */
function settleContent(db: Database, row: StoredImage, sha: Buffer, input: SettleInput): SettleOutcome {
  const touched = supersededAt(db, row, sha);
  if (touched !== undefined && hasFilesInPlace(db, touched))
    return outcome(reinstate(db, touched, row, input.at));
  const known = sameContent(db, row, sha);
  forgetMissing(db, known, input.at);
  const source = chooseSource(known, input.dedupe);
  if (source !== null) return outcome(share(db, row.id, source, input.at));
  const other = input.dedupe ? undefined : known.find((k) => k.current === 1 && k.stage !== "MISSING");
  if (other === undefined) return outcome(makeReady(db, row.id, input.at));
  return { ...outcome("SEEN"), candidate: { imageId: other.id, path: other.path } };
}

/** No other content of this path was finished since: the result files there are still those of this row. */
function hasFilesInPlace(db: Database, row: StoredImage): boolean {
  if (row.stage !== "DONE") return true;
  const last = db
    .sql(
      "SELECT max(id) AS id FROM images INDEXED BY imagesEarlier WHERE batchId = ? AND path = ? AND current = 0 AND stage = 'DONE'",
    )
    .get(row.batchId, row.path) as { id: number | null };
  return last.id === row.id;
}

/** A file that vanished before anyone read it, and is back under another name with the time that it had. */
function isMovedUnread(other: StoredImage, row: StoredImage): boolean {
  return isUnread(other) && other.stage === "MISSING" && other.mtimeUs === row.mtimeUs;
}

/** A row that was waiting under another name and vanished has been renamed, not lost. */
function forgetMissing(db: Database, known: readonly StoredImage[], at: number): void {
  for (const k of known) if (k.current === 1 && k.stage === "MISSING") retire(db, k, "renamed", at);
}

/** Whose result or fate is shared: a finished one first, then one on its way, then a failed one. */
function chooseSource(known: readonly StoredImage[], dedupe: boolean): StoredImage | null {
  const usable = known.filter((k) => k.current === 0 || dedupe);
  const by = (want: (k: StoredImage) => boolean): StoredImage | undefined => usable.find(want);
  return (
    by((k) => k.stage === "DONE") ??
    by((k) => k.current === 1 && (isInFlight(k.stage) || k.stage === "READY" || k.stage === "UNCERTAIN")) ??
    by((k) => k.current === 1 && k.stage === "FOLLOWING") ??
    by((k) => k.stage === "FAILED") ??
    null
  );
}

function makeReady(db: Database, imageId: number, at: number): ImageStage {
  db.sql("UPDATE images SET stage = 'READY', nextAt = 0, updatedAt = ? WHERE id = ?").run(at, imageId);
  return "READY";
}

function share(db: Database, imageId: number, source: StoredImage, at: number): ImageStage {
  const leaderId = source.leaderId ?? source.id;
  const stage: ImageStage =
    source.stage === "DONE" ? "RECEIVED" : source.stage === "FAILED" ? "FAILED" : "FOLLOWING";
  db.sql(
    "UPDATE images SET stage = ?, leaderId = ?, reason = ?, failureJson = ?, updatedAt = ? WHERE id = ?",
  ).run(
    stage,
    leaderId,
    stage === "FAILED" ? source.reason : null,
    stage === "FAILED" ? source.failureJson : null,
    at,
    imageId,
  );
  return stage;
}

/** Without dedupe: the path of `fromId` turned out to be gone, so `imageId` is that file under a new name. */
export function takeOver(
  db: Database,
  input: { imageId: number; fromId: number | null; at: number },
): ImageStage | null {
  const row = imageById(db, input.imageId);
  if (row?.current !== 1 || row.stage !== "SEEN") return null;
  const from = input.fromId === null ? null : imageById(db, input.fromId);
  if (from === null) return makeReady(db, row.id, input.at);
  if (from.current === 1 && !isInFlight(from.stage)) retire(db, from, "renamed", input.at);
  if (from.stage === "DONE" || from.stage === "FAILED" || isInFlight(from.stage))
    return share(db, row.id, from, input.at);
  return makeReady(db, row.id, input.at);
}

/** The same bytes are back at the same path: the retired row returns with its state, and the new one never was. */
function reinstate(db: Database, old: StoredImage, fresh: StoredImage, at: number): ImageStage {
  db.sql("DELETE FROM images WHERE id = ?").run(fresh.id);
  const waits = old.stage === "FOLLOWING" || old.stage === "MISSING";
  const stage: ImageStage = waits ? "READY" : old.stage;
  db.sql(
    `UPDATE images SET current = 1, history = NULL, stage = @stage, leaderId = iif(@waits, NULL, leaderId),
     reason = iif(@waits, NULL, reason), failureJson = iif(@waits, NULL, failureJson),
     bytes = @bytes, mtimeUs = @mtimeUs, fileId = @fileId, seenMono = @seenMono, updatedAt = @at WHERE id = @id`,
  ).run({
    stage,
    waits: waits ? 1 : 0,
    bytes: fresh.bytes,
    mtimeUs: fresh.mtimeUs,
    fileId: fresh.fileId,
    seenMono: fresh.seenMono,
    at,
    id: old.id,
  });
  return stage;
}

/**
 * After a change of what decides a result: up to `limit` resting rows of another revision become history and their files
 * are ready under the new one; fewer than `limit` = none is left. `waiting` ones are in flight and finish first.
 */
export function reviseImages(
  db: Database,
  input: { batchId: number; limit: number; dedupe: boolean; at: number },
): { revised: number; waiting: number } {
  const revisionId = currentRevision(db, input.batchId);
  const rows = (["<", ">"] as const).flatMap(
    (side) =>
      db
        .sql(
          `SELECT * FROM images INDEXED BY imagesRevision WHERE batchId = ? AND current = 1 AND revisionId ${side} ?
           AND stage NOT IN ('SENDING', 'SUBMITTED', 'RECEIVING', 'RECEIVED') ORDER BY revisionId, id LIMIT ?`,
        )
        .all(input.batchId, revisionId, input.limit) as StoredImage[],
  );
  const page = rows.slice(0, input.limit);
  for (const row of page) reviseOne(db, row, revisionId, input);
  return { revised: page.length, waiting: flyingOfOthers(db, input.batchId, revisionId) };
}

/** How many rows of another revision are in flight. */
function flyingOfOthers(db: Database, batchId: number, revisionId: number): number {
  const row = db
    .sql(
      `SELECT count(*) AS n FROM images INDEXED BY imagesFlying WHERE batchId = ? AND stage IN ('SENDING', 'SUBMITTED', 'RECEIVING', 'RECEIVED')
       AND current = 1 AND revisionId <> ?`,
    )
    .get(batchId, revisionId) as { n: number };
  return row.n;
}

function reviseOne(
  db: Database,
  row: StoredImage,
  revisionId: number,
  { dedupe, at }: { dedupe: boolean; at: number },
): void {
  const isUnsettled = row.stage === "SEEN" || row.stage === "SKIPPED" || row.stage === "MISSING";
  const unsent = isUnsettled || row.fingerprint === null || (row.stage === "READY" && row.sha256 === null);
  if (unsent) {
    db.sql("UPDATE images SET revisionId = ? WHERE id = ?").run(revisionId, row.id);
    return;
  }
  db.sql("UPDATE images SET current = 0, history = 'revised', updatedAt = ? WHERE id = ?").run(at, row.id);
  const made = db
    .sql(
      `INSERT INTO images (batchId, revisionId, path, stage, bytes, mtimeUs, fileId, seenMono, updatedAt)
       SELECT batchId, ?, path, 'SEEN', bytes, mtimeUs, fileId, seenMono, ? FROM images WHERE id = ?`,
    )
    .run(revisionId, at, row.id);
  // Refused before it was read to its end: it is looked at anew.
  if (row.sha256 === null) return;
  settleFile(db, {
    imageId: Number(made.lastInsertRowid),
    file: { path: row.path, bytes: row.bytes, mtimeUs: row.mtimeUs, fileId: row.fileId, failure: null },
    fingerprint: row.fingerprint ?? -row.bytes,
    sha256: row.sha256,
    width: row.width ?? 0,
    height: row.height ?? 0,
    dedupe,
    at,
  });
}
