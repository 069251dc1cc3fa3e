import fc from "fast-check";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { gateBands, openGates } from "../../electron/engine/handlers/gate-bands.ts";
import { nightFrame } from "../../electron/engine/handlers/night.ts";
import { PACE_SLICES, paceFrom, SLICE_MS, spreadOf } from "../../electron/engine/handlers/pace.ts";
import { readPlace, writePlace } from "../../electron/engine/handlers/page-place.ts";
import { openWriter } from "../../electron/engine/store/database.ts";
import { nightSeries, type GateEvent } from "../../electron/engine/store/night.ts";

const NOW = 1_800_000_000_000;
const SINCE = NOW - PACE_SLICES * SLICE_MS;

function slicesOf(images: (slice: number) => number) {
  return Array.from({ length: PACE_SLICES }, (_, slice) => ({
    slice,
    images: images(slice),
    firstAt: SINCE + slice * SLICE_MS + 1000,
  })).filter((slice) => slice.images > 0);
}

test("an even pace gives an end that is near and a range that is narrow", () => {
  const pace = paceFrom({ slices: slicesOf(() => 30), sinceAt: SINCE, now: NOW, left: 1800 });
  expect(pace.imagesPerMinute).toBe(30);
  expect(pace.endsAt?.typical).toBe(NOW + 3_600_000);
  const { earliest = 0, latest = 0 } = pace.endsAt ?? {};
  expect(NOW + 3_600_000 - earliest).toBeLessThan(600_000);
  expect(latest - NOW - 3_600_000).toBeLessThan(600_000);
});

test("an uneven pace, or one that slowed down, gives a wide range", () => {
  const even = paceFrom({ slices: slicesOf(() => 30), sinceAt: SINCE, now: NOW, left: 1000 });
  const slower = paceFrom({
    slices: slicesOf((i) => (i < 50 ? 60 : 20)),
    sinceAt: SINCE,
    now: NOW,
    left: 1000,
  });
  const uneven = paceFrom({
    slices: slicesOf((i) => (i % 2 === 0 ? 58 : 2)),
    sinceAt: SINCE,
    now: NOW,
    left: 1000,
  });
  const width = (pace: typeof even): number => (pace.endsAt?.latest ?? 0) - (pace.endsAt?.earliest ?? 0);
  expect(width(slower)).toBeGreaterThan(2 * width(even));
  expect(width(uneven)).toBeGreaterThan(2 * width(even));
});

test("a batch that began a minute ago is measured over that minute", () => {
  const slices = [{ slice: 59, images: 10, firstAt: NOW - 54_000 }];
  const pace = paceFrom({ slices, sinceAt: SINCE, now: NOW, left: 100 });
  expect(pace.imagesPerMinute).toBeGreaterThan(8);
  expect(pace.imagesPerMinute).toBeLessThan(13);
});

test("too little says nothing, and nothing left has no end", () => {
  const one = [{ slice: 59, images: 2, firstAt: NOW - 20_000 }];
  expect(paceFrom({ slices: one, sinceAt: SINCE, now: NOW, left: 100 }).endsAt).toBeNull();
  expect(paceFrom({ slices: [], sinceAt: SINCE, now: NOW, left: 100 })).toEqual({
    imagesPerMinute: null,
    endsAt: null,
  });
  expect(paceFrom({ slices: slicesOf(() => 30), sinceAt: SINCE, now: NOW, left: 0 }).endsAt).toBeNull();
});

test("the typical end always lies between the earliest and the latest, all of them to come", () => {
  const slice = fc.record({
    slice: fc.integer({ min: 0, max: 59 }),
    images: fc.integer({ min: 1, max: 500 }),
  });
  fc.assert(
    fc.property(
      fc.uniqueArray(slice, { selector: (s) => s.slice }),
      fc.integer({ min: 1, max: 1e6 }),
      (raw, left) => {
        const slices = raw
          .sort((a, b) => a.slice - b.slice)
          .map((s) => ({ ...s, firstAt: SINCE + s.slice * SLICE_MS + 500 }));
        const { endsAt } = paceFrom({ slices, sinceAt: SINCE, now: NOW, left });
        if (endsAt === null) return;
        expect(endsAt.earliest).toBeGreaterThanOrEqual(NOW);
        expect(endsAt.typical).toBeGreaterThanOrEqual(endsAt.earliest);
        expect(endsAt.latest).toBeGreaterThanOrEqual(endsAt.typical);
        expect(Number.isSafeInteger(endsAt.latest)).toBe(true);
      },
    ),
  );
});

test("run times are told by their middle and by what one in ten is below and above", () => {
  expect(spreadOf([])).toBeNull();
  expect(spreadOf([5])).toEqual({ low: 5, median: 5, high: 5 });
  expect(spreadOf(Array.from({ length: 100 }, (_, i) => i))).toEqual({ low: 10, median: 50, high: 90 });
});

test("a night of any length has few enough steps, and covers its end", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 400 * 24 * 3_600_000 }), (span) => {
      const { fromAt, bucketMs, buckets } = nightFrame({ fromAt: NOW - span, untilAt: NOW });
      expect(buckets).toBeLessThanOrEqual(123);
      expect(fromAt).toBeLessThanOrEqual(NOW - span);
      expect(fromAt + buckets * bucketMs).toBeGreaterThan(NOW);
      expect(fromAt % bucketMs).toBe(0);
    }),
  );
});

function gate(kind: GateEvent["kind"], name: string, at: number): GateEvent {
  return { kind, at, detailJson: JSON.stringify({ gate: name }) };
}

test("gates are bands from closing to opening; one that is closed now goes on", () => {
  const events = [
    gate("gate-closed", "unreachable", 100),
    gate("gate-closed", "paused", 150),
    gate("gate-opened", "unreachable", 200),
    gate("gate-closed", "busy", 300),
  ];
  const session = [{ startedAt: 0, endedAt: null }];
  expect(gateBands(events, ["paused"], session)).toEqual([
    { kind: "unreachable", fromAt: 100, untilAt: 200 },
    { kind: "paused", fromAt: 150, untilAt: null },
    { kind: "busy", fromAt: 300, untilAt: 300 },
  ]);
});

test("a gate that was closed when the session ended ends with it, also when nobody said so", () => {
  const events = [gate("gate-closed", "sign-in", 100), gate("gate-closed", "sign-in", 900)];
  const ended = [
    { startedAt: 0, endedAt: 500 },
    { startedAt: 800, endedAt: null },
  ];
  expect(gateBands(events, ["sign-in"], ended)).toEqual([
    { kind: "sign-in", fromAt: 100, untilAt: 500 },
    { kind: "sign-in", fromAt: 900, untilAt: null },
  ]);
  const crashed = ended.map((session) => ({ ...session, endedAt: null }));
  expect(gateBands(events, ["sign-in"], crashed)[0]).toEqual({ kind: "sign-in", fromAt: 100, untilAt: 800 });
});

test("who only looks knows the gates that were closed and not opened since the last start", () => {
  const events = [
    gate("gate-closed", "busy", 50),
    { kind: "run-started" as const, at: 60, detailJson: "{}" },
    gate("gate-closed", "unreachable", 100),
    gate("gate-closed", "sign-in", 110),
    gate("gate-opened", "sign-in", 120),
    gate("gate-closed", "unknown to this version", 130),
  ];
  expect(openGates(events)).toEqual([{ kind: "unreachable", since: 100, failure: null, nextTryAt: null }]);
});

test("a place in a list survives its way to the window, and no other text is one", () => {
  fc.assert(
    fc.property(fc.string(), fc.nat(), (value, id) => {
      expect(readPlace(writePlace({ value, id }, "path"), "path")).toEqual({ value, id });
    }),
  );
  const place = writePlace({ value: 7, id: 1 }, "bytes");
  expect(readPlace(place, "updated")).toBeNull();
  expect(readPlace(writePlace({ value: "7", id: 1 }, "bytes"), "bytes")).toBeNull();
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(readPlace(text, "path")).toBeNull();
    }),
  );
});

test("series of a night are what counting by hand gives", async () => {
  const folder = await mkdtemp(join(tmpdir(), "nightrun-series-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const opened = openWriter(join(folder, "nightrun.db"));
  if (!opened.ok) throw new Error(JSON.stringify(opened.failure));
  const db = opened.value;
  onTestFinished(() => db.close());
  const times = fc.record({
    submittedAt: fc.integer({ min: 0, max: 100 }),
    ms: fc.option(fc.integer({ min: 0, max: 60 })),
  });
  fc.assert(
    fc.property(fc.array(times, { maxLength: 40 }), fc.integer({ min: 0, max: 60 }), (list, fromAt) => {
      db.sql("DELETE FROM runs").run();
      for (const { submittedAt, ms } of list) {
        db.sql(
          "INSERT INTO runs (imageId, batchId, sessionId, state, intentAt, startMono, submittedAt, finishedAt) VALUES (1, 1, 1, ?, ?, 0, ?, ?)",
        ).run(
          ms === null ? "SUBMITTED" : "DONE",
          submittedAt,
          submittedAt,
          ms === null ? null : submittedAt + ms,
        );
      }
      const bucketMs = 10;
      const series = nightSeries(db, { batchId: 1, fromAt, bucketMs, buckets: 6 });
      let outstanding = series.outstanding.find(({ bucket }) => bucket === -1)?.change ?? 0;
      for (let i = 0; i < 6; i += 1) {
        const [start, end] = [fromAt + i * bucketMs, fromAt + (i + 1) * bucketMs];
        const ended = list.filter(
          ({ submittedAt: at, ms }) => ms !== null && at + ms >= start && at + ms < end,
        );
        const sorted = ended.map(({ ms }) => ms ?? 0).sort((a, b) => a - b);
        const told = series.done.find(({ bucket }) => bucket === i);
        expect(told?.images ?? 0).toBe(ended.length);
        expect(told?.medianMs).toBe(sorted[Math.floor((sorted.length - 1) / 2)]);
        outstanding += series.outstanding.find(({ bucket }) => bucket === i)?.change ?? 0;
        const open = list.filter(({ submittedAt: at, ms }) => at < end && (ms === null || at + ms >= end));
        expect(outstanding).toBe(open.length);
      }
    }),
    { numRuns: 150 },
  );
});
