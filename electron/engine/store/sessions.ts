import type { Database } from "./database.ts";
import { addEvent } from "./events.ts";
import { receiveResult } from "./results.ts";
import { reportRun } from "./runs.ts";
import type { StoredRun } from "./rows.ts";
import { guiltyOfUnknown, setAside, suspectInHand } from "./suspects.ts";

export interface SessionStart {
  bootId: string;
  at: number;
  /** When an image whose submission has an unknown outcome may be sent again, by batch; null = a person decides. */
  retryUnknownAt: ReadonlyMap<number, number | null>;
  /** Answers that lie complete on this disk, by run. */
  spooled: ReadonlyMap<number, { bodyBytes: number; bodySha256: Uint8Array }>;
}

/**
 * Begins a session and settles what an earlier one left open, in one transaction, before any request is made:
 * INTENT: outcome unknown. SUBMITTED after an unclean end: perhaps consumed. RECEIVING: received if its bytes are
 * complete on disk, else surely consumed. RECEIVED stays: its outputs are still to be written.
 */
export function beginSession(
  db: Database,
  input: SessionStart,
): { sessionId: number; unclean: boolean; open: number; isStorm: boolean } {
  const last = db
    .sql("SELECT id, bootId, cleanExit, aloneImageId FROM sessions ORDER BY id DESC LIMIT 1")
    .get() as { id: number; bootId: string; cleanExit: number; aloneImageId: number | null } | undefined;
  const unclean = last !== undefined && last.cleanExit === 0;
  // A machine that went down took the program with it: no image did.
  const died = unclean && last.bootId === input.bootId ? last : null;
  const guilty = died === null ? [] : suspectInHand(db, died, input.at);
  db.sql("DELETE FROM looking").run();
  const isStorm = unclean && noticeStorm(db, input.at);
  const made = db.sql("INSERT INTO sessions (startedAt, bootId) VALUES (?, ?)").run(input.at, input.bootId);
  const open = db
    .sql(
      `SELECT * FROM runs INDEXED BY runsOpen WHERE state IN ('INTENT', 'SUBMITTED', 'RECEIVING', 'RECEIVED') AND state <> 'RECEIVED' ORDER BY id`,
    )
    .all() as StoredRun[];
  for (const run of open) followUp(db, run, input, unclean);
  if (guilty.length === 0) guilty.push(...guiltyOfUnknown(db, died?.aloneImageId ?? null));
  for (const each of guilty) setAside(db, each, input.at);
  if (unclean && open.length > 0) {
    for (const batchId of new Set(open.map((run) => run.batchId))) {
      const inFlight = open.filter((run) => run.batchId === batchId).length;
      addEvent(db, input.at, { batchId, kind: "ended-without-word", detail: { inFlight } });
    }
  }
  return { sessionId: Number(made.lastInsertRowid), unclean, open: open.length, isStorm };
}

/** So many ends without a word within this time are a storm: the next start is a careful one. */
const STORM = { ends: 3, withinMs: 10 * 60_000 } as const;

function noticeStorm(db: Database, at: number): boolean {
  const ends = recentSessions(db, at - STORM.withinMs).filter(({ cleanExit }) => cleanExit === 0).length;
  if (ends < STORM.ends) return false;
  const detail = { ends, withinMs: STORM.withinMs };
  addEvent(db, at, { batchId: null, kind: "restart-storm", detail });
  return true;
}

function followUp(db: Database, run: StoredRun, input: SessionStart, unclean: boolean): void {
  const { at } = input;
  const spooled = input.spooled.get(run.id);
  const last = "Nightrun stopped while it was being sent";
  if (run.state === "INTENT") {
    reportRun(db, {
      runId: run.id,
      event: { kind: "unknown", last, retryAt: input.retryUnknownAt.get(run.batchId) ?? null },
      at,
    });
  } else if (spooled !== undefined) {
    receiveResult(db, { runId: run.id, ...spooled, at });
  } else if (run.state === "RECEIVING") {
    reportRun(db, { runId: run.id, event: { kind: "doubt", level: 2 }, at });
  } else if (unclean) {
    reportRun(db, { runId: run.id, event: { kind: "doubt", level: 1 }, at });
  }
}

export function endSession(db: Database, input: { sessionId: number; at: number }): void {
  db.sql("UPDATE sessions SET endedAt = ?, cleanExit = 1 WHERE id = ?").run(input.at, input.sessionId);
}

/** When the session before this one started and whether it ended well: for restart-storm protection. */
export function recentSessions(
  db: Database,
  sinceAt: number,
): { startedAt: number; endedAt: number | null; cleanExit: number }[] {
  return db
    .sql("SELECT startedAt, endedAt, cleanExit FROM sessions WHERE startedAt >= ? ORDER BY id DESC")
    .all(sinceAt) as { startedAt: number; endedAt: number | null; cleanExit: number }[];
}
