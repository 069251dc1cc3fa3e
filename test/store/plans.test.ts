import { expect, test } from "vitest";
import { IMAGE_STATES } from "../../electron/contract/image.ts";
import type { Database } from "../../electron/engine/store/database.ts";
import {
  OPERATIONS,
  type OperationInput,
  type OperationName,
} from "../../electron/engine/store/operations.ts";
import { makeBatch, makeReady, openDatabase, plansOf, seenFile } from "./stand.ts";

const batchId = 1;
const at = 5;
const scope = { batchId, states: [...IMAGE_STATES], reason: null, search: "", label: null, imageIds: null };
const failed = { ...scope, states: ["failed" as const] };
const image = { id: 1, leaderId: null, batchId, path: "a.png" };
const failure = { reason: "vanished" as const };
const page = {
  scope,
  sort: "path",
  descending: false,
  after: { value: "m.png", id: 5 },
  limit: 200,
} as const;
const settled = {
  imageId: 5,
  file: seenFile("d.png"),
  fingerprint: 7,
  sha256: new Uint8Array(32),
  width: 1,
  height: 1,
  dedupe: true,
  at,
};

/** One way to ask, and the index or key that finds the rows; several where an operation has several ways. */
type Ways<N extends OperationName> = readonly (readonly [input: OperationInput<N>, index: string])[];

/** What is asked again and again while a batch runs or a window is open: it must cost the same for any number of images. */
const HOT: { readonly [N in OperationName]?: Ways<N> } = {
  listBatches: [[null, "batches"]],
  getBatch: [[batchId, "batches"]],
  ledgerOf: [[batchId, "counters"]],
  stageCounts: [[batchId, "counters"]],
  observeFiles: [
    [{ batchId, walk: null, files: [seenFile("a.png", { mtimeUs: 2 })], mono: 1, at }, "imagesCurrent"],
  ],
  unmetPage: [[{ batchId, walk: 1, afterId: 1, limit: 10 }, "INTEGER PRIMARY KEY"]],
  knownFiles: [[{ batchId, limit: 10 }, "SCAN images"]],
  imageById: [[1, "INTEGER PRIMARY KEY"]],
  seenPage: [[{ batchId, beforeMono: 1, nowMono: 2, limit: 10 }, "imagesSeen"]],
  lookAgain: [[{ imageId: 1, file: seenFile("a.png"), mono: 1, at }, "INTEGER PRIMARY KEY"]],
  unsettle: [[{ imageId: 2, mono: 1, at }, "imagesFollowing"]],
  settleFile: [
    [settled, "imagesContent"],
    [settled, "imagesEarlier"],
    [{ ...settled, sha256: null }, "imagesAlike"],
  ],
  learnHash: [[{ imageId: 1, file: seenFile("a.png"), sha256: new Uint8Array(32) }, "INTEGER PRIMARY KEY"]],
  takeOver: [[{ imageId: 1, fromId: 2, at }, "INTEGER PRIMARY KEY"]],
  refuseFile: [[{ imageId: 3, failure, stage: "MISSING", at }, "imagesFollowing"]],
  fileGone: [[{ imageId: 2, at }, "imagesContent"]],
  pathGone: [[{ batchId, path: "b.png", at }, "imagesCurrent"]],
  reviseImages: [[{ batchId, limit: 10, dedupe: true, at }, "imagesRevision"]],

  dueImages: [[{ batchId, at, limit: 10 }, "imagesClaim"]],
  nextDueAt: [[batchId, "imagesClaim"]],
  bringForward: [[{ batchId, notAfter: at }, "imagesClaim"]],
  shiftDue: [[{ batchId, byMs: 5, mostMs: 60_000, at }, "imagesClaim"]],
  nextSuspect: [
    [{ batchId, wants: "reading", at }, "imagesSuspect"],
    [{ batchId, wants: "sending", at }, "imagesSuspect"],
  ],
  passAlone: [[{ sessionId: 1, imageId: 1 }, "INTEGER PRIMARY KEY"]],
  intendRun: [
    [{ imageId: 2, sessionId: 1, workflowHash: null, maxRuns: 9, at, mono: 1 }, "INTEGER PRIMARY KEY"],
  ],
  reportRun: [[{ runId: 1, event: { kind: "accepted", uuid: "u" }, at }, "runsUuid"]],
  receiveResult: [[{ runId: 1, bodyBytes: 1, bodySha256: new Uint8Array(32), at }, "INTEGER PRIMARY KEY"]],
  finishImage: [[{ runId: 1, outputs: [], files: null, at }, "INTEGER PRIMARY KEY"]],
  finishFollower: [[{ imageId: 3, files: null, at, picturesMissing: false }, "INTEGER PRIMARY KEY"]],
  failFollower: [[{ imageId: 3, failure, at }, "INTEGER PRIMARY KEY"]],
  receivedImages: [[batchId, "imagesFlying"]],
  openRuns: [[batchId, "runsOpen"]],
  lastStarts: [[{ batchId, bootId: "b", limit: 10 }, "runsBatch"]],
  recentRunTimes: [[{ batchId, limit: 10 }, "runsFinished"]],
  outputsOf: [[image, "INTEGER PRIMARY KEY"]],

  pageImages: [
    [page, "imagesCurrent"],
    [{ ...page, after: null, skip: 1 }, "imagesCurrent"],
    [{ ...page, scope: failed }, "imagesStage"],
    [{ ...page, scope: { ...scope, states: ["waiting"] } }, "imagesStage"],
    [{ ...page, scope: { ...scope, states: ["in-flight", "done"] }, descending: true }, "imagesStage"],
    [{ ...page, sort: "updated", after: { value: 5, id: 1 } }, "imagesUpdated"],
    [{ ...page, sort: "bytes", after: { value: 5, id: 1 }, descending: true }, "imagesBytes"],
    [{ ...page, sort: "duration", after: { value: 5, id: 1 } }, "imagesDuration"],
  ],
  exportPage: [[{ scope, after: page.after, limit: 10 }, "imagesCurrent"]],
  exportLines: [[{ scope, after: page.after, limit: 10 }, "imagesCurrent"]],
  runsOf: [[1, "runsImage"]],
  pageRuns: [[{ batchId, afterId: 5, limit: 10 }, "runsBatch"]],
  flyingImages: [[{ batchId, limit: 10 }, "imagesFlying"]],
  earlierRows: [[image, "imagesEarlier"]],
  revisionsOf: [[1, "imagesEarlier"]],
  toFinish: [[{ imageId: 4, runId: 1 }, "imagesEarlier"]],

  changeMark: [[batchId, "imagesUpdated"]],
  changedImages: [[{ batchId, sinceAt: 5, limit: 10 }, "imagesUpdated"]],
  lastEventId: [[null, "events"]],
  eventsAfter: [[{ afterId: 1, limit: 10 }, "e USING INTEGER PRIMARY KEY"]],
  listEvents: [[{ batchId: null, before: null, after: 5, limit: 10 }, "e USING INTEGER PRIMARY KEY"]],
  paceOf: [[{ batchId, sinceAt: 5, sliceMs: 60_000 }, "runsFinished"]],
};

/** The rest, and why it may take longer. */
const REST: { readonly [N in OperationName]?: string } = {
  saveBatch: "by hand",
  setBatchFlags: "by hand",
  revisionDecision: "small table",
  listRevisions: "small table",
  saveWorkflow: "small table",
  lastWorkflow: "small table",
  beginWalk: "no query",
  endWalk: "no query",
  beginSession: "at a start; its runs are those that are open",
  endSession: "at an end",
  recentSessions: "small table",
  lookAt: "small table",
  takeAlone: "writes one row",
  addEvent: "writes one row",
  countImages: "looks at every image of its scope, on a connection of its own",
  countLabels: "looks at every label, for the command line",
  countLabelsWithin: "looks at every label of its scope, on a connection of its own",
  groupFailures: "looks at every image with a reason, on a connection of its own",
  countRetry: "looks at every failed image of its scope, on a connection of its own",
  retryImages: "writes every failed image of its scope, by hand",
  imagesByRevision: "looks at an index, on a connection of its own",
  activityOf: "looks at the runs of a batch, on a connection of its own",
  nightSeries: "looks at the runs of a night, on a connection of its own",
  runTotals: "looks at the runs of a batch, on a connection of its own",
  gateEvents: "looks at the events of a batch, on a connection of its own",
  dataVersion: "no query",
  readAppSettings: "small table",
  saveAppSettings: "small table",
  tablesToCheck: "small table",
  checkTable: "looks at everything, on a connection of its own",
  removedBatches: "small table",
  purgeBatch: "deletes, page by page",
};

/** Tables that grow with the images. */
const LARGE = "images|i|runs|r|outputs|results|labels|l|events|e";
/** Every row of a large table or of an index over all of it; the partial indexes of what waits or flies are small. */
const LOOKS_AT_ALL = new RegExp(
  `SCAN (?:${LARGE})\\b(?! USING INDEX (?:runsOpen|imagesFlying|imagesClaim|imagesSeen)\\b)`,
);

/** Read from the start of the table until enough are found. */
const IN_THE_ORDER_OF_IDS: readonly OperationName[] = ["knownFiles"];
/** One path has few rows; figures of the last hour are grouped. */
const SORTS_FEW: readonly OperationName[] = ["revisionsOf", "toFinish", "paceOf"];

const WAYS = (Object.keys(HOT) as OperationName[]).flatMap((name) =>
  (HOT[name] ?? []).map(([input, index]): [OperationName, string, unknown] => [name, index, input]),
);

/** Three images, the first with an open run, a file that is seen for the first time, and an image whose result came. */
async function smallNight(): Promise<Database> {
  const db = await openDatabase();
  makeBatch(db);
  makeReady(db, batchId, ["a.png", "b.png", "c.png", "e.png"]);
  OPERATIONS.intendRun(db, { imageId: 1, sessionId: 1, workflowHash: null, maxRuns: null, at: 3, mono: 3 });
  OPERATIONS.observeFiles(db, { batchId, walk: null, files: [seenFile("d.png")], mono: 1, at });
  db.sql("UPDATE images SET stage = 'RECEIVED' WHERE path = 'e.png'").run();
  return db;
}

test("every operation of the store is either hot, with its index, or has a reason why it need not be", () => {
  expect([...Object.keys(HOT), ...Object.keys(REST)].sort()).toEqual(Object.keys(OPERATIONS).sort());
});

test.each(WAYS)("%s finds its rows through %s and never looks at all of them", async (name, index, input) => {
  const db = await smallNight();
  const operation = OPERATIONS[name] as (db: Database, input: unknown) => unknown;
  // Numbers of walks go on from test to test.
  const given = name === "unmetPage" ? { ...(input as object), walk: OPERATIONS.beginWalk(db, null) } : input;
  const plans = plansOf(db, (spied) => operation(spied, given));
  expect(plans.length).toBeGreaterThan(0);
  if (!["batches", "counters", "events"].includes(index))
    expect(
      plans.some((steps) => steps.includes(index)),
      plans.join("\n"),
    ).toBe(true);
  for (const steps of plans) {
    if (!IN_THE_ORDER_OF_IDS.includes(name)) expect(steps).not.toMatch(LOOKS_AT_ALL);
    if (!SORTS_FEW.includes(name)) expect(steps).not.toContain("TEMP B-TREE");
  }
});

test("images that a person chose are found by their ids, however many others the batch has", async () => {
  const db = await smallNight();
  const chosen = { ...scope, imageIds: [1, 3] };
  const asked = [
    plansOf(db, (spied) => OPERATIONS.pageImages(spied, { ...page, scope: chosen })),
    plansOf(db, (spied) => OPERATIONS.countImages(spied, chosen)),
    plansOf(db, (spied) => OPERATIONS.countRetry(spied, chosen)),
    plansOf(db, (spied) => OPERATIONS.retryImages(spied, { scope: chosen, at, mono: 1 })),
  ];
  for (const [first] of asked) expect(first).toMatch(/SEARCH i USING INTEGER PRIMARY KEY/);
});
