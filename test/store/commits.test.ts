import { readFile } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
import { expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../electron/engine/clock.ts";
import { openStore, StoreError, type Store } from "../../electron/engine/store/store.ts";
import { cheapSettings } from "../support/open-rig.ts";
import { dataFilePath, openDatabase } from "./stand.ts";

/** Commits in a write-ahead log: frames that carry the size of the database after them (SQLite file format, 4.1). */
async function commitsIn(file: string): Promise<number> {
  const wal = await readFile(`${file}-wal`).catch(() => Buffer.alloc(0));
  if (wal.length < 32) return 0;
  const pageSize = wal.readUInt32BE(8);
  const salts = wal.subarray(16, 24);
  let commits = 0;
  for (let at = 32; at + 24 + pageSize <= wal.length; at += 24 + pageSize) {
    if (!wal.subarray(at + 8, at + 16).equals(salts)) break;
    if (wal.readUInt32BE(at + 4) !== 0) commits++;
  }
  return commits;
}

async function openTestStore(): Promise<{ store: Store; file: string }> {
  const file = await dataFilePath();
  const opened = await openStore({ file, mode: "write", clock: systemClock });
  if (!opened.ok) throw new Error(JSON.stringify(opened.failure));
  onTestFinished(() => opened.value.close());
  return { store: opened.value, file };
}

const event = (
  n: number,
): { at: number; event: { batchId: null; kind: "watch-trouble"; detail: { message: string } } } => ({
  at: n,
  event: { batchId: null, kind: "watch-trouble", detail: { message: String(n) } },
});

test("The writing connection syncs every commit, although the compiled default does not", async () => {
  const db = await openDatabase();
  expect(db.sql("PRAGMA journal_mode").get()).toEqual({ journal_mode: "wal" });
  expect(db.sql("PRAGMA synchronous").get()).toEqual({ synchronous: 2 });
});

test("Everything that is asked for in one tick shares one commit", async () => {
  const { store, file } = await openTestStore();
  await store.call("addEvent", event(0));
  const before = await commitsIn(file);
  await Promise.all(Array.from({ length: 200 }, (_, n) => store.call("addEvent", event(n))));
  expect((await commitsIn(file)) - before).toBe(1);
  for (let n = 0; n < 5; n++) await store.call("addEvent", event(n));
  expect((await commitsIn(file)) - before).toBe(6);
});

test("What was acknowledged is in the file, for anyone to read, at that moment", async () => {
  const { store, file } = await openTestStore();
  const other = new DatabaseSync(file, { readOnly: true });
  onTestFinished(() => other.close());
  for (let n = 1; n <= 20; n++) {
    await store.call("addEvent", event(n));
    expect(other.prepare("SELECT count(*) AS n FROM events").get()).toEqual({ n });
  }
});

test("A call that breaks undoes itself and nothing beside it", async () => {
  const { store, file } = await openTestStore();
  const calls = await Promise.allSettled([
    store.call("addEvent", event(1)),
    store.call("revisionDecision", 999),
    store.call("finishFollower", { imageId: "no" } as never),
    store.call("addEvent", event(2)),
  ]);
  expect(calls.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled", "fulfilled"]);
  expect((calls[1] as PromiseRejectedResult).reason).toBeInstanceOf(StoreError);
  const other = new DatabaseSync(file, { readOnly: true });
  expect(other.prepare("SELECT count(*) AS n FROM events").get()).toEqual({ n: 2 });
  other.close();
});

test("A break in the middle of a call leaves nothing half done", async () => {
  const { store, file: dataFile } = await openTestStore();
  const settings = cheapSettings("/pictures", "/results");
  const { batch } = await store.call("saveBatch", { batchId: null, settings, at: 1 });
  const batchId = batch.id;
  // The second row breaks a NOT NULL, after the first was written in the same call.
  const file = { path: "a", bytes: 1, mtimeUs: 1, fileId: "1", failure: null };
  const observe = store.call("observeFiles", {
    batchId,
    walk: null,
    mono: 1,
    at: 1,
    files: [file, { ...file, path: "b", bytes: null as never }],
  });
  await expect(observe).rejects.toBeInstanceOf(StoreError);
  const other = new DatabaseSync(dataFile, { readOnly: true });
  expect(other.prepare("SELECT count(*) AS n FROM images").get()).toEqual({ n: 0 });
  other.close();
});

test("A store that is closed says so instead of waiting for ever", async () => {
  const { store } = await openTestStore();
  const pending = store.call("addEvent", event(1));
  await store.close();
  await pending;
  await expect(store.call("addEvent", event(2))).rejects.toThrow("closed");
});
