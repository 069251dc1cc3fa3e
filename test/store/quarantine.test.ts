import { expect, test } from "vitest";
import { IMAGE_STATES } from "../../electron/contract/image.ts";
import { createHands } from "../../electron/engine/hands.ts";
import type { Database } from "../../electron/engine/store/database.ts";
import { imageById } from "../../electron/engine/store/images.ts";
import { OPERATIONS } from "../../electron/engine/store/operations.ts";
import { openStore } from "../../electron/engine/store/store.ts";
import { dataFilePath, makeBatch, makeReady, openDatabase } from "./stand.ts";

const batchId = 1;
let at = 1_000_000;

/** Begins a session after the one before it ended without a word. */
function begin(db: Database, bootId = "boot"): { sessionId: number; isStorm: boolean } {
  at += 60_000;
  return OPERATIONS.beginSession(db, {
    bootId,
    at,
    retryUnknownAt: new Map([[batchId, at]]),
    spooled: new Map(),
  });
}

function send(db: Database, imageId: number, sessionId: number): void {
  const intent = { imageId, sessionId, workflowHash: null, maxRuns: null, at, mono: 1 };
  expect(OPERATIONS.intendRun(db, intent)?.runId).toBeGreaterThan(0);
}

async function twoImages(): Promise<Database> {
  const db = await openDatabase();
  makeBatch(db);
  makeReady(db, batchId, ["a.png", "b.png"]);
  return db;
}

const rowOf = (db: Database, id: number): ReturnType<typeof imageById> => imageById(db, id);
const due = (db: Database): number[] =>
  OPERATIONS.dueImages(db, { batchId, at, limit: 10 }).map((image) => image.id);
const suspect = (db: Database): number | undefined =>
  OPERATIONS.nextSuspect(db, { batchId, wants: "sending", at })?.id;

test("An image in hand at two deaths is kept back from the others, and one that passes a step is clear", async () => {
  const db = await twoImages();
  let { sessionId } = begin(db);
  send(db, 1, sessionId);
  send(db, 2, sessionId);
  ({ sessionId } = begin(db));
  expect(rowOf(db, 1)).toMatchObject({ stage: "UNCERTAIN", suspected: 1 });
  expect(due(db)).toEqual([1, 2]);
  send(db, 1, sessionId);
  send(db, 2, sessionId);
  OPERATIONS.reportRun(db, { runId: 4, event: { kind: "accepted", uuid: "u" }, at });
  expect(rowOf(db, 2)).toMatchObject({ suspected: 0 });
  begin(db);
  expect(rowOf(db, 1)).toMatchObject({ suspected: 2, crashes: 0 });
  expect(due(db)).toEqual([]);
  expect(suspect(db)).toBe(1);
});

test("Only deaths with it alone in hand are proof; what is proven is set aside with words, and a retry frees it", async () => {
  const db = await twoImages();
  begin(db);
  db.sql("UPDATE images SET suspected = 2, stage = 'RECEIVED' WHERE id = 1").run();
  for (const crashes of [1, 2]) {
    const { sessionId } = begin(db);
    OPERATIONS.takeAlone(db, { sessionId, imageId: 1 });
    send(db, 2, sessionId);
    begin(db);
    // The other one was not in hand: it waits as its run tells.
    expect(rowOf(db, 2)).toMatchObject({ suspected: 0 });
    db.sql("UPDATE images SET stage = 'READY', uncertain = 0 WHERE id = 2").run();
    if (crashes === 1) expect(rowOf(db, 1)).toMatchObject({ stage: "RECEIVED", suspected: 3, crashes });
  }
  const aside = rowOf(db, 1);
  expect(aside).toMatchObject({ stage: "FAILED", reason: "quarantined" });
  const scope = { batchId, states: [...IMAGE_STATES], reason: null, search: "", label: null, imageIds: null };
  OPERATIONS.retryImages(db, { scope, at, mono: 1 });
  expect(rowOf(db, 1)).toMatchObject({ reason: null, suspected: 0, crashes: 0 });
});

test("A trial that it survives clears it", async () => {
  const db = await twoImages();
  const { sessionId } = begin(db);
  db.sql("UPDATE images SET suspected = 2, crashes = 1 WHERE id = 1").run();
  OPERATIONS.takeAlone(db, { sessionId, imageId: 1 });
  OPERATIONS.passAlone(db, { sessionId, imageId: 1 });
  begin(db);
  expect(rowOf(db, 1)).toMatchObject({ suspected: 0, crashes: 0 });
});

test("A machine that went down suspects nobody", async () => {
  const db = await twoImages();
  const { sessionId } = begin(db);
  send(db, 1, sessionId);
  OPERATIONS.takeAlone(db, { sessionId, imageId: 1 });
  begin(db, "another boot");
  expect(rowOf(db, 1)).toMatchObject({ stage: "UNCERTAIN", suspected: 0, crashes: 0 });
});

test("Three ends without a word within ten minutes are a storm, and it is said", async () => {
  const db = await twoImages();
  expect([1, 2, 3, 4].map(() => begin(db).isStorm)).toEqual([false, false, false, true]);
  const kinds = OPERATIONS.eventsAfter(db, { afterId: 0, limit: 10 }).map((event) => event.kind);
  expect(kinds).toContain("restart-storm");
  at += 11 * 60_000;
  expect(begin(db).isStorm).toBe(false);
});

test("A suspect is in hand alone: it waits for the others, and they for it", async () => {
  const opened = await openStore({
    file: await dataFilePath(),
    mode: "write",
    clock: { now: () => 0, mono: () => 0, sleep: () => Promise.resolve() },
  });
  if (!opened.ok) throw new Error(opened.failure.reason);
  const hands = createHands(opened.value, 1, {
    now: () => 0,
    mono: () => 0,
    sleep: () => Promise.resolve(),
  });
  const inHand = new Set<number>();
  const together: number[][] = [];
  async function work(id: number): Promise<void> {
    inHand.add(id);
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    together.push([...inHand]);
    inHand.delete(id);
  }
  await Promise.all([0, 0, 2, 0, 3, 0].map((suspected, id) => hands.hold({ id, suspected }, () => work(id))));
  await opened.value.close();
  expect(together).toHaveLength(6);
  for (const ids of together) if (ids.includes(2) || ids.includes(4)) expect(ids).toHaveLength(1);
});
