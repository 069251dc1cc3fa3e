import fc from "fast-check";
import { expect, test } from "vitest";
import { learnHash } from "../../electron/engine/store/content.ts";
import type { Database } from "../../electron/engine/store/database.ts";
import { imageById, observeFiles, pathGone, unsettle } from "../../electron/engine/store/images.ts";
import { retryImages } from "../../electron/engine/store/queries.ts";
import { finishImage, receiveResult } from "../../electron/engine/store/results.ts";
import type { StoredImage } from "../../electron/engine/store/rows.ts";
import { dueImages, intendRun, reportRun } from "../../electron/engine/store/runs.ts";
import { reviseImages, settleFile, type SettleOutcome } from "../../electron/engine/store/settle.ts";
import { sha256Of } from "../support/pictures.ts";
import { makeBatch, openDatabase, seenFile } from "./stand.ts";

/** Contents 0 and 1 look alike, 2 looks like no other. */
const printOf = (content: number): number => (content < 2 ? 7 : 8);
const shaOf = (content: number): Buffer => Buffer.from(sha256Of(Buffer.from([content])), "hex");
/** Files of this test carry their content as their time. */
const contentOf = (row: StoredImage): number => row.mtimeUs;

function see(db: Database, batchId: number, path: string, content: number): number {
  const file = seenFile(path, { mtimeUs: content, fileId: `1:${path}` });
  observeFiles(db, { batchId, walk: null, files: [file], mono: 1, at: 1 });
  const row = db.sql("SELECT id FROM images WHERE path = ? AND current = 1").get(path) as { id: number };
  return row.id;
}

function ask(db: Database, imageId: number, sha256: Buffer | null): SettleOutcome {
  const row = imageById(db, imageId);
  if (row === null) throw new Error("no such image");
  const known = { imageId, file: { ...row, failure: null }, fingerprint: printOf(contentOf(row)), sha256 };
  return settleFile(db, { ...known, width: 1, height: 1, dedupe: true, at: 2 });
}

/** What the intake does: unread as long as nothing looks like it, else after all that look alike were read. */
function settle(db: Database, imageId: number): SettleOutcome {
  const first = ask(db, imageId, null);
  if (first.unread === null) return first;
  for (const other of first.unread) {
    const file = { ...other, failure: null };
    learnHash(db, { imageId: other.id, file, sha256: shaOf(contentOf(other)) });
  }
  const row = imageById(db, imageId);
  return ask(db, imageId, shaOf(row === null ? 0 : contentOf(row)));
}

let uuids = 0;

/** Gives the run. */
function intend(db: Database, imageId: number): number {
  const intent = intendRun(db, { imageId, sessionId: 1, workflowHash: null, maxRuns: null, at: 3, mono: 3 });
  if (intent?.runId == null) throw new Error("not to be sent");
  return intent.runId;
}

/** Sends the image and gives its run. */
function send(db: Database, imageId: number): number {
  const runId = intend(db, imageId);
  const row = imageById(db, imageId);
  const event = { kind: "accepted", uuid: `alike-${++uuids}` } as const;
  reportRun(db, { runId, event, sentSha256: shaOf(row === null ? 0 : contentOf(row)), at: 4 });
  return runId;
}

function finish(db: Database, runId: number): void {
  receiveResult(db, { runId, bodyBytes: 1, bodySha256: Buffer.alloc(32), at: 5 });
  finishImage(db, { runId, outputs: [], files: null, at: 6 });
}

async function stand(): Promise<{ db: Database; batchId: number }> {
  const db = await openDatabase();
  return { db, batchId: makeBatch(db) };
}

test("A file that looks like no other is ready unread, and its hash is that of what was sent", async () => {
  const { db, batchId } = await stand();
  const id = see(db, batchId, "a.png", 2);
  expect(ask(db, id, null)).toEqual({ stage: "READY", candidate: null, unread: null });
  expect(imageById(db, id)).toMatchObject({ sha256: null, fingerprint: 8 });
  send(db, id);
  expect(imageById(db, id)?.sha256).toEqual(shaOf(2));
});

test("A second one that looks alike is not ready before both were read", async () => {
  const { db, batchId } = await stand();
  const first = see(db, batchId, "a.png", 0);
  const second = see(db, batchId, "b.png", 1);
  ask(db, first, null);
  const { stage, unread } = ask(db, second, null);
  expect(stage).toBe("SEEN");
  expect(unread?.map(({ id }) => id)).toEqual([first]);
  expect(imageById(db, second)?.stage).toBe("SEEN");
  // Read, they turn out to be two.
  expect(settle(db, second).stage).toBe("READY");
  expect(imageById(db, first)?.sha256).toEqual(shaOf(0));
});

test("Of three that look alike, each is read once", async () => {
  const { db, batchId } = await stand();
  const ids = ["a.png", "b.png", "c.png"].map((path) => see(db, batchId, path, 0));
  ids.slice(0, 2).forEach((id) => settle(db, id));
  expect(ask(db, ids[2] ?? 0, null).unread).toEqual([]);
  expect(settle(db, ids[2] ?? 0).stage).toBe("FOLLOWING");
});

test("What looks like a file of which an earlier version kept only size and hash is compared with it", async () => {
  const { db, batchId } = await stand();
  const first = see(db, batchId, "a.png", 0);
  settle(db, first);
  db.sql("UPDATE images SET fingerprint = -bytes, sha256 = ? WHERE id = ?").run(shaOf(0), first);
  const second = see(db, batchId, "b.png", 0);
  expect(ask(db, second, null).unread).toEqual([]);
  expect(settle(db, second).stage).toBe("FOLLOWING");
});

test("A file that is moved before anyone read it is renamed, not missing", async () => {
  const { db, batchId } = await stand();
  const first = see(db, batchId, "a.png", 2);
  settle(db, first);
  pathGone(db, { batchId, path: "a.png", at: 3 });
  expect(imageById(db, first)?.stage).toBe("MISSING");
  const second = see(db, batchId, "b.png", 2);
  expect(settle(db, second).stage).toBe("READY");
  expect(imageById(db, first)).toMatchObject({ current: 0, history: "renamed" });
});

test("A file that vanished unread stays missing when another only looks like it", async () => {
  const { db, batchId } = await stand();
  const first = see(db, batchId, "a.png", 0);
  settle(db, first);
  pathGone(db, { batchId, path: "a.png", at: 3 });
  const second = see(db, batchId, "b.png", 1);
  expect(settle(db, second).stage).toBe("READY");
  expect(imageById(db, first)).toMatchObject({ current: 1, stage: "MISSING" });
});

test("What was sent under a hash that was known and is another is not taken for that image", async () => {
  const { db, batchId } = await stand();
  const first = see(db, batchId, "a.png", 0);
  settle(db, first);
  const runId = intend(db, first);
  // A copy is settled while the first is being sent: from now on its hash is known, and a follower trusts it.
  settle(db, see(db, batchId, "b.png", 0));
  const event = { kind: "accepted", uuid: `alike-${++uuids}` } as const;
  const applied = reportRun(db, { runId, event, sentSha256: shaOf(1), at: 4 });
  expect(applied).toEqual({ stage: "SEEN", duplicate: false });
  expect(db.sql("SELECT kind FROM events WHERE imageId = ?").get(first)).toEqual({
    kind: "sent-other-bytes",
  });
});

test("After an unknown outcome the hash is known, and a copy waits for the same image", async () => {
  const { db, batchId } = await stand();
  const first = see(db, batchId, "a.png", 0);
  settle(db, first);
  const runId = intend(db, first);
  const event = { kind: "unknown", last: "the connection broke", retryAt: 9 } as const;
  reportRun(db, { runId, event, sentSha256: shaOf(0), at: 4 });
  const second = see(db, batchId, "b.png", 0);
  expect(ask(db, second, null).unread).toEqual([]);
  expect(settle(db, second).stage).toBe("FOLLOWING");
});

test("An image that was refused unread is tried again by hand, and under other settings", async () => {
  const { db, batchId } = await stand();
  const id = see(db, batchId, "a.png", 2);
  settle(db, id);
  const refuse = (): void => {
    const runId = intend(db, id);
    const failure = { reason: "too-large", bytes: 1000 } as const;
    reportRun(db, { runId, event: { kind: "refused", failure }, at: 4 });
    expect(imageById(db, id)).toMatchObject({ stage: "FAILED", sha256: null });
  };
  refuse();
  const scope = { states: ["failed" as const], reason: null, search: "", label: null, imageIds: null };
  retryImages(db, { scope: { ...scope, batchId }, at: 5, mono: 5 });
  expect(imageById(db, id)?.stage).toBe("READY");
  refuse();
  makeBatch(db, "True");
  reviseImages(db, { batchId, limit: 10, dedupe: true, at: 6 });
  const fresh = db.sql("SELECT * FROM images WHERE path = 'a.png' AND current = 1").get() as StoredImage;
  expect(fresh.stage).toBe("SEEN");
  expect(settle(db, fresh.id).stage).toBe("READY");
  expect(dueImages(db, { batchId, at: 9, limit: 9 }).map((image) => image.id)).toEqual([fresh.id]);
});

test("Equal files are run once and others each on their own, in whatever order they come and are sent", async () => {
  const { db, batchId } = await stand();
  const rollback = new Error("undo");
  const step = fc.oneof(
    fc.record({ do: fc.constant("see" as const), content: fc.nat(2) }),
    fc.constant({ do: "settle" as const }),
    fc.constant({ do: "send" as const }),
    fc.constant({ do: "finish" as const }),
    fc.constant({ do: "unsettle" as const }),
  );
  const firstIn = (stage: string): number | undefined =>
    (
      db.sql("SELECT id FROM images WHERE stage = ? AND current = 1 ORDER BY id LIMIT 1").get(stage) as
        { id: number } | undefined
    )?.id;
  const flying: number[] = [];
  let seen = 0;
  const perform = (what: { do: string; content?: number }): void => {
    const [fresh, ready, runId] = [firstIn("SEEN"), firstIn("READY"), flying[0]];
    if (what.do === "see") see(db, batchId, `${++seen}.png`, what.content ?? 0);
    if (what.do === "settle" && fresh !== undefined) settle(db, fresh);
    if (what.do === "send" && ready !== undefined) flying.push(send(db, ready));
    if (what.do === "finish" && runId !== undefined) finish(db, flying.shift() ?? 0);
    if (what.do === "unsettle" && ready !== undefined) unsettle(db, { imageId: ready, mono: 1, at: 7 });
  };
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      flying.length = 0;
      try {
        db.transaction(() => {
          steps.forEach(perform);
          for (let more = 0; more < 60; more++)
            for (const name of ["settle", "send", "finish"]) perform({ do: name });
          const runs = db
            .sql(
              "SELECT i.mtimeUs AS content, count(*) AS n FROM runs r JOIN images i ON i.id = r.imageId GROUP BY 1",
            )
            .all() as { content: number; n: number }[];
          const contents = db.sql("SELECT DISTINCT mtimeUs AS content FROM images").all();
          expect(runs.map(({ n }) => n)).toEqual(runs.map(() => 1));
          expect(runs).toHaveLength(contents.length);
          const wrong = db
            .sql(
              "SELECT f.path FROM images f JOIN images l ON l.id = f.leaderId WHERE f.mtimeUs <> l.mtimeUs",
            )
            .all();
          expect(wrong).toEqual([]);
          throw rollback;
        });
      } catch (error) {
        if (error !== rollback) throw error;
      }
    }),
    { numRuns: 300 },
  );
});
