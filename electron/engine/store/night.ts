import type { Database } from "./database.ts";

/**
 * From when to when a batch was last worked on, in milliseconds since 1970; null = no run yet. `firstAt` is the first
 * run of the last `withinMs` before `lastAt`.
 */
export function activityOf(
  db: Database,
  input: { batchId: number; withinMs: number },
): { firstAt: number; lastAt: number } | null {
  const { batchId, withinMs } = input;
  const last = db
    .sql(
      `SELECT (SELECT max(finishedAt) FROM runs WHERE batchId = @batchId) AS lastFinish,
       (SELECT max(intentAt) FROM runs WHERE batchId = @batchId) AS lastStart`,
    )
    .get({ batchId }) as { lastFinish: number | null; lastStart: number | null };
  if (last.lastStart === null) return null;
  const lastAt = Math.max(last.lastStart, last.lastFinish ?? 0);
  const { firstAt } = db
    .sql("SELECT min(intentAt) AS firstAt FROM runs WHERE batchId = @batchId AND intentAt >= @sinceAt")
    .get({ batchId, sinceAt: Math.min(last.lastStart, lastAt - withinMs) }) as { firstAt: number };
  return { firstAt, lastAt };
}

export interface SeriesQuery {
  batchId: number;
  fromAt: number;
  bucketMs: number;
  buckets: number;
}

/** Sparse: buckets in which nothing happened are left out. Bucket i covers `fromAt + i * bucketMs`. */
export interface NightSeries {
  done: { bucket: number; images: number; medianMs: number }[];
  /** Images that took over another one's result. */
  shared: { bucket: number; images: number }[];
  /** How the number of runs outstanding changed; bucket -1 = before the first. */
  outstanding: { bucket: number; change: number }[];
}

/**
 * What happened to the images and runs of a batch over time. Numbers from JavaScript arrive in SQLite as floating-point
 * ones, hence the casts.
 */
export function nightSeries(db: Database, query: SeriesQuery): NightSeries {
  const { batchId, fromAt, bucketMs } = query;
  const untilAt = fromAt + bucketMs * query.buckets;
  const range = { batchId, fromAt, untilAt, bucketMs };
  const shared = db
    .sql(
      `SELECT CAST((updatedAt - @fromAt) / @bucketMs AS INTEGER) AS bucket, count(*) AS images FROM images INDEXED BY imagesUpdated
       WHERE batchId = @batchId AND updatedAt >= @fromAt AND updatedAt < @untilAt AND current = 1 AND stage = 'DONE' AND leaderId IS NOT NULL
       GROUP BY bucket`,
    )
    .all(range) as NightSeries["shared"];
  return { done: doneRuns(db, range), shared, outstanding: outstanding(db, range) };
}

interface Range {
  batchId: number;
  fromAt: number;
  untilAt: number;
  bucketMs: number;
}

/** Medians are taken here: SQLite's window functions take three times as long for a long night. */
function doneRuns(db: Database, range: Range): NightSeries["done"] {
  const rows = db
    .sql(
      `SELECT CAST((finishedAt - @fromAt) / @bucketMs AS INTEGER), max(0, finishedAt - coalesce(submittedAt, intentAt))
       FROM runs INDEXED BY runsFinished WHERE batchId = @batchId AND state = 'DONE' AND finishedAt >= @fromAt AND finishedAt < @untilAt`,
    )
    .raw()
    .all(range) as [bucket: number, ms: number][];
  const buckets = new Map<number, number[]>();
  for (const [bucket, ms] of rows) {
    const times = buckets.get(bucket);
    if (times === undefined) buckets.set(bucket, [ms]);
    else times.push(ms);
  }
  return [...buckets].map(([bucket, times]) => {
    const sorted = times.sort((a, b) => a - b);
    return { bucket, images: sorted.length, medianMs: sorted[Math.floor((sorted.length - 1) / 2)] ?? 0 };
  });
}

/** From when to when runs were outstanding, counted by both ends in one pass, then told as changes. */
function outstanding(db: Database, range: Range): NightSeries["outstanding"] {
  const rows = db
    .sql(
      `SELECT started, ended, count(*) AS n FROM (
         SELECT iif(submittedAt < @fromAt, -1, CAST((submittedAt - @fromAt) / @bucketMs AS INTEGER)) AS started,
           iif(finishedAt < @fromAt, -1, CAST((finishedAt - @fromAt) / @bucketMs AS INTEGER)) AS ended
         FROM runs WHERE batchId = @batchId AND submittedAt < @untilAt
       ) GROUP BY started, ended`,
    )
    .all(range) as { started: number; ended: number | null; n: number }[];
  const changes = new Map<number, number>();
  const add = (bucket: number, n: number): void => void changes.set(bucket, (changes.get(bucket) ?? 0) + n);
  for (const { started, ended, n } of rows) {
    add(started, n);
    if (ended !== null) add(ended, -n);
  }
  return [...changes].map(([bucket, change]) => ({ bucket, change }));
}

/** Summed run time, and runs that were followed by another one of the same image, by how they ended. */
export function runTotals(
  db: Database,
  batchId: number,
): { totalRunTimeMs: number; uncertain: number; lost: number; workflowErrors: number } {
  const { totalRunTimeMs } = db
    .sql(
      `SELECT coalesce(sum(max(0, finishedAt - submittedAt)), 0) AS totalRunTimeMs FROM runs
       WHERE batchId = ? AND submittedAt IS NOT NULL AND finishedAt IS NOT NULL`,
    )
    .get(batchId) as { totalRunTimeMs: number };
  const extra = db
    .sql(
      `SELECT r.state, count(*) AS n FROM runs r WHERE r.batchId = ? AND r.state IN ('ORPHANED', 'LOST', 'FAILED')
       AND EXISTS (SELECT 1 FROM runs l WHERE l.imageId = r.imageId AND l.id > r.id AND l.state <> 'REJECTED') GROUP BY r.state`,
    )
    .all(batchId) as { state: string; n: number }[];
  const of = (state: string): number => extra.find((row) => row.state === state)?.n ?? 0;
  return { totalRunTimeMs, uncertain: of("ORPHANED"), lost: of("LOST"), workflowErrors: of("FAILED") };
}

export interface GateEvent {
  kind: "gate-closed" | "gate-opened" | "run-started";
  at: number;
  detailJson: string;
}

/** When gates closed and opened, the oldest first; at most the last 5,000. */
export function gateEvents(db: Database, batchId: number): GateEvent[] {
  const rows = db
    .sql(
      `SELECT kind, at, detailJson FROM events INDEXED BY eventsBatch WHERE batchId = ? AND kind IN ('gate-closed', 'gate-opened', 'run-started')
       ORDER BY id DESC LIMIT 5000`,
    )
    .all(batchId) as GateEvent[];
  return rows.reverse();
}

/** How many images of a batch were done since then, in slices; sparse. Slice i covers `sinceAt + i * sliceMs`. */
export function paceOf(
  db: Database,
  input: { batchId: number; sinceAt: number; sliceMs: number },
): { slice: number; images: number; firstAt: number }[] {
  return db
    .sql(
      `SELECT CAST((finishedAt - @sinceAt) / @sliceMs AS INTEGER) AS slice, count(*) AS images, min(finishedAt) AS firstAt
       FROM runs INDEXED BY runsFinished WHERE batchId = @batchId AND state = 'DONE' AND finishedAt >= @sinceAt GROUP BY slice ORDER BY slice`,
    )
    .all(input) as { slice: number; images: number; firstAt: number }[];
}
