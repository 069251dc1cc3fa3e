import type { Advice } from "./wire.ts";

const SHORTEST_POLL_MS = 50;
const LONGEST_POLL_MS = 60_000;
const JITTER = 0.1;

/** Milliseconds that the official client waits after its `polls`th "not yet" (from 0; API facts, section 4.1). */
export function officialDelayMs(polls: number): number {
  return 20_000 / (1 + Math.exp(-0.3 * (polls - 15)));
}

/**
 * Milliseconds until a run is asked about again. The deployment's advice goes first (and is never undercut by the
 * jitter), else the official schedule ± 10 %; always between 50 ms and 60 s. `polls` counts answers so far.
 */
export function nextPollDelayMs(input: {
  polls: number;
  advice: Advice | null;
  random: () => number;
}): number {
  const { polls, advice, random } = input;
  const advised = advice?.nextPollMs ?? null;
  const wanted =
    advised === null
      ? officialDelayMs(polls) * (1 - JITTER + 2 * JITTER * random())
      : advised * (1 + JITTER * random());
  return Math.round(Math.min(LONGEST_POLL_MS, Math.max(SHORTEST_POLL_MS, wanted)));
}
