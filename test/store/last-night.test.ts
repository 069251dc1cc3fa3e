import { expect, test } from "vitest";
import { activityOf } from "../../electron/engine/store/night.ts";
import { makeBatch, openDatabase } from "./stand.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

test("what is shown of a batch begins with the first run of its last day of work, not with an earlier night", async () => {
  const db = await openDatabase();
  const batchId = makeBatch(db);
  expect(activityOf(db, { batchId, withinMs: DAY })).toBeNull();

  const run = (intentAt: number, finishedAt: number | null): unknown =>
    db
      .sql(
        "INSERT INTO runs (imageId, batchId, sessionId, state, intentAt, startMono, finishedAt) VALUES (1, ?, 1, 'DONE', ?, 0, ?)",
      )
      .run(batchId, intentAt, finishedAt);
  run(HOUR, 2 * HOUR);
  run(30 * DAY, 30 * DAY + 5);
  run(30 * DAY + 8 * HOUR, 30 * DAY + 9 * HOUR);
  run(30 * DAY + 8 * HOUR + 1, null);
  expect(activityOf(db, { batchId, withinMs: DAY })).toEqual({
    firstAt: 30 * DAY,
    lastAt: 30 * DAY + 9 * HOUR,
  });
});
