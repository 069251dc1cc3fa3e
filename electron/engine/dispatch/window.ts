/**
 * How many runs may be outstanding: grows by one for each full window of successes, halves on 429, 503 and time-outs at
 * most once for each round trip, and stays between 1 and the person's limit.
 */
export interface OutstandingWindow {
  readonly size: number;
  succeeded(): void;
  /** `askedMono`: when the request that was refused began; one from before the last cut changes nothing. */
  congested(askedMono: number, nowMono: number): void;
  setLimit(limit: number): void;
  /** A cautious restart: one run, then as the server allows. */
  restart(): void;
  /** After an outage, whose cuts say nothing about the server's capacity: as wide as a full window of successes last made it. */
  restore(): void;
}

/** `start`: how many runs may be outstanding before the first one has ended well; without it, the limit. */
export function createWindow(limit: number, start = limit): OutstandingWindow {
  let most = Math.max(1, limit);
  let size = Math.min(most, Math.max(1, start));
  let proven = size;
  let successes = 0;
  let lastCutMono = Number.NEGATIVE_INFINITY;
  return {
    get size() {
      return size;
    },
    succeeded() {
      if (size < most && ++successes < size) return;
      successes = 0;
      size = Math.min(most, size + 1);
      proven = size;
    },
    congested(askedMono, nowMono) {
      if (askedMono < lastCutMono) return;
      lastCutMono = nowMono;
      successes = 0;
      size = Math.max(1, Math.floor(size / 2));
    },
    setLimit(limit) {
      most = Math.max(1, limit);
      size = Math.min(size, most);
    },
    restart() {
      size = 1;
      successes = 0;
    },
    restore() {
      size = Math.min(most, Math.max(size, proven));
    },
  };
}
