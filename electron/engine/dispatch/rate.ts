import type { RateLimit } from "../../contract/batch.ts";

/** The window is kept this much longer than asked for, because the server's clock and the way there are not ours. */
const MARGIN_SHARE = 0.02;
/** What the way there may take longer for one request than for another, in any window. */
const LEAST_MARGIN_MS = 50;
/** A start of an earlier session is stamped before its request left; it may have arrived this much later. */
const ARRIVAL_SLACK_MS = 1000;
/** How far a wall clock may have jumped between two boots before starts of the earlier one are forgotten. */
const CLOCK_SLACK_MS = 25 * 60 * 60 * 1000;
/** How soon to ask again while a start has not reached the wire yet. */
const UNSENT_RECHECK_MS = 25;

/** One start. It occupies the window from now until a window after `sent()`, or after `cancel()` not at all. */
export interface Start {
  /** The head of the request has been written: the server sees it no later than about now. */
  sent(): void;
  /** Nothing left this machine. */
  cancel(): void;
}

/** At most `count` starts in any sliding window. All times are monotonic milliseconds. */
export interface Rate {
  /** 0 = a start is allowed now, else how long to wait before asking again. */
  waitMs(): number;
  start(): Start;
}

/** A start that an earlier session recorded; `startMono` null = of an earlier boot of the machine. */
export interface EarlierStart {
  startMono: number | null;
  intentAt: number;
}

export interface RateOptions {
  limit: RateLimit | null;
  earlier: readonly EarlierStart[];
  mono: () => number;
  now: () => number;
}

interface Entry {
  at: number | null;
}

/** Where an earlier start lies on this boot's monotonic clock; a start of another boot counts as just made. */
function earlierEntry(start: EarlierStart, limit: RateLimit, mono: number, now: number): Entry[] {
  if (start.startMono !== null) return [{ at: Math.min(mono, start.startMono + ARRIVAL_SLACK_MS) }];
  const tooOld = start.intentAt < now - limit.windowMs - CLOCK_SLACK_MS;
  return tooOld ? [] : [{ at: mono }];
}

export function createRate({ limit, earlier, mono, now }: RateOptions): Rate {
  if (limit === null)
    return { waitMs: () => 0, start: () => ({ sent: () => undefined, cancel: () => undefined }) };
  const windowMs = limit.windowMs + Math.max(LEAST_MARGIN_MS, limit.windowMs * MARGIN_SHARE);
  let entries: Entry[] = earlier.flatMap((start) => earlierEntry(start, limit, mono(), now()));

  function prune(): void {
    const oldest = mono() - windowMs;
    entries = entries.filter((entry) => entry.at === null || entry.at > oldest);
  }

  return {
    waitMs() {
      prune();
      if (entries.length < limit.count) return 0;
      const ends = entries
        .flatMap((entry) => (entry.at === null ? [] : [entry.at + windowMs]))
        .sort((a, b) => a - b);
      const needed = ends[entries.length - limit.count];
      return needed === undefined ? UNSENT_RECHECK_MS : Math.max(1, Math.ceil(needed - mono()));
    },
    start() {
      const entry: Entry = { at: null };
      entries.push(entry);
      return {
        sent: () => (entry.at ??= mono()),
        cancel: () => {
          if (entry.at === null) entries = entries.filter((other) => other !== entry);
        },
      };
    },
  };
}
