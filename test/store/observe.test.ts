import { expect, test } from "vitest";
import { fileGone, observeFiles } from "../../electron/engine/store/images.ts";
import type { StoredImage } from "../../electron/engine/store/rows.ts";
import { makeBatch, makeReady, openDatabase, seenFile } from "./stand.ts";

test("A file that only a hint told of gets a row, and so does its new content", async () => {
  const db = await openDatabase();
  const batchId = makeBatch(db);
  makeReady(db, batchId, ["a.png"]);
  observeFiles(db, { batchId, walk: null, files: [seenFile("a.png", { mtimeUs: 2 })], mono: 1, at: 1 });
  const rows = db.sql("SELECT path, stage, current, history FROM images ORDER BY id").all();
  expect(rows).toEqual([
    { path: "a.png", stage: "READY", current: 0, history: "superseded" },
    { path: "a.png", stage: "SEEN", current: 1, history: null },
  ]);
});

test("A file that is renamed before anyone has read it is not missing", async () => {
  const db = await openDatabase();
  const batchId = makeBatch(db);
  const observe = (path: string): void =>
    void observeFiles(db, {
      batchId,
      walk: null,
      files: [seenFile(path, { fileId: "1:7" })],
      mono: 1,
      at: 1,
    });
  observe("before.png");
  observe("after.png");
  const [before] = db.sql("SELECT * FROM images ORDER BY id").all() as StoredImage[];
  expect(fileGone(db, { imageId: before?.id ?? 0, at: 2 })).toBe("history");
  expect(db.sql("SELECT path FROM images WHERE current = 1").all()).toEqual([{ path: "after.png" }]);
});

test("A waiting file that is gone for good is missing, with its reason, and waits again when it comes back", async () => {
  const db = await openDatabase();
  const batchId = makeBatch(db);
  const [id = 0] = makeReady(db, batchId, ["a.png"]);
  expect(fileGone(db, { imageId: id, at: 2 })).toBe("MISSING");
  expect(db.sql("SELECT stage, reason FROM images").get()).toEqual({ stage: "MISSING", reason: "vanished" });
  makeReady(db, batchId, ["a.png"]);
  expect(db.sql("SELECT stage, reason FROM images WHERE current = 1").all()).toEqual([
    { stage: "READY", reason: null },
  ]);
});
