const TICK_MS = 250;
/** The kernel keeps 16,384 events; a loop that stands still lets them overflow, and nobody is told. */
const SUSPICIOUS_LAG_MS = 250;
const SUSPICIOUS_EVENTS = (5000 * TICK_MS) / 1000;
/** A machine that is always slow must not be made slower by one walk after another. */
const REST_MS = 30_000;

/** Notices conditions under which events get lost, since their loss itself cannot be seen. */
export interface LossDetector {
  /** One event arrived. */
  count: () => void;
  /** Something else made a loss likely. */
  suspect: () => void;
  stop: () => void;
}

/**
 * Calls `onSuspicion` after the event loop stood still for more than 250 ms, after a flood of more than 5,000 events a
 * second has passed, and after `suspect`; at most once in 30 s, but never not at all.
 */
export function createLossDetector(onSuspicion: () => void): LossDetector {
  let events = 0;
  let lastTick = performance.now();
  let lastCall = -Infinity;
  let isSuspicious = false;
  const timer = setInterval(() => {
    const now = performance.now();
    const isFlood = events > SUSPICIOUS_EVENTS;
    const isLate = now - lastTick > TICK_MS + SUSPICIOUS_LAG_MS;
    events = 0;
    lastTick = now;
    isSuspicious ||= isFlood || isLate;
    if (!isSuspicious || isFlood || now - lastCall < REST_MS) return;
    isSuspicious = false;
    lastCall = now;
    onSuspicion();
  }, TICK_MS);
  timer.unref();
  return {
    count: () => (events += 1),
    suspect: () => (isSuspicious = true),
    stop: () => clearInterval(timer),
  };
}
