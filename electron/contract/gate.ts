import type { Failure } from "./failure.ts";

/** A reason why nothing is submitted right now. Closing or opening a gate spends no attempt of any image. */
export const GATE_KINDS = [
  "paused",
  "sign-in",
  "unreachable",
  "busy",
  "disk-low",
  "run-limit",
  "folder-away",
  "unknown-outcomes",
  "all-refused",
  "results-lost",
  "battery-low",
] as const;
export type GateKind = (typeof GATE_KINDS)[number];

export interface Gate {
  kind: GateKind;
  /** Wall clock, integer milliseconds since 1970. */
  since: number;
  /** What closed it; null for `paused`, `run-limit` and `battery-low`. */
  failure: Failure | null;
  /** When it is tried again by itself; null when only a person can open it. */
  nextTryAt: number | null;
}

/** Gates that a person has to open: signing in, raising a limit, resuming. */
export const GATES_FOR_A_PERSON: ReadonlySet<GateKind> = new Set([
  "paused",
  "sign-in",
  "run-limit",
  "all-refused",
]);
