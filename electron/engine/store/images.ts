import type { ImageFailure } from "../../contract/failure.ts";
import type { ImageHistory, ImageStage } from "../../contract/image.ts";
import { isInFlight } from "../transitions.ts";
import type { Database } from "./database.ts";
import { addEvent } from "./events.ts";
import type { StoredImage } from "./rows.ts";

/** A file as the walk or a hint saw it; `failure` = it is skipped for a reason that its name or kind tells. */
export interface SeenFile {
  path: string;
  bytes: number;
  mtimeUs: number;
  fileId: string;
  failure: ImageFailure | null;
}

export interface ObserveInput {
  batchId: number;
  /** Marks the rows for `walkEnd`; null for a hint. */
  walk: WalkMarks | null;
  files: readonly SeenFile[];
  mono: number;
  at: number;
}

/** Which image rows a walk has met: one bit each, so that a million files cost 125 KB. */
export interface WalkMarks {
  has(imageId: number): boolean;
  add(imageId: number): void;
}

export function createWalkMarks(): WalkMarks {
  let bits = new Uint8Array(1024);
  return {
    has: (id) => ((bits[id >> 3] ?? 0) & (1 << (id & 7))) !== 0,
    add: (id) => {
      const index = id >> 3;
      if (index >= bits.length) {
        const larger = new Uint8Array(Math.max(index + 1, bits.length * 2));
        larger.set(bits);
        bits = larger;
      }
      bits[index] = (bits[index] ?? 0) | (1 << (id & 7));
    },
  };
}

/** Whether a row was seen as this file is now. */
export function isSame(row: StoredImage, file: SeenFile): boolean {
  return row.bytes === file.bytes && row.mtimeUs === file.mtimeUs && row.fileId === file.fileId;
}

export function imageById(db: Database, id: number): StoredImage | null {
  return (db.sql("SELECT * FROM images WHERE id = ?").get(id) as StoredImage | undefined) ?? null;
}

function currentRow(db: Database, batchId: number, path: string): StoredImage | undefined {
  return db
    .sql("SELECT * FROM images INDEXED BY imagesCurrent WHERE batchId = ? AND path = ? AND current = 1")
    .get(batchId, path) as StoredImage | undefined;
}

export function currentRevision(db: Database, batchId: number): number {
  return (db.sql("SELECT revisionId AS id FROM batches WHERE id = ?").get(batchId) as { id: number }).id;
}

function insertSeen(db: Database, input: ObserveInput, revisionId: number, file: SeenFile): void {
  const stage: ImageStage = file.failure === null ? "SEEN" : "SKIPPED";
  const made = db
    .sql(
      `INSERT INTO images (batchId, revisionId, path, stage, reason, failureJson, bytes, mtimeUs, fileId, seenMono, updatedAt)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(
      input.batchId,
      revisionId,
      file.path,
      stage,
      file.failure?.reason ?? null,
      file.failure === null ? null : JSON.stringify(file.failure),
      file.bytes,
      file.mtimeUs,
      file.fileId,
      Math.round(input.mono),
      input.at,
    );
  input.walk?.add(Number(made.lastInsertRowid));
}

/** Takes a row out of the ledger; if others waited for its result, the first of them takes its place. */
export function retire(db: Database, image: StoredImage, history: ImageHistory, at: number): void {
  db.sql("UPDATE images SET current = 0, history = ?, updatedAt = ? WHERE id = ?").run(history, at, image.id);
  promoteFollower(db, image.id, at);
}

/** When a leader will not be run any more, its first follower becomes the leader of the others. */
export function promoteFollower(db: Database, leaderId: number, at: number): void {
  const first = db
    .sql(
      "SELECT id FROM images WHERE leaderId = ? AND current = 1 AND stage = 'FOLLOWING' ORDER BY id LIMIT 1",
    )
    .get(leaderId) as { id: number } | undefined;
  if (first === undefined) return;
  db.sql(
    "UPDATE images SET leaderId = ? WHERE leaderId = ? AND current = 1 AND stage = 'FOLLOWING' AND id <> ?",
  ).run(first.id, leaderId, first.id);
  db.sql("UPDATE images SET stage = 'READY', leaderId = NULL, nextAt = 0, updatedAt = ? WHERE id = ?").run(
    at,
    first.id,
  );
}

/**
 * Records what was seen. A new path is SEEN (or SKIPPED); a changed one retires its row and starts again, so that
 * `touch` is told from new content by its bytes alone; one in flight is left until its run has ended.
 */
export function observeFiles(db: Database, input: ObserveInput): { added: number; changed: number } {
  const revisionId = currentRevision(db, input.batchId);
  let added = 0;
  let changed = 0;
  for (const file of input.files) {
    const row = currentRow(db, input.batchId, file.path);
    if (row === undefined) {
      insertSeen(db, input, revisionId, file);
      added++;
      continue;
    }
    input.walk?.add(row.id);
    const same = isSame(row, file);
    if (same && row.stage !== "MISSING") continue;
    if (isInFlight(row.stage)) continue;
    changed++;
    if (row.stage === "SEEN" && file.failure === null) updateSeen(db, row.id, file, input.mono, input.at);
    else {
      retire(db, row, "superseded", input.at);
      insertSeen(db, input, revisionId, file);
    }
  }
  return { added, changed };
}

function updateSeen(db: Database, id: number, file: SeenFile, mono: number, at: number): void {
  db.sql(
    "UPDATE images SET bytes = ?, mtimeUs = ?, fileId = ?, seenMono = ?, updatedAt = ? WHERE id = ?",
  ).run(file.bytes, file.mtimeUs, file.fileId, Math.round(mono), at, id);
}

/** Files that were last seen in the folder, as they were then: the first ones of the batch. */
export function knownFiles(
  db: Database,
  input: { batchId: number; limit: number },
): Pick<StoredImage, "path" | "bytes" | "mtimeUs">[] {
  return db
    .sql(
      `SELECT path, bytes, mtimeUs FROM images NOT INDEXED WHERE batchId = ? AND current = 1 AND stage <> 'MISSING' ORDER BY id LIMIT ?`,
    )
    .all(input.batchId, input.limit) as Pick<StoredImage, "path" | "bytes" | "mtimeUs">[];
}

/** SEEN rows, without suspects, that were last looked at before `beforeMono`, the longest ago first. */
export function seenPage(
  db: Database,
  input: { batchId: number; beforeMono: number; nowMono: number; limit: number },
): StoredImage[] {
  return db
    .sql(
      `SELECT * FROM images INDEXED BY imagesSeen WHERE batchId = ? AND current = 1 AND stage = 'SEEN'
       AND (seenMono <= ? OR seenMono > ?) AND suspected < 2 ORDER BY seenMono, id LIMIT ?`,
    )
    .all(input.batchId, Math.floor(input.beforeMono), Math.ceil(input.nowMono), input.limit) as StoredImage[];
}

/** The file is still growing or cannot be read yet: look again later. */
export function lookAgain(
  db: Database,
  input: { imageId: number; file: SeenFile; mono: number; at: number },
): void {
  const row = imageById(db, input.imageId);
  if (row?.current === 1 && row.stage === "SEEN") updateSeen(db, row.id, input.file, input.mono, input.at);
}

/** A waiting file cannot be opened as it was seen: it is looked at anew, and another with its bytes goes first. */
export function unsettle(db: Database, input: { imageId: number; mono: number; at: number }): boolean {
  const row = imageById(db, input.imageId);
  if (row?.current !== 1 || (row.stage !== "READY" && row.stage !== "UNCERTAIN")) return false;
  db.sql(
    "UPDATE images SET stage = 'SEEN', reason = NULL, failureJson = NULL, seenMono = ?, updatedAt = ? WHERE id = ?",
  ).run(Math.round(input.mono), input.at, row.id);
  promoteFollower(db, row.id, input.at);
  return true;
}

/** A file that will not be run: FAILED, or SKIPPED when it is no picture for this deployment. */
export function refuseFile(
  db: Database,
  input: { imageId: number; failure: ImageFailure; stage: "FAILED" | "SKIPPED" | "MISSING"; at: number },
): boolean {
  const row = imageById(db, input.imageId);
  if (row?.current !== 1 || isInFlight(row.stage)) return false;
  db.sql("UPDATE images SET stage = ?, reason = ?, failureJson = ?, updatedAt = ? WHERE id = ?").run(
    input.stage,
    input.failure.reason,
    JSON.stringify(input.failure),
    input.at,
    row.id,
  );
  promoteFollower(db, row.id, input.at);
  if (input.stage === "MISSING")
    addEvent(db, input.at, { batchId: row.batchId, imageId: row.id, kind: "file-missing", detail: {} });
  return true;
}

/** Current rows that a complete walk did not meet, in pages of `limit` looked-at ids. */
export function unmetPage(
  db: Database,
  input: { batchId: number; walk: WalkMarks; afterId: number; limit: number },
): { rows: StoredImage[]; nextId: number | null } {
  // By the table itself: through any index each page would sort what is left of the batch.
  const ids = db
    .sql(
      `SELECT id, stage FROM images NOT INDEXED WHERE batchId = ? AND current = 1 AND id > ? AND stage <> 'MISSING' ORDER BY id LIMIT ?`,
    )
    .raw()
    .all(input.batchId, input.afterId, input.limit) as [id: number, stage: ImageStage][];
  const unmet = ids.filter(([id, stage]) => !input.walk.has(id) && !isInFlight(stage));
  const rows = unmet.map(([id]) => imageById(db, id)).filter((row) => row !== null);
  return { rows, nextId: ids.length < input.limit ? null : (ids.at(-1)?.[0] ?? null) };
}

/** The path of this row is gone for sure: renamed when its file is known under another name, else missing or history. */
export function fileGone(
  db: Database,
  input: { imageId: number; outOfScope?: boolean; at: number },
): ImageStage | "history" | null {
  const row = imageById(db, input.imageId);
  if (row?.current !== 1 || isInFlight(row.stage) || row.stage === "MISSING") return null;
  if (input.outOfScope === true) {
    retire(db, row, "removed", input.at);
    return "history";
  }
  if (isKnownElsewhere(db, row)) retire(db, row, "renamed", input.at);
  else if (row.stage === "DONE" || row.stage === "SKIPPED") retire(db, row, "removed", input.at);
  else {
    refuseFile(db, { imageId: row.id, failure: { reason: "vanished" }, stage: "MISSING", at: input.at });
    return "MISSING";
  }
  return "history";
}

/** The same bytes under another name, or the same file there: one of the two may not have been read yet. */
function isKnownElsewhere(db: Database, row: StoredImage): boolean {
  const sameBytes =
    row.sha256 !== null &&
    db
      .sql(
        "SELECT 1 FROM images INDEXED BY imagesContent WHERE batchId = ? AND sha256 = ? AND current = 1 AND id <> ? AND stage <> 'MISSING' LIMIT 1",
      )
      .get(row.batchId, row.sha256, row.id) !== undefined;
  if (sameBytes) return true;
  const sameFile = db
    .sql(
      `SELECT 1 FROM images INDEXED BY imagesFile WHERE batchId = ? AND fileId = ? AND current = 1 AND stage <> 'MISSING' AND id > ?
       AND bytes = ? AND mtimeUs = ? LIMIT 1`,
    )
    .get(row.batchId, row.fileId, row.id, row.bytes, row.mtimeUs);
  return sameFile !== undefined;
}

/** The same for a path. Gives the id of the row it concerned. */
export function pathGone(db: Database, input: { batchId: number; path: string; at: number }): number | null {
  const row = currentRow(db, input.batchId, input.path);
  if (row === undefined) return null;
  return fileGone(db, { imageId: row.id, at: input.at }) === null ? null : row.id;
}
