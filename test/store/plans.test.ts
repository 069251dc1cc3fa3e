import { expect, test } from "vitest";
import { IMAGE_STATES } from "../../electron/contract/image.ts";
import type { Database } from "../../electron/engine/store/database.ts";
import { observeFiles, pathGone, seenPage } from "../../electron/engine/store/images.ts";
import { pageImages, type PageQuery } from "../../electron/engine/store/image-pages.ts";
import { receivedImages } from "../../electron/engine/store/results.ts";
import { dueImages, nextDueAt, openRuns } from "../../electron/engine/store/runs.ts";
import { makeBatch, makeReady, openDatabase, plansOf, seenFile } from "./stand.ts";

const scope = {
  batchId: 1,
  states: [...IMAGE_STATES],
  reason: null,
  search: "",
  label: null,
  imageIds: null,
};
const page = (change: Partial<PageQuery>): PageQuery => ({
  scope,
  sort: "path",
  descending: false,
  after: { value: "m.png", id: 5 },
  limit: 200,
  ...change,
});

const HOT: [string, string, (db: Database) => unknown][] = [
  ["The next images to send", "imagesClaim", (db) => dueImages(db, { batchId: 1, at: 5, limit: 10 })],
  ["The time when the next image is due", "imagesClaim", (db) => nextDueAt(db, 1)],
  [
    "Files that wait for a second look",
    "imagesSeen",
    (db) => seenPage(db, { batchId: 1, beforeMono: 1, nowMono: 2, limit: 10 }),
  ],
  ["Runs that are to be followed up", "runsOpen", (db) => openRuns(db, 1)],
  ["Results that are to be written", "imagesFlying", (db) => receivedImages(db, 1)],
  [
    "The row of a path that was seen",
    "imagesCurrent",
    (db) => observeFiles(db, { batchId: 1, walk: null, files: [seenFile("a.png")], mono: 1, at: 1 }),
  ],
  [
    "The row of a path that is gone",
    "imagesCurrent",
    (db) => pathGone(db, { batchId: 1, path: "b.png", at: 1 }),
  ],
  ["A page of all images by path", "imagesCurrent", (db) => pageImages(db, page({}))],
  [
    "A page of one state by path",
    "imagesStage",
    (db) => pageImages(db, page({ scope: { ...scope, states: ["failed"] } })),
  ],
];

test.each(HOT)("%s are found through %s, without a look at every row", async (_what, index, work) => {
  const db = await openDatabase();
  const batchId = makeBatch(db);
  makeReady(db, batchId, ["a.png", "b.png", "c.png"]);
  const plans = plansOf(db, work);
  const plan = plans.find((steps) => steps.includes(index));
  expect(plan, plans.join("\n")).toBeDefined();
  for (const steps of plans) expect(steps).not.toMatch(/SCAN (images|i|runs|r)\b(?! USING)/);
  expect(plan).not.toContain("TEMP B-TREE FOR ORDER BY");
});
