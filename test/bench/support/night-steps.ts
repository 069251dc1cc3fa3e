import { createHash } from "node:crypto";
import type { Database } from "../../../electron/engine/store/database.ts";
import { observeFiles, seenPage, type SeenFile } from "../../../electron/engine/store/images.ts";
import { finishImage, receiveResult } from "../../../electron/engine/store/results.ts";
import { dueImages, intendRun, reportRun } from "../../../electron/engine/store/runs.ts";
import { settleFile } from "../../../electron/engine/store/settle.ts";

/** Later than everything that a filled data file tells of. */
const AT = 1_790_000_000_000;

/** A result of about 500 characters, as one detection gives. */
const RESULT = JSON.stringify({
  OBJECT_DETECTION: { detections: [{ label: "leaf", note: "x".repeat(430) }] },
});

const shaOf = (text: string): Buffer => createHash("sha256").update(text).digest();

function newFile(number: number): SeenFile {
  const folder = String(Math.floor(number / 500)).padStart(4, "0");
  const path = `new drawer ${folder}/sheet ${String(number).padStart(7, "0")}.tif`;
  return {
    path,
    bytes: 1_000_000 + number,
    mtimeUs: AT * 1000 + number,
    fileId: `66306:${number + 1}`,
    failure: null,
  };
}

/** Takes `count` files in as a walk and two looks do; gives the ids of their images, which are ready then. */
export function addNewImages(db: Database, batchId: number, first: number, count: number): number[] {
  const files = Array.from({ length: count }, (_, i) => newFile(first + i));
  for (let at = 0; at < count; at += 500)
    observeFiles(db, { batchId, walk: null, files: files.slice(at, at + 500), mono: 5, at: AT });
  const byPath = new Map(files.map((file) => [file.path, file]));
  const ids: number[] = [];
  for (const row of seenPage(db, { batchId, beforeMono: 5, nowMono: 6, limit: count + 1_000_000 })) {
    const file = byPath.get(row.path);
    if (file === undefined) continue;
    const fingerprint = shaOf(row.path).readUIntBE(0, 6);
    const settled = { imageId: row.id, file, fingerprint, sha256: null, width: 4000, height: 3000 };
    settleFile(db, { ...settled, dedupe: true, at: AT });
    ids.push(row.id);
  }
  return ids;
}

/** One look for work, as the pump does for every image that it starts. */
export function claimOne(db: Database, batchId: number): void {
  dueImages(db, { batchId, at: AT, limit: 8 });
}

/** Every step of a run of this image, from its intent to its recorded outputs. */
export function finishOne(db: Database, imageId: number): void {
  const at = AT + imageId;
  const intent = intendRun(db, {
    imageId,
    sessionId: 1,
    workflowHash: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    maxRuns: null,
    at,
    mono: at,
  });
  if (intent?.runId == null) throw new Error(`Image ${imageId} is not to be sent`);
  const { runId } = intent;
  const sentSha256 = shaOf(String(imageId));
  const uuid = `00000000-0000-4000-8000-${sentSha256.toString("hex").slice(0, 12)}`;
  reportRun(db, { runId, event: { kind: "accepted", uuid }, sentSha256, at: at + 100 });
  reportRun(db, { runId, event: { kind: "head" }, at: at + 1000 });
  const bodySha256 = shaOf(uuid);
  receiveResult(db, { runId, bodyBytes: RESULT.length, bodySha256, at: at + 1010 });
  const summary = { type: "OBJECT_DETECTION" as const, text: "1 leaf", labels: { leaf: 1 } };
  const output = { taskName: "infer_yolo_v8", taskIndex: 0, outputIndex: 0, type: "OBJECT_DETECTION" };
  finishImage(db, {
    runId,
    outputs: [{ ...output, encoding: "text", json: RESULT, summary }],
    files: null,
    at: at + 1020,
  });
}
