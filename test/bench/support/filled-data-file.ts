import { createHash } from "node:crypto";
import type { BatchSettings } from "../../../electron/contract/batch.ts";
import { isBalanced, type ImageStage } from "../../../electron/contract/image.ts";
import { ledgerOf, saveBatch, setBatchFlags } from "../../../electron/engine/store/batches.ts";
import { openWriter, type Database } from "../../../electron/engine/store/database.ts";

/** A file as the walk would find it; without one the picture of the row does not exist. */
export interface RealFile {
  bytes: number;
  mtimeUs: number;
  fileId: string;
  /** What is in it; null = nobody looks. */
  content: { fingerprint: number; sha256: Uint8Array } | null;
}

export interface Filling {
  /** A data file that does not exist yet. */
  file: string;
  images: number;
  settings: BatchSettings;
  /** Characters of the one result object of each finished image. */
  resultChars: number;
  started?: boolean;
  paused?: boolean;
  /** @default none */
  realFile?: (path: string, stage: ImageStage) => RealFile | null;
  /** @default stageOfIndex */
  stageOf?: (index: number) => ImageStage;
}

/** Images in one folder. */
const FOLDER = 500;
/** Coprime to `FOLDER`: files are met in another order than that of their names, as in a real folder. */
const STEP = 137;

/** The path of image `index`, counted from 0. */
export function pathOf(index: number): string {
  const folder = Math.floor(index / FOLDER);
  const sheet = folder * FOLDER + (((index % FOLDER) * STEP) % FOLDER);
  return `drawer ${String(folder).padStart(4, "0")}/sheet ${String(sheet).padStart(7, "0")}.tif`;
}

/** A long night as it is found in the morning before: mostly done, with some of every other state. */
export function stageOfIndex(index: number): ImageStage {
  const place = index % 200;
  if (place < 2) return "FAILED";
  if (place < 4) return "SKIPPED";
  if (place === 4) return "MISSING";
  if (place === 5) return "FOLLOWING";
  if (place < 18) return "READY";
  if (place < 20) return "SEEN";
  return index % 10_000 === 77 ? "UNCERTAIN" : "DONE";
}

const REASONS: Partial<Record<ImageStage, object>> = {
  FAILED: { reason: "workflow-error", status: 520, message: "CUDA out of memory" },
  SKIPPED: { reason: "unsupported-format", found: "a text file" },
  MISSING: { reason: "vanished" },
  UNCERTAIN: { reason: "outcome-unknown", times: 1, last: "the connection broke" },
};

const shaOf = (text: string): Buffer => createHash("sha256").update(text).digest();

const NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < @images)";

/** When the first image ended; the others follow, 3 ms apart. */
const FIRST_AT = 1_763_000_000_000;

function insertImages(db: Database, filling: Filling, batchId: number, revisionId: number): void {
  const { images, realFile, stageOf = stageOfIndex } = filling;
  const insert = db.sql(
    `INSERT INTO images (id, batchId, revisionId, path, stage, reason, failureJson, bytes, mtimeUs, fileId, seenMono,
       fingerprint, sha256, width, height, leaderId, summary, durationMs, updatedAt)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  for (let index = 0; index < images; index += 1) {
    const path = pathOf(index);
    const stage = stageOf(index);
    const reason = REASONS[stage];
    const isRead = stage !== "SEEN" && stage !== "SKIPPED" && stage !== "MISSING";
    const found = realFile?.(path, stage) ?? null;
    const sha256 = shaOf(path);
    const content = found?.content ?? { fingerprint: sha256.readUIntBE(0, 6), sha256 };
    const bytes = found?.bytes ?? 1_000_000 + ((index * 7919) % 5_000_000);
    insert.run(
      ...[index + 1, batchId, revisionId, path, stage],
      ...(reason === undefined
        ? [null, null]
        : [(reason as { reason: string }).reason, JSON.stringify(reason)]),
      ...[bytes, found?.mtimeUs ?? FIRST_AT * 1000 + index, found?.fileId ?? `66305:${index + 1}`],
      ...(isRead ? [content.fingerprint, content.sha256, 4000, 3000] : [null, null, null, null]),
      // The next image in the order of ids is one that waits.
      stage === "FOLLOWING" ? index + 2 : null,
      ...(stage === "DONE" ? [`${index % 17} leaf, ${index % 5} stem`, 900 + (index % 4000)] : [null, null]),
      FIRST_AT + index * 3,
    );
  }
}

function insertRuns(db: Database, images: number): void {
  db.sql(
    `INSERT INTO runs (imageId, batchId, sessionId, state, uuid, intentAt, startMono, submittedAt, finishedAt, workflowHash, failureJson)
     SELECT id, batchId, 1, iif(stage = 'UNCERTAIN', 'ORPHANED', stage), lower(hex(randomblob(16))), updatedAt - 1000, id,
       updatedAt - coalesce(durationMs, 900), updatedAt, '9f86d081884c7d65', failureJson
     FROM images WHERE stage IN ('DONE', 'FAILED', 'UNCERTAIN') ORDER BY id`,
  ).run();
  db.sql(
    `INSERT INTO results (imageId, runId, receivedAt, bodyBytes, bodySha256)
     SELECT imageId, id, finishedAt, 900, randomblob(32) FROM runs WHERE state = 'DONE' ORDER BY imageId`,
  ).run();
  db.sql(
    `INSERT INTO events (at, batchId, imageId, runId, kind, detailJson)
     SELECT finishedAt, batchId, imageId, id, 'gave-up', '{"sentence":"The workflow failed."}' FROM runs WHERE state = 'FAILED'`,
  ).run();
  for (const label of ["leaf", "stem"]) {
    const every = label === "leaf" ? 17 : 5;
    db.sql(
      `${NUMBERS} INSERT INTO labels (batchId, label, imageId, objects)
       SELECT batchId, @label, id, i % @every FROM n JOIN images ON id = i + 1 WHERE i % @every > 0 AND stage = 'DONE'`,
    ).run({ images, label, every });
  }
}

/** One detection object of `chars` characters for every finished image. */
function insertOutputs(db: Database, chars: number): void {
  const box = { x: 100, y: 100, width: 40, height: 40 };
  const bare = {
    OBJECT_DETECTION: { detections: [{ id: 0, label: "leaf", confidence: 0.9, box, note: "" }] },
  };
  const [head = "", tail = ""] = JSON.stringify(bare).split('"note":""');
  const padding = "x".repeat(Math.max(0, chars - head.length - tail.length - '"note":""'.length));
  db.sql(
    `INSERT INTO outputs (id, taskName, taskIndex, outputIndex, type, encoding, json, summaryJson)
     SELECT id * 1000, 'infer_yolo_v8', 0, 0, 'OBJECT_DETECTION', 'text', @json, '{"type":"OBJECT_DETECTION","text":"1 leaf","labels":{"leaf":1}}'
     FROM images WHERE stage = 'DONE' ORDER BY id`,
  ).run({ json: `${head}"note":"${padding}"${tail}` });
}

/** Takes every index away that has a text of its own, and gives the texts: made at the end they cost a third. */
function takeIndexes(db: Database): string[] {
  const indexes = db
    .sql("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")
    .all();
  return (indexes as { name: string; sql: string }[]).map(({ name, sql }) => {
    db.sql(`DROP INDEX ${name}`).run();
    return sql;
  });
}

/** Fills a new data file with one batch, straight into the tables; the triggers keep the counters. Gives the batch's id. */
export function fillDataFile(filling: Filling): number {
  const opened = openWriter(filling.file);
  if (!opened.ok) throw new Error(JSON.stringify(opened.failure));
  const db = opened.value;
  try {
    // Only while it is made: whoever opens it next has the usual journal and waits for every commit.
    db.sql("PRAGMA journal_mode = OFF").all();
    db.sql("PRAGMA synchronous = OFF").run();
    db.sql("PRAGMA cache_size = -262144").run();
    const batchId = db.transaction(() => {
      const indexes = takeIndexes(db);
      const { batch } = saveBatch(db, { batchId: null, settings: filling.settings, at: FIRST_AT });
      const { started = true, paused = false } = filling;
      setBatchFlags(db, { batchId: batch.id, started, paused });
      db.sql("INSERT INTO sessions (startedAt, bootId, endedAt, cleanExit) VALUES (?, 'bench', ?, 1)").run(
        FIRST_AT,
        FIRST_AT + 1,
      );
      insertImages(db, filling, batch.id, batch.revisionId);
      insertRuns(db, filling.images);
      insertOutputs(db, filling.resultChars);
      for (const sql of indexes) db.sql(sql).run();
      return batch.id;
    });
    checkLedger(db, batchId, filling.images);
    db.sql("PRAGMA journal_mode = WAL").all();
    return batchId;
  } finally {
    db.close();
  }
}

/** The counters that the triggers kept agree with each other and with the rows. */
function checkLedger(db: Database, batchId: number, images: number): void {
  const { ledger } = ledgerOf(db, batchId);
  if (ledger.seen !== images || !isBalanced(ledger))
    throw new Error(`The filled data file does not balance: ${JSON.stringify(ledger)}`);
}
