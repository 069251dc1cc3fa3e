import type { TimeRange } from "../../electron/contract/api.ts";

const NUMBER = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const FINE = new Intl.NumberFormat("en-US", { maximumFractionDigits: 1 });
const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const FULL = new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeStyle: "long" });

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY_MS = 24 * HOUR;

/** Grouped, without decimals: 13,560. */
export function formatCount(value: number): string {
  return NUMBER.format(value);
}

/** Grouped; one decimal below 10. */
export function formatRate(value: number): string {
  return value < 10 ? FINE.format(value) : NUMBER.format(value);
}

/** Whole percent, but 100 only when nothing is left. */
export function formatPercent(part: number, whole: number): string {
  if (whole === 0) return "0 %";
  const percent = Math.floor((part / whole) * 100);
  return `${percent} %`;
}

/** Milliseconds as "3.2 s", "12 min 5 s", "3 h 12 min", "2 d 4 h". */
export function formatDuration(ms: number): string {
  if (ms < SECOND) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < MINUTE) return `${FINE.format(ms / SECOND)} s`;
  if (ms < HOUR) return parts(ms, MINUTE, "min", SECOND, "s");
  if (ms < DAY_MS) return parts(ms, HOUR, "h", MINUTE, "min");
  return parts(ms, DAY_MS, "d", HOUR, "h");
}

function parts(ms: number, big: number, bigUnit: string, small: number, smallUnit: string): string {
  const rest = Math.floor((ms % big) / small);
  const head = `${Math.floor(ms / big)} ${bigUnit}`;
  return rest === 0 ? head : `${head} ${rest} ${smallUnit}`;
}

/** Whole seconds for short spans that tick: "40 s", "2 min". */
export function formatCountdown(ms: number): string {
  if (ms <= 0) return "0 s";
  return ms < 2 * MINUTE ? `${Math.ceil(ms / SECOND)} s` : formatDuration(Math.ceil(ms / MINUTE) * MINUTE);
}

/** Local wall clock; with the day when it is not the day of `now`. */
export function formatTime(at: number, now: number): string {
  const time = CLOCK.format(at);
  return new Date(at).toDateString() === new Date(now).toDateString() ? time : `${DAY.format(at)}, ${time}`;
}

/** The full date with its zone, for tooltips. */
export function formatFull(at: number): string {
  return FULL.format(at);
}

/** ISO 8601 in UTC, for `datetime` attributes. */
export function isoTime(at: number): string {
  return new Date(at).toISOString();
}

/** "05:10–06:20": the ends of a range, days told only where they differ from today. */
export function formatRange(range: TimeRange, now: number): string {
  return `${formatTime(range.earliest, now)}–${formatTime(range.latest, now)}`;
}

/** Decimal units, as file managers and the failure texts write them. */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const units = ["kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = "B";
  for (const next of units) {
    if (value < 1000) break;
    value /= 1000;
    unit = next;
  }
  return `${FINE.format(value)} ${unit}`;
}

/** The folder and the name with the separator before it, so that the name keeps its place while the folder gives way. */
export function splitPath(path: string): { head: string; tail: string } {
  const slash = Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\"));
  const cut = Math.max(0, slash);
  return { head: path.slice(0, cut), tail: path.slice(cut) };
}

/** The last part of a path of either separator. */
export function lastPart(path: string): string {
  const parts = path.split(/[/\\]/).filter((part) => part !== "");
  return parts.at(-1) ?? path;
}
