import { createHash } from "node:crypto";
import { copyFile, readFile, stat, writeFile } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "vitest";
import { systemClock } from "../../electron/engine/clock.ts";
import { lockDataFile, openReader, openWriter } from "../../electron/engine/store/database.ts";
import { createTables } from "../../electron/engine/store/migrations/010-create-tables.ts";
import { LATEST_VERSION } from "../../electron/engine/store/migrations/migrations.ts";
import { openStore, type Store } from "../../electron/engine/store/store.ts";
import { startEngineProcess } from "../support/crash-loop.ts";
import { writePictures } from "../support/pictures.ts";
import { createRig } from "../support/rig.ts";
import { dataFilePath, makeBatch, makeReady, openDatabase } from "./stand.ts";

async function hashOf(file: string): Promise<string> {
  return createHash("sha256")
    .update(await readFile(file))
    .digest("hex");
}

async function opened(file: string): Promise<Store> {
  const store = await openStore({ file, mode: "write", clock: systemClock });
  if (!store.ok) throw new Error(JSON.stringify(store.failure));
  return store.value;
}

/** A data file as the first version left it. */
function makeVersion10(file: string, fill: (db: DatabaseSync) => void = () => undefined): void {
  const db = new DatabaseSync(file);
  db.exec("PRAGMA journal_mode = WAL");
  createTables((sql) => db.exec(sql));
  db.exec("PRAGMA user_version = 10");
  fill(db);
  db.close();
}

const OLD_ROWS = `
INSERT INTO sessions (id, startedAt, bootId) VALUES (1, 1, 'boot');
INSERT INTO deployments (id, address) VALUES (1, 'simulator');
INSERT INTO batches (id, name, folder, settingsJson, revisionId, createdAt) VALUES (1, 'b', '/p', '{"name":"b","decision":{},"intake":{},"results":{},"limits":{}}', 1, 1);
INSERT INTO revisions (id, batchId, number, hash, deploymentId, decisionJson, createdAt) VALUES (1, 1, 1, 'h', 1, '{"deployment":"simulator","outputs":[],"parameters":[]}', 1);
INSERT INTO images (id, batchId, revisionId, path, stage, bytes, mtimeUs, fileId, seenMono, sha256, summary, updatedAt)
  VALUES (1, 1, 1, 'a.png', 'DONE', 10, 1, '1:1', 1, x'00', 'one thing', 5), (2, 1, 1, 'b.png', 'READY', 10, 1, '1:2', 1, x'01', NULL, 6);
INSERT INTO runs (id, imageId, batchId, sessionId, state, uuid, intentAt, startMono, submittedAt, finishedAt)
  VALUES (1, 1, 1, 1, 'DONE', 'u-1', 1, 1, 2, 3);
INSERT INTO results (imageId, runId, receivedAt, bodyBytes, bodySha256) VALUES (1, 1, 3, 2, x'00');
INSERT INTO outputs (id, taskName, taskIndex, outputIndex, type, encoding, json, summaryJson)
  VALUES (1000, 't', 0, 0, 'DATA_DICT', 'text', '{}', '{"text":"one thing"}');
`;

describe("A data file", () => {
  test("is made where there is none, with every version of its tables", async () => {
    const file = await dataFilePath();
    const db = await openDatabase(file);
    expect(db.sql("PRAGMA user_version").get()).toEqual({ user_version: LATEST_VERSION });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  test("whose making a power cut interrupted is made anew", async () => {
    const file = await dataFilePath();
    const half = new DatabaseSync(`${file}.half`);
    // With hardly any cache the rows go to the file before their transaction ends, so its journal is needed.
    half.exec("PRAGMA journal_mode = DELETE; PRAGMA cache_size = 2; BEGIN; CREATE TABLE half (bytes BLOB)");
    for (let n = 0; n < 200; n++) half.exec("INSERT INTO half VALUES (zeroblob(4000))");
    await copyFile(`${file}.half`, file);
    await copyFile(`${file}.half-journal`, `${file}-journal`);
    half.exec("ROLLBACK");
    half.close();
    const db = await openDatabase(file);
    expect(db.sql("SELECT count(*) AS n FROM sqlite_master WHERE name = 'half'").get()).toEqual({ n: 0 });
    expect(db.sql("PRAGMA user_version").get()).toEqual({ user_version: LATEST_VERSION });
  });

  test("of the first version is brought to the present one with every row in it", async () => {
    const file = await dataFilePath();
    makeVersion10(file, (db) => db.exec(OLD_ROWS));
    const db = await openDatabase(file);
    expect(db.sql("PRAGMA user_version").get()).toEqual({ user_version: LATEST_VERSION });
    // What was read by an earlier version is found by its size: minus that is its fingerprint.
    expect(db.sql("SELECT path, stage, summary, fingerprint FROM images ORDER BY id").all()).toEqual([
      { path: "a.png", stage: "DONE", summary: "one thing", fingerprint: -10 },
      { path: "b.png", stage: "READY", summary: null, fingerprint: -10 },
    ]);
    expect(db.sql("SELECT uuid FROM runs").all()).toEqual([{ uuid: "u-1" }]);
    expect(db.sql("SELECT name, n FROM counters WHERE batchId = 1 ORDER BY name").all()).toEqual([
      { name: "DONE", n: 1 },
      { name: "READY", n: 1 },
      { name: "runs", n: 1 },
      { name: "seen", n: 2 },
    ]);
    expect(db.sql("PRAGMA integrity_check").get()).toEqual({ integrity_check: "ok" });
  });

  test("whose migration breaks off stays at its version, whole", async () => {
    const file = await dataFilePath();
    // A table that a later step wants to make is there already: that step fails and takes nothing with it.
    makeVersion10(file, (db) => db.exec("CREATE TABLE appSettings (id INTEGER)"));
    expect(openWriter(file).ok).toBe(false);
    const db = new DatabaseSync(file);
    expect(db.prepare("PRAGMA user_version").get()).toEqual({ user_version: 10 });
    expect(db.prepare("SELECT count(*) AS n FROM sqlite_master WHERE name = 'imagesUpdated'").get()).toEqual({
      n: 0,
    });
    db.close();
  });

  test("of a newer program is refused by writer and reader, and is not touched", async () => {
    const file = await dataFilePath();
    const db = new DatabaseSync(file);
    db.exec(`CREATE TABLE future (x); PRAGMA user_version = ${LATEST_VERSION + 10}`);
    db.close();
    const before = await hashOf(file);
    for (const open of [openWriter, openReader]) {
      expect(open(file)).toMatchObject({
        ok: false,
        failure: { reason: "data-file-newer", version: LATEST_VERSION + 10 },
      });
    }
    expect(await hashOf(file)).toBe(before);
  });

  test.each([
    ["a text", Buffer.from("These are my holiday notes.\n".repeat(100))],
    ["one byte", Buffer.from("x")],
    ["random bytes", createHash("sha512").update("noise").digest()],
  ])("that is %s in truth is refused and not touched", async (_what, content) => {
    const file = await dataFilePath();
    await writeFile(file, content);
    for (const open of [openWriter, openReader])
      expect(open(file)).toMatchObject({ ok: false, failure: { reason: "data-file-damaged" } });
    expect(await readFile(file)).toEqual(content);
  });

  test("with damaged pages is refused and never replaced by an empty one", async () => {
    const file = await dataFilePath();
    const db = openWriter(file);
    if (!db.ok) throw new Error("not opened");
    const batchId = makeBatch(db.value);
    db.value.transaction(() =>
      makeReady(
        db.value,
        batchId,
        Array.from({ length: 300 }, (_, i) => `${i}.png`),
      ),
    );
    db.value.sql("PRAGMA wal_checkpoint(TRUNCATE)").all();
    db.value.close();
    const content = await readFile(file);
    for (let page = 4; page < 12; page++) content.fill(0xff, page * 4096, page * 4096 + 600);
    await writeFile(file, content);
    expect(openWriter(file)).toMatchObject({ ok: false, failure: { reason: "data-file-damaged" } });
    expect(await readFile(file)).toEqual(content);
  });

  test("that another process writes is refused, until that process is gone, however it went", async () => {
    await using rig = await createRig();
    await writePictures(rig.folder, 1);
    rig.simulator.control.hold();
    const other = startEngineProcess(rig, { speed: 20 });
    await rig.simulator.control.until((stats) => stats.accepted === 1);
    const second = await openStore({ file: rig.dataFile, mode: "write", clock: systemClock });
    expect(second).toMatchObject({ ok: false, failure: { reason: "data-file-in-use", file: rig.dataFile } });
    const reader = await openStore({ file: rig.dataFile, mode: "read", clock: systemClock });
    expect(reader.ok).toBe(true);
    if (reader.ok) await reader.value.close();

    await other.kill();
    await (await opened(rig.dataFile)).close();
  });

  test("that this process writes already is refused, too", async () => {
    const file = await dataFilePath();
    const store = await opened(file);
    expect(lockDataFile(file)).toMatchObject({ ok: false, failure: { reason: "data-file-in-use" } });
    await store.close();
    const again = lockDataFile(file);
    expect(again.ok).toBe(true);
    if (again.ok) again.value.release();
  });

  test("that is not there is told from an empty one by a reader", async () => {
    expect(openReader(await dataFilePath())).toMatchObject({
      ok: false,
      failure: { reason: "no-data-file" },
    });
  });
});
