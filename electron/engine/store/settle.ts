import type { ImageStage } from "../../contract/image.ts";
import { isInFlight } from "../transitions.ts";
import type { Database } from "./database.ts";
import { currentRevision, imageById, isSame, retire, type SeenFile } from "./images.ts";
import type { StoredImage } from "./rows.ts";

export interface SettleInput {
  imageId: number;
  file: SeenFile;
  sha256: Uint8Array;
  width: number;
  height: number;
  dedupe: boolean;
  at: number;
}

/** What became of a settled file. `candidate` (without dedupe only): if that path is gone, call `takeOver`. */
export interface SettleOutcome {
  stage: ImageStage | null;
  candidate: { imageId: number; path: string } | null;
}

/**
 * A finished file with known bytes: it is ready, or it is one that is known already under this revision.
 * Same bytes at the same path (touch): the retired row comes back. Same bytes elsewhere: its result or its fate is shared.
 */
export function settleFile(db: Database, input: SettleInput): SettleOutcome {
  const row = imageById(db, input.imageId);
  if (row?.current !== 1 || row.stage !== "SEEN" || !isSame(row, input.file))
    return { stage: null, candidate: null };
  const sha = Buffer.from(input.sha256);
  db.sql(
    "UPDATE images SET sha256 = ?, width = ?, height = ?, suspected = 0, crashes = 0, updatedAt = ? WHERE id = ?",
  ).run(sha, input.width, input.height, input.at, row.id);
  const touched = supersededAt(db, row, sha);
  if (touched !== undefined && hasFilesInPlace(db, touched))
    return { stage: reinstate(db, touched, row, input.at), candidate: null };
  const known = sameContent(db, row, sha);
  forgetMissing(db, known, input.at);
  const source = chooseSource(known, input.dedupe);
  if (source === null) {
    const other = input.dedupe ? undefined : known.find((k) => k.current === 1 && k.stage !== "MISSING");
    if (other !== undefined) return { stage: "SEEN", candidate: { imageId: other.id, path: other.path } };
    return { stage: makeReady(db, row.id, input.at), candidate: null };
  }
  return { stage: share(db, row.id, source, input.at), candidate: null };
}

/** So many rows of equal bytes are looked at: a folder may hold a hundred thousand black frames. */
const MOST_EQUAL = 20;

/**
 * Known rows with these bytes under this revision, in the order of their ids: the first current ones, the first of
 * history, and those whose result they share, because a leader that is done comes before all who wait for it.
 */
function sameContent(db: Database, row: StoredImage, sha: Buffer): StoredImage[] {
  const firstOf = (current: 0 | 1): StoredImage[] =>
    db
      .sql(
        "SELECT * FROM images INDEXED BY imagesContent WHERE batchId = ? AND sha256 = ? AND revisionId = ? AND current = ? AND id <> ? ORDER BY id LIMIT ?",
      )
      .all(row.batchId, sha, row.revisionId, current, row.id, MOST_EQUAL) as StoredImage[];
  const known = new Map([...firstOf(1), ...firstOf(0)].map((image) => [image.id, image]));
  for (const { leaderId } of [...known.values()]) {
    const leader = leaderId === null || known.has(leaderId) ? null : imageById(db, leaderId);
    if (leader !== null) known.set(leader.id, leader);
  }
  return [...known.values()].sort((a, b) => a.id - b.id);
}

/** The row of these very bytes at this path, when something else lay there meanwhile. */
function supersededAt(db: Database, row: StoredImage, sha: Buffer): StoredImage | undefined {
  return db
    .sql(
      `SELECT * FROM images INDEXED BY imagesEarlier WHERE batchId = ? AND path = ? AND current = 0 AND history = 'superseded'
       AND sha256 = ? AND revisionId = ? AND id <> ? ORDER BY id DESC LIMIT 1`,
    )
    .get(row.batchId, row.path, sha, row.revisionId, row.id) as StoredImage | undefined;
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
  const unsent =
    row.stage === "SEEN" || row.stage === "SKIPPED" || row.stage === "MISSING" || row.sha256 === null;
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
  settleFile(db, {
    imageId: Number(made.lastInsertRowid),
    file: { path: row.path, bytes: row.bytes, mtimeUs: row.mtimeUs, fileId: row.fileId, failure: null },
    sha256: row.sha256 ?? Buffer.alloc(0),
    width: row.width ?? 0,
    height: row.height ?? 0,
    dedupe,
    at,
  });
}
