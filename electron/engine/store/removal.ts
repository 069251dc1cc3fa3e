import type { Database } from "./database.ts";
import { MOST_OUTPUTS } from "./results.ts";

/** Batches that were removed and still have rows. */
export function removedBatches(db: Database): number[] {
  const rows = db.sql("SELECT id FROM batches WHERE removedAt IS NOT NULL ORDER BY id").all();
  return (rows as { id: number }[]).map((row) => row.id);
}

/**
 * Deletes up to `limit` images and runs of a removed batch, so that no commit is long; true when nothing is left.
 * The newest row of a table always stays: its id would be given to another one, and files are named by ids.
 */
export function purgeBatch(db: Database, input: { batchId: number; limit: number }): boolean {
  const { batchId, limit } = input;
  const images = (
    db
      .sql(
        "SELECT id FROM images WHERE batchId = ? AND id < (SELECT max(id) FROM images) ORDER BY id LIMIT ?",
      )
      .all(batchId, limit) as { id: number }[]
  ).map((row) => row.id);
  for (const id of images) {
    db.sql("DELETE FROM outputs WHERE id >= ? AND id < ?").run(id * MOST_OUTPUTS, (id + 1) * MOST_OUTPUTS);
    db.sql("DELETE FROM labels WHERE imageId = ?").run(id);
    db.sql("DELETE FROM results WHERE imageId = ?").run(id);
    db.sql("DELETE FROM images WHERE id = ?").run(id);
  }
  const others = (["runs", "events"] as const).map(
    (table) =>
      db
        .sql(
          `DELETE FROM ${table} WHERE id IN (SELECT id FROM ${table} WHERE batchId = ? AND id < (SELECT max(id) FROM ${table}) LIMIT ?)`,
        )
        .run(batchId, limit).changes,
  );
  if (images.length > 0 || others.some((n) => n > 0)) return false;
  const kept = db
    .sql(
      "SELECT 1 FROM images WHERE batchId = @batchId UNION ALL SELECT 1 FROM runs WHERE batchId = @batchId",
    )
    .get({ batchId });
  if (kept === undefined) {
    db.sql("DELETE FROM counters WHERE batchId = ?").run(batchId);
    db.sql("DELETE FROM revisions WHERE batchId = ?").run(batchId);
    db.sql("DELETE FROM batches WHERE id = ? AND id < (SELECT max(id) FROM batches)").run(batchId);
  }
  return true;
}
