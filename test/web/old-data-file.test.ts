import BetterSqlite3 from "better-sqlite3";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { readAppSettings, saveAppSettings } from "../../electron/engine/store/app-settings.ts";
import { openReader, openWriter } from "../../electron/engine/store/database.ts";
import { createTables } from "../../electron/engine/store/migrations/010-create-tables.ts";
import { LATEST_VERSION } from "../../electron/engine/store/migrations/migrations.ts";
import { pageImages } from "../../electron/engine/store/image-pages.ts";
import { stageCounts } from "../../electron/engine/store/queries.ts";
import { describeFailure } from "../../electron/contract/describe-failure.ts";
import { IMAGE_STATES } from "../../electron/contract/image.ts";

/** A data file as the first version wrote it, with a finished image. */
async function firstDataFile(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "nightrun-old-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, "nightrun.db");
  const db = new BetterSqlite3(file);
  createTables((sql) => void db.exec(sql));
  db.exec(`
    INSERT INTO batches (id, name, folder, settingsJson, revisionId, createdAt) VALUES (1, 'old', '/pictures', '{"name":"old","decision":{},"intake":{},"results":{},"limits":{}}', 1, 1);
    INSERT INTO images (batchId, revisionId, path, stage, bytes, mtimeUs, fileId, seenMono, summary, durationMs, updatedAt)
      VALUES (1, 1, 'a.png', 'DONE', 10, 1, '1:1', 1, '2 red', 1500, 5), (1, 1, 'b.png', 'READY', 20, 1, '1:2', 1, NULL, NULL, 6);
    PRAGMA user_version = 10;
  `);
  db.close();
  return file;
}

test("a data file of the first version opens with everything in it, and takes settings of the app", async () => {
  const file = await firstDataFile();
  const opened = openWriter(file);
  if (!opened.ok) throw new Error(JSON.stringify(opened.failure));
  const db = opened.value;
  onTestFinished(() => db.close());
  const scope = { batchId: 1, states: IMAGE_STATES, reason: null, search: "", label: null, imageIds: null };
  const sorts = ["path", "updated", "bytes", "duration"] as const;
  for (const sort of sorts) {
    const rows = pageImages(db, { scope, sort, descending: true, after: null, limit: 10 });
    expect(rows.map((row) => row.path).sort()).toEqual(["a.png", "b.png"]);
  }
  expect(stageCounts(db, 1)).toEqual({ DONE: 1, READY: 1 });
  expect(readAppSettings(db)).toBeNull();
  const settings = {
    theme: "dark",
    minimumFreeBytes: 1,
    batteryFloorPercent: null,
    startAtLogin: false,
  } as const;
  for (const theme of ["dark", "light"] as const) saveAppSettings(db, { ...settings, theme });
  expect(readAppSettings(db)).toEqual({ ...settings, theme: "light" });
  expect(db.sql("PRAGMA user_version").get()).toEqual({ user_version: LATEST_VERSION });
});

test("a data file that was brought up to date is left alone the next time", async () => {
  const file = await firstDataFile();
  for (let n = 0; n < 2; n += 1) {
    const opened = openWriter(file);
    if (!opened.ok) throw new Error(JSON.stringify(opened.failure));
    expect(opened.value.sql("SELECT count(*) AS n FROM images").get()).toEqual({ n: 2 });
    opened.value.close();
  }
});

test("who only looks is told that an older data file has to be brought up to date first", async () => {
  const file = await firstDataFile();
  const opened = openReader(file);
  expect(opened).toMatchObject({ ok: false, failure: { reason: "usage" } });
  expect(opened.ok ? "" : describeFailure(opened.failure).what).toContain("older Nightrun");
});
