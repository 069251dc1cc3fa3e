const SECOND_MS = 1000;
const FIRST_BACKOFF_MS = 5 * SECOND_MS;
const LONGEST_BACKOFF_MS = 10 * 60 * SECOND_MS;
const LONGEST_RETRY_AFTER_MS = 24 * 60 * 60 * SECOND_MS;
const PROBE_STEP_MS = 5 * SECOND_MS;
const LONGEST_PROBE_MS = 25 * SECOND_MS;

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const IMF_FIXDATE =
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (\d{2}) ([A-Z][a-z]{2}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) GMT$/;

/**
 * Milliseconds to wait before attempt `attempt` + 1 (0 = after the first): full jitter, anything between 0 and
 * 5 s × 2^attempt, at most 10 min. `random` gives [0, 1).
 */
export function backoffMs(attempt: number, random: () => number): number {
  const ceiling = Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** Math.max(0, attempt));
  return Math.floor(random() * ceiling);
}

/** Milliseconds until the `n`th look (from 0) at a server that is down: 5, 10, 15, 20, then 25 s, each ± 10 %. */
export function probeDelayMs(n: number, random: () => number): number {
  const steady = Math.min(LONGEST_PROBE_MS, PROBE_STEP_MS * (Math.max(0, n) + 1));
  return Math.round(steady * (0.9 + 0.2 * random()));
}

/**
 * What `Retry-After` asks for, in milliseconds from now: whole seconds or an IMF-fixdate (RFC 9110, 10.2.3),
 * at least 1 s, at most 24 h; null when there is none or it cannot be read.
 */
export function retryAfterMs(header: string | null | undefined, nowWallMs: number): number | null {
  const value = header?.trim() ?? "";
  // Digits first: a date parser takes "120" for a year.
  if (/^\d+$/.test(value)) return clamped(Number(value) * SECOND_MS);
  const at = fixdateMs(value);
  return at === null ? null : clamped(at - nowWallMs);
}

function clamped(ms: number): number {
  return Math.min(LONGEST_RETRY_AFTER_MS, Math.max(SECOND_MS, ms));
}

function fixdateMs(value: string): number | null {
  const [, day, monthName, year, hour, minute, second] = IMF_FIXDATE.exec(value) ?? [];
  const month = MONTHS.indexOf(monthName ?? "");
  if (month < 0) return null;
  const at = Date.UTC(Number(year), month, Number(day), Number(hour), Number(minute), Number(second));
  // 31 Feb and 25:00 would roll over silently.
  const real = new Date(at);
  const rolled = real.getUTCDate() !== Number(day) || real.getUTCHours() !== Number(hour);
  return rolled || Number(minute) > 59 || Number(second) > 60 ? null : at;
}
