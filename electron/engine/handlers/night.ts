import type { BatchEvent, Handlers, Night } from "../../contract/api.ts";
import { isEventKind, sentenceOf, severityOf, type EventDetails } from "../../contract/event.ts";
import { succeed } from "../../contract/result.ts";
import type { StoredBatch } from "../store/batches.ts";
import type { StoredEvent } from "../store/events.ts";
import type { NightSeries } from "../store/night.ts";
import type { Cards } from "./cards.ts";
import { withBatch, type HandlerContext } from "./context.ts";
import { gateBands } from "./gate-bands.ts";

type NightHandlers = Pick<Handlers, "batch:night" | "batch:events" | "batch:in-flight">;

const MINUTE = 60_000;
const BUCKETS_MS = [
  5000,
  10_000,
  30_000,
  MINUTE,
  2 * MINUTE,
  5 * MINUTE,
  10 * MINUTE,
  15 * MINUTE,
  30 * MINUTE,
];
const DAY_MS = 24 * 60 * MINUTE;
const MOST_BUCKETS = 120;
const MOST_IN_FLIGHT = 1000;

/** From when to when a window looks, and in which steps: at most about 120 of them. */
export function nightFrame(input: { fromAt: number; untilAt: number }): {
  fromAt: number;
  bucketMs: number;
  buckets: number;
} {
  const span = Math.max(0, input.untilAt - input.fromAt);
  const bucketMs =
    BUCKETS_MS.find((ms) => span / ms <= MOST_BUCKETS) ??
    Math.ceil(span / MOST_BUCKETS / (60 * MINUTE)) * 60 * MINUTE;
  const fromAt = Math.floor(input.fromAt / bucketMs) * bucketMs;
  return { fromAt, bucketMs, buckets: Math.floor((input.untilAt - fromAt) / bucketMs) + 1 };
}

/** An event as a sentence. Kinds of a newer Nightrun are told by their name. */
export function batchEventOf(event: StoredEvent): BatchEvent {
  const { id, at, kind, imageId, path } = event;
  const about = { id, at, kind, imageId, path };
  if (!isEventKind(kind)) return { ...about, sentence: String(kind), severity: "info" };
  const detail = JSON.parse(event.detailJson) as EventDetails[typeof kind];
  return { ...about, sentence: sentenceOf(kind, detail), severity: severityOf(kind) };
}

function dense(
  buckets: number,
  rows: readonly { bucket: number; images: number }[],
  into: number[],
): number[] {
  for (const { bucket, images } of rows)
    if (bucket >= 0 && bucket < buckets) into[bucket] = (into[bucket] ?? 0) + images;
  return into;
}

function outstandingAt(buckets: number, changes: NightSeries["outstanding"]): number[] {
  const by = new Map(changes.map(({ bucket, change }) => [bucket, change]));
  let now = by.get(-1) ?? 0;
  return Array.from({ length: buckets }, (_, i) => {
    now += by.get(i) ?? 0;
    return Math.max(0, now);
  });
}

/** Calls about the course of a night. */
export function nightHandlers(context: HandlerContext, cards: Cards): NightHandlers {
  const { reader, counter, clock } = context;

  async function nightOf(batch: StoredBatch, wanted: number | null): Promise<Night> {
    const now = clock.now();
    const active = await counter.call("activityOf", { batchId: batch.id, withinMs: DAY_MS });
    const card = await cards.of(batch);
    const untilAt = card.activity === "running" || active === null ? now : active.lastAt;
    const firstAt = active?.firstAt ?? now;
    const fromAt = wanted ?? Math.max(firstAt, untilAt - DAY_MS);
    const frame = nightFrame({ fromAt: Math.min(fromAt, untilAt), untilAt });
    const [series, totals, events, sessions] = await Promise.all([
      counter.call("nightSeries", { batchId: batch.id, ...frame }),
      counter.call("runTotals", batch.id),
      counter.call("gateEvents", batch.id),
      reader.call("recentSessions", frame.fromAt - 30 * DAY_MS),
    ]);
    // The step that goes on would look as if the pace had dropped.
    const complete = card.activity === "running" && frame.buckets > 1 ? frame.buckets - 1 : frame.buckets;
    const buckets = active === null ? 0 : complete;
    const zeros = (): number[] => Array.from({ length: buckets }, () => 0);
    const medians = new Map(series.done.map(({ bucket, medianMs }) => [bucket, medianMs]));
    const bands = gateBands(
      events,
      card.gates.map((gate) => gate.kind),
      sessions,
    );
    const { totalRunTimeMs, ...extraRuns } = totals;
    return {
      fromAt: frame.fromAt,
      bucketMs: frame.bucketMs,
      done: dense(buckets, series.shared, dense(buckets, series.done, zeros())),
      runTimeMs: Array.from({ length: buckets }, (_, i) => medians.get(i) ?? null),
      inFlight: outstandingAt(buckets, series.outstanding),
      gates: bands.filter((band) => band.untilAt === null || band.untilAt > frame.fromAt),
      totalRunTimeMs,
      extraRuns,
    };
  }

  return {
    "batch:night": ({ batchId, fromAt }) =>
      withBatch(context, batchId, async (batch) => succeed(await nightOf(batch, fromAt))),
    "batch:events": ({ batchId, before, limit }) =>
      withBatch(context, batchId, async () => {
        const events = await reader.call("listEvents", { batchId, before, after: null, limit });
        return succeed({ events: events.map(batchEventOf) });
      }),
    "batch:in-flight": ({ batchId }) =>
      withBatch(context, batchId, async (batch) => {
        const flying = await reader.call("flyingImages", { batchId, limit: MOST_IN_FLIGHT });
        const typicalMs = (await cards.of(batch)).runTime?.median ?? null;
        const rows = flying.map(({ image, run }) => ({
          imageId: image.id,
          path: image.path,
          stage: image.stage,
          runId: run?.uuid ?? null,
          submittedAt: run?.submittedAt ?? null,
          typicalMs,
        }));
        return succeed({ rows });
      }),
  };
}
