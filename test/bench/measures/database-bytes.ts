import { join } from "node:path";
import { openWriter, type Database } from "../../../electron/engine/store/database.ts";
import { saveBatch } from "../../../electron/engine/store/batches.ts";
import type { Finding, Measure } from "../measure.ts";
import { benchSettings, inOwnFolder } from "../support/bench-batch.ts";
import { addNewImages, finishOne } from "../support/night-steps.ts";

/** Pages that are full or half full, whose bytes are counted as they lie on the disk. */
function fileBytes(db: Database): number {
  db.sql("PRAGMA wal_checkpoint(TRUNCATE)").all();
  const row = db
    .sql("SELECT page_count * page_size AS bytes FROM pragma_page_count, pragma_page_size")
    .get() as { bytes: number };
  return row.bytes;
}

function measureBytes(base: string, images: number): Finding {
  const opened = openWriter(join(base, "nightrun.db"));
  if (!opened.ok) throw new Error(opened.failure.reason);
  const db = opened.value;
  const { batch } = saveBatch(db, { batchId: null, settings: benchSettings(base), at: 1 });
  const before = fileBytes(db);
  const ids = db.transaction(() => addNewImages(db, batch.id, 0, images));
  for (let first = 0; first < ids.length; first += 100)
    db.transaction(() => ids.slice(first, first + 100).forEach((id) => finishOne(db, id)));
  const { results } = db.sql("SELECT sum(length(json)) AS results FROM outputs").get() as { results: number };
  const bytes = fileBytes(db) - before;
  db.close();
  return {
    measure: "database bytes per finished image, without its result JSON",
    value: Math.round((bytes - results) / images),
    unit: "bytes",
    bar: { kind: "at-most", value: 1024 },
    note: `${images.toLocaleString("en-US")} images through the store's operations, one label each`,
  };
}

/** What a finished image costs on the disk, indexes and run log included. */
export const databaseBytes: Measure = {
  name: "database-bytes",
  what: "Bytes of the data file per finished image, its result aside.",
  quick: true,
  run: ({ quick }) => inOwnFolder(async (base) => [measureBytes(base, quick ? 5000 : 30_000)]),
};
