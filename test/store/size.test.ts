import { expect, test } from "vitest";
import { finishImage, receiveResult } from "../../electron/engine/store/results.ts";
import { intendRun, reportRun } from "../../electron/engine/store/runs.ts";
import { makeBatch, makeReady, openDatabase } from "./stand.ts";

const IMAGES = 10_000;
const MOST_BYTES_AN_IMAGE = 1024;

test(
  "A finished image costs at most 1 KB in the data file, its results aside",
  { timeout: 120_000 },
  async () => {
    const db = await openDatabase();
    const batchId = makeBatch(db);
    const paths = Array.from(
      { length: IMAGES },
      (_, i) => `2026-11-23 field B/IMG_${String(i).padStart(6, "0")}.jpg`,
    );
    const json = JSON.stringify({ DATA_DICT: { bytes: 1, sha256: "x".repeat(64) } });
    db.transaction(() => {
      makeReady(db, batchId, paths).forEach((imageId, i) => {
        const intent = intendRun(db, {
          imageId,
          sessionId: 1,
          workflowHash: "f".repeat(64),
          maxRuns: null,
          at: 1_763_000_000_000 + i,
          mono: i,
        });
        const runId = intent?.runId ?? 0;
        const at = 1_763_000_001_000 + i;
        reportRun(db, {
          runId,
          event: { kind: "accepted", uuid: `00000000-0000-4000-8000-${String(i).padStart(12, "0")}` },
          at,
        });
        reportRun(db, { runId, event: { kind: "head" }, at });
        receiveResult(db, { runId, bodyBytes: 100, bodySha256: Buffer.alloc(32, i), at });
        const output = {
          taskName: "infer_yolo_v8",
          taskIndex: 0,
          outputIndex: 1,
          type: "OBJECT_DETECTION",
          encoding: "text" as const,
        };
        const summary = { type: "OBJECT_DETECTION" as const, text: "3 leaves", labels: { leaf: 3 } };
        finishImage(db, { runId, outputs: [{ ...output, json, summary }], files: null, at });
      });
    });
    db.sql("PRAGMA wal_checkpoint(TRUNCATE)").all();
    const { bytes } = db
      .sql("SELECT page_count * page_size AS bytes FROM pragma_page_count, pragma_page_size")
      .get() as { bytes: number };
    const results = db.sql("SELECT sum(length(json)) AS bytes FROM outputs").get() as { bytes: number };
    expect((bytes - results.bytes) / IMAGES).toBeLessThanOrEqual(MOST_BYTES_AN_IMAGE);
    expect(db.sql("SELECT n FROM counters WHERE name = 'DONE'").get()).toEqual({ n: IMAGES });
  },
);
