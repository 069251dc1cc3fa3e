import { openWriter } from "../../../electron/engine/store/database.ts";
import { saveBatch, setBatchFlags } from "../../../electron/engine/store/batches.ts";
import { settingsFor, type Place } from "./place.ts";

const COUNTED = "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < @count)";

/** Writes a paused batch of that many images straight into a new data file: most done, one in a hundred failed, some waiting. */
export function seedImages(place: Place, count: number): void {
  const opened = openWriter(place.dataFile);
  if (!opened.ok) throw new Error(JSON.stringify(opened.failure));
  const db = opened.value;
  const at = Date.now() - 9 * 3_600_000;
  db.transaction(() => {
    const { batch } = saveBatch(db, { batchId: null, settings: settingsFor(place), at });
    setBatchFlags(db, { batchId: batch.id, started: true, paused: true });
    const values = { count, batchId: batch.id, revisionId: batch.revisionId, at };
    db.sql(
      `${COUNTED} INSERT INTO images
       (batchId, revisionId, path, stage, reason, failureJson, bytes, mtimeUs, fileId, seenMono, width, height, summary, durationMs, updatedAt)
       SELECT @batchId, @revisionId, printf('drawer %03d/sheet %07d.tif', i / 500, i),
         iif(i % 100 = 7, 'FAILED', iif(i % 10 = 3, 'READY', 'DONE')),
         iif(i % 100 = 7, 'workflow-failed', NULL),
         iif(i % 100 = 7, '{"reason":"workflow-failed","message":"CUDA out of memory"}', NULL),
         1000000 + i * 37 % 5000000, i, '1:' || i, i, 800, 600,
         iif(i % 10 = 3 OR i % 100 = 7, NULL, (i % 17) || ' leaf, ' || (i % 5) || ' stem'), 900 + i % 4000, @at + i * 300
       FROM n`,
    ).run(values);
    db.sql(
      `INSERT INTO runs (imageId, batchId, sessionId, state, uuid, intentAt, startMono, submittedAt, finishedAt)
       SELECT id, batchId, 1, stage, printf('00000000-0000-4000-8000-%012d', id), updatedAt - durationMs, id, updatedAt - durationMs, updatedAt
       FROM images WHERE batchId = ? AND stage IN ('DONE', 'FAILED')`,
    ).run(batch.id);
    db.sql(
      "INSERT INTO labels (batchId, label, imageId, objects) SELECT batchId, 'leaf', id, id % 17 FROM images WHERE batchId = ? AND stage = 'DONE' AND id % 17 > 0",
    ).run(batch.id);
  });
  db.close();
}
