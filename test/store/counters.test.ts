import fc from "fast-check";
import { expect, test } from "vitest";
import { isBalanced } from "../../electron/contract/image.ts";
import { ledgerOf } from "../../electron/engine/store/batches.ts";
import { learnHash } from "../../electron/engine/store/content.ts";
import type { Database } from "../../electron/engine/store/database.ts";
import { observeFiles, pathGone, refuseFile } from "../../electron/engine/store/images.ts";
import { retryImages } from "../../electron/engine/store/queries.ts";
import { finishFollower, finishImage, receiveResult } from "../../electron/engine/store/results.ts";
import type { StoredImage, StoredRun } from "../../electron/engine/store/rows.ts";
import { intendRun, reportRun } from "../../electron/engine/store/runs.ts";
import {
  reviseImages,
  settleFile,
  takeOver,
  type SettleOutcome,
} from "../../electron/engine/store/settle.ts";
import type { RunEvent } from "../../electron/engine/transitions.ts";
import { sha256Of } from "../support/pictures.ts";
import { makeBatch, openDatabase, seenFile } from "./stand.ts";

const PATHS = ["a.png", "b.png", "c.png", "sub/d.png"];
const EVENTS: RunEvent[] = [
  { kind: "not-accepted", note: "busy" },
  { kind: "refused", failure: { reason: "refused-input", status: 422, detail: "" } },
  { kind: "unknown", last: "reset", retryAt: 1 },
  { kind: "file-changed" },
  { kind: "head" },
  { kind: "doubt", level: 1 },
  { kind: "lost", waitedMs: null, retryAt: 1 },
  { kind: "workflow-error", status: 520, message: "no", retryAt: 1 },
  { kind: "unwritable", failure: { reason: "cannot-write-output", file: "x", code: "EACCES" } },
];

type Doing =
  | { do: "see"; path: number; content: number }
  | { do: "settle"; content: number; dedupe: boolean }
  | { do: "gone"; path: number }
  | { do: "refuse" }
  | { do: "intend" }
  | { do: "report"; event: number }
  | { do: "accept"; content: number }
  | { do: "finish" }
  | { do: "retry" }
  | { do: "revise"; parameter: boolean; dedupe: boolean };

const doing: fc.Arbitrary<Doing> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("see" as const), path: fc.nat(3), content: fc.nat(2) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("settle" as const), content: fc.nat(2), dedupe: fc.boolean() }),
  },
  fc.record({ do: fc.constant("gone" as const), path: fc.nat(3) }),
  fc.constant({ do: "refuse" as const }),
  { weight: 4, arbitrary: fc.constant({ do: "intend" as const }) },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant("report" as const), event: fc.nat(EVENTS.length - 1) }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("accept" as const), content: fc.nat(2) }) },
  { weight: 4, arbitrary: fc.constant({ do: "finish" as const }) },
  fc.constant({ do: "retry" as const }),
  fc.record({ do: fc.constant("revise" as const), parameter: fc.boolean(), dedupe: fc.boolean() }),
);

function first(db: Database, stages: string): StoredImage | undefined {
  return db
    .sql(`SELECT * FROM images WHERE current = 1 AND stage IN (${stages}) ORDER BY id LIMIT 1`)
    .get() as StoredImage | undefined;
}

function openRun(db: Database): StoredRun | undefined {
  return db
    .sql(
      "SELECT * FROM runs WHERE state IN ('INTENT', 'SUBMITTED', 'RECEIVING', 'RECEIVED') ORDER BY id LIMIT 1",
    )
    .get() as StoredRun | undefined;
}

const STAGES_WITH_REASON = new Set(["FAILED", "MISSING", "SKIPPED", "UNCERTAIN"]);
let uuids = 0;
const met = new Set<string>();

function perform(db: Database, batchId: number, what: Doing): void {
  const at = 10;
  switch (what.do) {
    case "see": {
      const path = PATHS[what.path] ?? "";
      observeFiles(db, {
        batchId,
        walk: null,
        files: [seenFile(path, { mtimeUs: what.content })],
        mono: 1,
        at,
      });
      return;
    }
    case "settle": {
      const row = first(db, "'SEEN'");
      if (row === undefined) return;
      const sha256 = Buffer.from(sha256Of(Buffer.from([what.content])), "hex");
      const file = seenFile(row.path, { mtimeUs: row.mtimeUs, fileId: row.fileId, bytes: row.bytes });
      const { dedupe } = what;
      const settle = (sha: Buffer | null): SettleOutcome =>
        settleFile(db, {
          ...{ imageId: row.id, file, fingerprint: what.content >> 1, sha256: sha },
          ...{ width: 1, height: 1, dedupe, at },
        });
      const { unread, candidate } = settle(null);
      for (const other of unread ?? [])
        learnHash(db, { imageId: other.id, file: { ...other, failure: null }, sha256 });
      const other = unread === null ? candidate : settle(sha256).candidate;
      if (other !== null) takeOver(db, { imageId: row.id, fromId: other.imageId, at });
      return;
    }
    case "gone":
      pathGone(db, { batchId, path: PATHS[what.path] ?? "", at });
      return;
    case "refuse": {
      const row = first(db, "'SEEN', 'READY'");
      const failure = { reason: "unreadable", code: "EACCES" } as const;
      if (row !== undefined) refuseFile(db, { imageId: row.id, failure, stage: "FAILED", at });
      return;
    }
    case "intend": {
      const row = first(db, "'READY', 'UNCERTAIN'");
      if (row !== undefined)
        intendRun(db, { imageId: row.id, sessionId: 1, workflowHash: null, maxRuns: null, at, mono: 1 });
      return;
    }
    case "report": {
      const run = openRun(db);
      const event = EVENTS[what.event];
      if (run !== undefined && event !== undefined) reportRun(db, { runId: run.id, event, at });
      return;
    }
    case "accept": {
      const run = openRun(db);
      const sentSha256 = Buffer.from(sha256Of(Buffer.from([what.content])), "hex");
      const event = { kind: "accepted", uuid: `u-${++uuids}` } as const;
      if (run !== undefined) reportRun(db, { runId: run.id, event, sentSha256, at });
      return;
    }
    case "finish":
      finish(db, at);
      return;
    case "retry": {
      const scope = {
        batchId,
        states: ["failed" as const, "uncertain" as const],
        reason: null,
        search: "",
        label: null,
        imageIds: null,
      };
      retryImages(db, { scope, at, mono: 1 });
      return;
    }
    case "revise":
      makeBatch(db, what.parameter ? "True" : "False");
      reviseImages(db, { batchId, limit: 100, dedupe: what.dedupe, at });
  }
}

function finish(db: Database, at: number): void {
  const run = openRun(db);
  if (run !== undefined) {
    receiveResult(db, { runId: run.id, bodyBytes: 1, bodySha256: Buffer.alloc(32), at });
    finishImage(db, { runId: run.id, outputs: [], files: null, at });
  }
  const follower = db
    .sql("SELECT id FROM images WHERE stage = 'RECEIVED' AND leaderId IS NOT NULL AND current = 1 LIMIT 1")
    .get() as { id: number } | undefined;
  if (follower !== undefined)
    finishFollower(db, { imageId: follower.id, files: null, at, picturesMissing: false });
}

/** What the counters should say, counted row by row. */
function recount(db: Database): Record<string, number> {
  const stages = db
    .sql("SELECT stage AS name, count(*) AS n FROM images WHERE current = 1 GROUP BY stage")
    .all();
  const runs = db.sql("SELECT count(*) AS n FROM runs WHERE state <> 'REJECTED'").get() as { n: number };
  const rows = stages as { name: string; n: number }[];
  const seen = rows.reduce((sum, { n }) => sum + n, 0);
  return Object.fromEntries(
    [...rows.map(({ name, n }): [string, number] => [name, n]), ["seen", seen], ["runs", runs.n]].filter(
      ([, n]) => n !== 0,
    ) as [string, number][],
  );
}

test(
  "After any operations in any order the counters equal a recount, the ledger balances and no end is without a reason",
  { timeout: 120_000 },
  async () => {
    const db = await openDatabase();
    const rollback = new Error("undo");
    fc.assert(
      fc.property(fc.array(doing, { minLength: 20, maxLength: 60 }), (doings) => {
        try {
          db.transaction(() => {
            const batchId = makeBatch(db);
            for (const what of doings) {
              perform(db, batchId, what);
              for (const stage of db.sql("SELECT DISTINCT stage FROM images").all() as { stage: string }[])
                met.add(stage.stage);
              const counters = db.sql("SELECT name, n FROM counters WHERE n <> 0").all() as {
                name: string;
                n: number;
              }[];
              expect(Object.fromEntries(counters.map(({ name, n }) => [name, n]))).toEqual(recount(db));
              expect(isBalanced(ledgerOf(db, batchId).ledger)).toBe(true);
            }
            const silent = db
              .sql(
                "SELECT path FROM images WHERE stage IN ('FAILED', 'MISSING', 'SKIPPED') AND reason IS NULL",
              )
              .all();
            expect(silent).toEqual([]);
            const talking = db
              .sql("SELECT path, stage, reason FROM images WHERE current = 1 AND reason IS NOT NULL")
              .all() as { stage: string }[];
            expect(talking.filter(({ stage }) => !STAGES_WITH_REASON.has(stage))).toEqual([]);
            const stranded = db
              .sql(
                `SELECT f.path, f.stage, l.stage AS leader, l.current FROM images f JOIN images l ON l.id = f.leaderId
                 WHERE f.current = 1 AND (
                   f.stage = 'FOLLOWING' AND (l.stage IN ('FAILED', 'SKIPPED', 'MISSING', 'DONE', 'FOLLOWING')
                     OR l.current = 0 AND l.stage IN ('SEEN', 'READY', 'UNCERTAIN'))
                   OR f.stage IN ('RECEIVED', 'DONE') AND NOT EXISTS (SELECT 1 FROM results r WHERE r.imageId = l.id))`,
              )
              .all();
            expect(stranded).toEqual([]);
            throw rollback;
          });
        } catch (error) {
          if (error !== rollback) throw error;
        }
      }),
      { numRuns: 400 },
    );
    // Else the operations above never led anywhere, and nothing was shown.
    expect([...met]).toEqual(
      expect.arrayContaining([
        "SEEN",
        "READY",
        "FOLLOWING",
        "SENDING",
        "SUBMITTED",
        "UNCERTAIN",
        "DONE",
        "FAILED",
      ]),
    );
  },
);
