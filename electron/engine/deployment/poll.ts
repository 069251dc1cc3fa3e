import type { Advice } from "./wire.ts";

const SHORTEST_POLL_MS = 50;
const LONGEST_POLL_MS = 60_000;
const JITTER = 0.1;

/** Milliseconds that the official client waits after its `polls`th "not yet" (from 0; API facts, section 4.1). */
export function officialDelayMs(polls: number): number {
  return 20_000 / (1 + Math.exp(-0.3 * (polls - 15)));
}

/** The first look comes a little before the median of what was measured: so that what is measured shrinks to the truth. */
const FIRST_LOOK = 0.92;
const STEP = 0.08;
const STEP_GROWTH = 1.5;

/**
 * Milliseconds until the next look at a run of typical length: just before the median, just after it, then in growing
 * steps. In steady state that is two looks a run, the second within a few per cent of the end.
 */
export function learntDelayMs(polls: number, medianMs: number): number {
  return polls === 0 ? FIRST_LOOK * medianMs : STEP * medianMs * STEP_GROWTH ** (polls - 1);
}

/**
 * Milliseconds until a run is asked about again. The deployment's advice goes first (and is never undercut by the
 * jitter), then what finished runs taught (`medianMs`), else the official schedule ± 10 %; at most 60 s, and at least
 * 50 ms but for a first look that is advised sooner. `polls` counts answers so far.
 */
export function nextPollDelayMs(input: {
  polls: number;
  advice: Advice | null;
  random: () => number;
  /** Typical run time; null or absent while unknown. */
  medianMs?: number | null;
}): number {
  const { polls, advice, random, medianMs = null } = input;
  const advised = advice?.nextPollMs ?? null;
  const wanted = advised === null ? unadvised(polls, medianMs, random) : advised * (1 + JITTER * random());
  const shortest = polls === 0 && advised !== null ? 0 : SHORTEST_POLL_MS;
  return Math.round(Math.min(LONGEST_POLL_MS, Math.max(shortest, wanted)));
}

function unadvised(polls: number, medianMs: number | null, random: () => number): number {
  if (medianMs !== null) return learntDelayMs(polls, medianMs);
  return officialDelayMs(polls) * (1 - JITTER + 2 * JITTER * random());
}
