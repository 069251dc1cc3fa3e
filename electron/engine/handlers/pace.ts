import type { Spread, TimeRange } from "../../contract/api.ts";

/** Images done in one slice of time. */
export interface Slice {
  slice: number;
  images: number;
  /** When the first image of the slice was done. */
  firstAt: number;
}

export const SLICE_MS = 60_000;
const RECENT_SLICES = 10;
/** How far back the figures look. */
export const PACE_SLICES = 60;
/** Fewer images than this say nothing about the night. */
const LEAST_IMAGES = 3;
const LONGEST_FORECAST_MS = 365 * 24 * 60 * 60 * 1000;

export interface PaceInput {
  /** Of the last hour; sparse. Slice i covers `sinceAt + i * SLICE_MS`. */
  slices: readonly Slice[];
  sinceAt: number;
  now: number;
  /** Images that still need a run. */
  left: number;
}

export interface Pace {
  imagesPerMinute: number | null;
  endsAt: TimeRange | null;
}

interface Rate {
  images: number;
  perMs: number;
  /** Relative standard error: how far the true pace may be away. */
  error: number;
}

/**
 * The pace of the last ten minutes, and when the rest is done at this pace. The range is honest: its ends come from
 * the slower and the faster of the last ten minutes and the last hour, each widened by twice its own uncertainty.
 */
export function paceFrom(input: PaceInput): Pace {
  const recent = rateOver(input, PACE_SLICES - RECENT_SLICES);
  if (recent === null) return { imagesPerMinute: null, endsAt: null };
  const hour = rateOver(input, 0) ?? recent;
  return {
    imagesPerMinute: round(recent.perMs * 60_000),
    endsAt: recent.images < LEAST_IMAGES || input.left === 0 ? null : endOf(input, recent, hour),
  };
}

function endOf({ left, now }: PaceInput, recent: Rate, hour: Rate): TimeRange {
  const fastest = Math.max(recent.perMs * (1 + 2 * recent.error), hour.perMs * (1 + 2 * hour.error));
  const slowest = Math.min(
    recent.perMs * Math.max(0.2, 1 - 2 * recent.error),
    hour.perMs * Math.max(0.2, 1 - 2 * hour.error),
  );
  const at = (perMs: number): number => Math.round(now + Math.min(LONGEST_FORECAST_MS, left / perMs));
  return { earliest: at(fastest), typical: at(recent.perMs), latest: at(slowest) };
}

function rateOver({ slices, sinceAt, now }: PaceInput, from: number): Rate | null {
  const used = slices.filter((slice) => slice.slice >= from);
  const [first] = used;
  if (first === undefined) return null;
  const images = used.reduce((sum, slice) => sum + slice.images, 0);
  // A batch that began a minute ago is not measured over ten; the first image itself took time, too.
  const windowStart = sinceAt + from * SLICE_MS;
  const startAt = first.slice === from ? windowStart : first.firstAt - (now - first.firstAt) / images;
  const spanMs = Math.max(1000, now - Math.max(startAt, windowStart));
  return { images, perMs: images / spanMs, error: errorOf(used, images) };
}

/** At least as uncertain as counting alone makes it; more when the slices differ more than chance would have it. */
function errorOf(used: readonly Slice[], images: number): number {
  const counting = 1 / Math.sqrt(images);
  const inner = used.slice(1, -1).map((slice) => slice.images);
  if (inner.length < 2) return Math.min(1, counting * 1.5);
  const mean = inner.reduce((sum, n) => sum + n, 0) / inner.length;
  const variance = inner.reduce((sum, n) => sum + (n - mean) ** 2, 0) / (inner.length - 1);
  return Math.min(1, Math.max(counting, Math.sqrt(variance / inner.length) / mean));
}

/** Three significant digits: more would be pretence. */
function round(value: number): number {
  return Number(value.toPrecision(3));
}

/** Low, median and high of run times in milliseconds: 10, 50 and 90 of 100 runs need less. */
export function spreadOf(times: readonly number[]): Spread | null {
  if (times.length === 0) return null;
  const sorted = [...times].sort((a, b) => a - b);
  const at = (q: number): number => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0;
  return { low: at(0.1), median: at(0.5), high: at(0.9) };
}
