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

function isSame(row: StoredImage, file: SeenFile): boolean {
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

function currentRevision(db: Database, batchId: number): number {
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
  const known = sameContent(db, row, sha);
  const touched = known.findLast((k) => k.path === row.path && k.current === 0 && k.history === "superseded");
  if (touched !== undefined && hasFilesInPlace(db, touched))
    return { stage: reinstate(db, touched, row, input.at), candidate: null };
  forgetMissing(db, known, input.at);
  const source = chooseSource(known, input.dedupe);
  if (source === null) {
    const other = input.dedupe ? undefined : known.find((k) => k.current === 1 && k.stage !== "MISSING");
    if (other !== undefined) return { stage: "SEEN", candidate: { imageId: other.id, path: other.path } };
    return { stage: makeReady(db, row.id, input.at), candidate: null };
  }
  return { stage: share(db, row.id, source, input.at), candidate: null };
}

function sameContent(db: Database, row: StoredImage, sha: Buffer): StoredImage[] {
  return db
    .sql(
      "SELECT * FROM images INDEXED BY imagesContent WHERE batchId = ? AND sha256 = ? AND revisionId = ? AND id <> ? ORDER BY id",
    )
    .all(row.batchId, sha, row.revisionId, row.id) as StoredImage[];
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
