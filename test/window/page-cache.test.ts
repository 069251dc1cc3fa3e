import { expect, test } from "vitest";
import type { ImageRow } from "../../electron/contract/api.ts";
import { PAGE_ROWS, PageCache } from "../../src/lib/page-cache.ts";

function rowOf(id: number): ImageRow {
  return {
    id,
    batchId: 1,
    path: `${id}.tif`,
    state: "done",
    stage: "DONE",
    reason: null,
    bytes: 1,
    summary: null,
    durationMs: null,
    updatedAt: 0,
  };
}

/** Answers pages as the engine does: by the key of the row before. */
function read(cache: PageCache, ids: readonly number[]): number {
  let calls = 0;
  for (let next = cache.next(); next !== null; next = cache.next()) {
    const start = (next.after === null ? 0 : ids.indexOf(Number(next.after)) + 1) + next.skip;
    const rows = ids.slice(start, start + PAGE_ROWS).map(rowOf);
    const isLast = start + PAGE_ROWS >= ids.length;
    cache.take(next.page, { rows, next: isLast ? null : String(rows.at(-1)?.id) });
    calls += 1;
  }
  return calls;
}

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

test("only what is looked at is read", () => {
  const cache = new PageCache();
  cache.want(0, 30);
  expect(read(cache, numbers(5000))).toBe(1);
  expect(cache.rowAt(30)?.id).toBe(31);
  expect(cache.rowAt(1000)).toBeNull();
  expect(cache.end).toBeNull();
});

test("a position far ahead is reached in one step, and the pages around it by their keys", () => {
  const cache = new PageCache();
  cache.want(9980, 9999);
  expect(read(cache, numbers(10_000))).toBe(1);
  expect(cache.rowAt(9999)?.id).toBe(10_000);
  expect(cache.end).toBe(10_000);
  cache.want(5000, 5030);
  expect(read(cache, numbers(10_000))).toBe(1);
  cache.want(5200, 5430);
  expect(cache.next()).toMatchObject({ page: 26, after: "5200", skip: 0 });
  expect(read(cache, numbers(10_000))).toBe(2);
  expect(cache.rowAt(5429)?.id).toBe(5430);
  expect(cache.end).toBe(10_000);
});

test("a position behind the end of a list that shrank gives the end", () => {
  const cache = new PageCache();
  cache.want(9980, 9999);
  read(cache, numbers(900));
  cache.want(860, 899);
  read(cache, numbers(900));
  expect(cache.end).toBe(900);
  expect(cache.rowAt(899)?.id).toBe(900);
});

test("a list that shrank loses its end, and one that moved is read anew where it is looked at", () => {
  const cache = new PageCache();
  cache.want(0, 450);
  read(cache, numbers(500));
  cache.markStale();
  expect(cache.rowAt(450)?.id).toBe(451);
  read(
    cache,
    numbers(500).filter((id) => id > 100),
  );
  expect(cache.rowAt(0)?.id).toBe(101);
  expect(cache.end).toBe(400);
  expect(cache.rowAt(450)).toBeNull();
});

test("newer rows take the place of the older ones", () => {
  const cache = new PageCache();
  cache.want(0, 10);
  read(cache, numbers(50));
  expect(cache.patch([{ ...rowOf(7), state: "failed" }])).toBe(true);
  expect(cache.rowAt(6)?.state).toBe("failed");
  expect(cache.patch([rowOf(999)])).toBe(false);
  expect(cache.indexOf(7)).toBe(6);
});
