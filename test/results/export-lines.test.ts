import { expect, test } from "vitest";
import { exportImage } from "../../electron/contract/export.ts";
import { IMAGE_STATES } from "../../electron/contract/image.ts";
import { packJson } from "../../electron/engine/results/compress.ts";
import { exportImageOf } from "../../electron/engine/results/export-rows.ts";
import type { Database } from "../../electron/engine/store/database.ts";
import { refuseFile } from "../../electron/engine/store/images.ts";
import { OPERATIONS } from "../../electron/engine/store/operations.ts";
import { finishImage, receiveResult } from "../../electron/engine/store/results.ts";
import { intendRun, reportRun } from "../../electron/engine/store/runs.ts";
import { makeBatch, makeReady, openDatabase } from "../store/stand.ts";

const NAMES = [
  "a b",
  'q"uote',
  "back\\slash",
  "new\nline",
  "é\u2028ß",
  "tab\t%25",
  "NUL",
  "😀",
  "e\u0001",
  "plain",
];
const RESULTS: unknown[] = [
  { TEXT: 'a "quoted" \\ text\n' },
  { DATA_DICT: { long: "x".repeat(9000), "\u2028": null } },
  { IMAGE: { file: ".blur-0.1.png" } },
  { OBJECT_DETECTION: { detections: [{ label: "leaf", confidence: 0.1 + 0.2, huge: 1e300, box: [] }] } },
];

/** A run of this image from its intent to where `end` leaves it; every moment has milliseconds of its own. */
function run(db: Database, imageId: number, results: readonly unknown[], files: string[] | null): void {
  const at = 1_763_000_000_000 + imageId * 1_234_567;
  const intent = intendRun(db, { imageId, sessionId: 1, workflowHash: null, maxRuns: null, at, mono: at });
  const runId = intent?.runId ?? 0;
  reportRun(db, { runId, event: { kind: "accepted", uuid: `uuid "${imageId}"` }, at: at + 1 });
  reportRun(db, { runId, event: { kind: "head" }, at: at + 999 });
  receiveResult(db, { runId, bodyBytes: 1, bodySha256: Buffer.alloc(32), at: at + 1001 });
  const outputs = results.map((result, outputIndex) => {
    const { encoding, data } = packJson(result);
    const summary = { type: "TEXT" as const, text: "", labels: {} };
    return { taskName: "t", taskIndex: 0, outputIndex, type: "TEXT", encoding, json: data, summary };
  });
  finishImage(db, { runId, outputs, files, at: at + 1002 });
}

test("a line that the database makes is the one that reading every value gives", async () => {
  const db = await openDatabase();
  const batchId = makeBatch(db);
  const ids = makeReady(
    db,
    batchId,
    NAMES.map((name, i) => `folder ${i % 2}/${name}.tif`),
  );
  run(db, ids[0]!, RESULTS, null);
  run(db, ids[1]!, [], null);
  run(db, ids[2]!, RESULTS.slice(2), ['other "name".json', "b/c.png"]);
  run(db, ids[3]!, RESULTS.slice(0, 1), null);
  refuseFile(db, { imageId: ids[4]!, failure: { reason: "vanished" }, stage: "MISSING", at: 5 });
  const failed = intendRun(db, {
    imageId: ids[5]!,
    sessionId: 1,
    workflowHash: null,
    maxRuns: null,
    at: 7,
    mono: 7,
  });
  reportRun(db, { runId: failed?.runId ?? 0, event: { kind: "accepted", uuid: "f" }, at: 8 });
  const error = { kind: "workflow-error", status: 520, message: "no", retryAt: 9 } as const;
  reportRun(db, { runId: failed?.runId ?? 0, event: error, at: 9 });
  db.sql("UPDATE images SET stage = 'DONE', leaderId = ? WHERE id = ?").run(ids[0], ids[6]);

  const scope = { batchId, states: [...IMAGE_STATES], reason: null, search: "", label: null, imageIds: null };
  const expected = OPERATIONS.exportPage(db, { scope, after: null, limit: 100 })
    .map((row) => `${JSON.stringify(exportImage(exportImageOf(row)))}\n`)
    .join("");
  const { lines, images, last } = OPERATIONS.exportLines(db, { scope, after: null, limit: 100 });
  expect(lines).toBe(expected);
  expect(images).toBe(NAMES.length);
  const first = OPERATIONS.exportLines(db, { scope, after: null, limit: 4 });
  const rest = OPERATIONS.exportLines(db, { scope, after: first.last, limit: 100 });
  expect(first.lines + rest.lines).toBe(expected);
  expect(rest.last).toEqual(last);
});
