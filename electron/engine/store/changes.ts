import type { Database } from "./database.ts";
import type { StoredImage } from "./rows.ts";

/** Where a window's knowledge of a batch ends; the newest of everything it has seen. */
export interface ChangeMark {
  updatedAt: number;
  imageId: number;
}

/** The newest rows of a batch: what a window that has just opened knows. */
export function changeMark(db: Database, batchId: number): ChangeMark {
  return db
    .sql(
      `SELECT coalesce((SELECT max(updatedAt) FROM images INDEXED BY imagesUpdated WHERE batchId = @batchId), 0) AS updatedAt,
       coalesce((SELECT max(id) FROM images), 0) AS imageId`,
    )
    .get({ batchId }) as ChangeMark;
}

/** Rows of a batch that changed at this moment or later, current ones and history, the oldest change first. */
export function changedImages(
  db: Database,
  input: { batchId: number; sinceAt: number; limit: number },
): StoredImage[] {
  return db
    .sql(
      `SELECT * FROM images INDEXED BY imagesUpdated WHERE batchId = ? AND updatedAt >= ? ORDER BY updatedAt, id LIMIT ?`,
    )
    .all(input.batchId, input.sinceAt, input.limit) as StoredImage[];
}

/** The newest event's id; 0 = none. */
export function lastEventId(db: Database): number {
  return (db.sql("SELECT coalesce(max(id), 0) AS id FROM events").get() as { id: number }).id;
}

/** A number that changes whenever any process changed the data file. */
export function dataVersion(db: Database): number {
  return (db.sql("PRAGMA data_version").get() as { data_version: number }).data_version;
}
