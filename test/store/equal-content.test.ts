import { expect, test } from "vitest";
import type { ImageStage } from "../../electron/contract/image.ts";
import type { Database } from "../../electron/engine/store/database.ts";
import { observeFiles } from "../../electron/engine/store/images.ts";
import { settleFile } from "../../electron/engine/store/settle.ts";
import { sha256Of } from "../support/pictures.ts";
import { makeBatch, openDatabase, seenFile } from "./stand.ts";

const BLACK = Buffer.from(sha256Of(Buffer.from("a black frame")), "hex");

function settleBlack(db: Database, batchId: number, path: string): ImageStage | null {
  const file = seenFile(path);
  observeFiles(db, { batchId, walk: null, files: [file], mono: 1, at: 1 });
  const { id } = db.sql("SELECT id FROM images WHERE path = ? AND current = 1").get(path) as { id: number };
  const settled = {
    imageId: id,
    file,
    fingerprint: 7,
    sha256: BLACK,
    width: 8,
    height: 8,
    dedupe: true,
    at: 2,
  };
  return settleFile(db, settled).stage;
}

/** The same data file, counting the rows that cross into JavaScript as lists. */
function counting(db: Database): { db: Database; rows: () => number } {
  let rows = 0;
  const counted: Database = {
    ...db,
    sql(text) {
      const statement = db.sql(text);
      const all = (...values: unknown[]): unknown[] => {
        const found = statement.all(...values);
        rows += found.length;
        return found;
      };
      return {
        ...statement,
        all,
        get: (...values: unknown[]) => statement.get(...values),
        run: (...values: unknown[]) => statement.run(...values),
      };
    },
  };
  return { db: counted, rows: () => rows };
}

test("A folder of black frames costs no more for each further one", async () => {
  const db = await openDatabase();
  const batchId = makeBatch(db);
  const stages = Array.from({ length: 300 }, (_, n) => settleBlack(db, batchId, `${n}.png`));
  expect(stages.filter((stage) => stage === "READY")).toHaveLength(1);
  expect(stages.filter((stage) => stage === "FOLLOWING")).toHaveLength(299);
  const one = counting(db);
  settleBlack(one.db, batchId, "one more.png");
  expect(one.rows()).toBeLessThan(50);
});

test("Of many that wait for the same result, a further one takes it from their leader when it is done", async () => {
  const db = await openDatabase();
  const batchId = makeBatch(db);
  for (let n = 0; n < 60; n += 1) settleBlack(db, batchId, `${n}.png`);
  const { id: leader } = db.sql("SELECT max(id) AS id FROM images").get() as { id: number };
  db.sql("UPDATE images SET stage = 'FOLLOWING', leaderId = ? WHERE id <> ?").run(leader, leader);
  db.sql("UPDATE images SET stage = 'DONE', leaderId = NULL WHERE id = ?").run(leader);
  expect(settleBlack(db, batchId, "late.png")).toBe("RECEIVED");
});
