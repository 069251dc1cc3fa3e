import type { Run } from "./run-book.ts";
import type { Simulation } from "./simulation.ts";

/** What a deployment says about a run that is not finished (API facts, sections 3.1 and 3.2). */
export interface Advice {
  state: "PENDING" | "STARTED";
  /** Lower and upper bound of the remaining time, milliseconds. */
  eta: [number, number] | [null, null];
  next_poll_in: number;
  next_poll_long: boolean;
}

const SOONEST_POLL_MS = 20;
const LATEST_POLL_MS = 5_000;
/** An id that no run has looks like one that waits for a worker. */
const UNKNOWN_RUN: Advice = {
  state: "PENDING",
  eta: [null, null],
  next_poll_in: 1_000,
  next_poll_long: true,
};

export function adviceFor(simulation: Simulation, run: Run | undefined): Advice {
  if (!run) return UNKNOWN_RUN;
  const { latency, workers } = simulation.settings();
  const rounds = run.state === "queued" ? Math.floor(simulation.book.ahead(run) / workers) + 1 : 0;
  const elapsedMs = simulation.nowMs() - run.acceptedAtMs;
  const lower = Math.max(0, Math.round(latency.minMs - elapsedMs));
  const upper = Math.max(lower, Math.round(latency.maxMs * (1 + rounds) - elapsedMs));
  return {
    state: run.state === "queued" ? "PENDING" : "STARTED",
    eta: [lower, upper],
    next_poll_in: Math.min(LATEST_POLL_MS, Math.max(SOONEST_POLL_MS, lower)),
    next_poll_long: true,
  };
}

/** Whether this request gets objects instead of the plain form. */
export function wantsAdvice(simulation: Simulation, url: URL): boolean {
  return simulation.settings().mode === "advice" && url.searchParams.get("advice") === "true";
}
