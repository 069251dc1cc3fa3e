import type { Failure } from "./failure.ts";

/** The state of an image as people, exports and programs see it. */
export const IMAGE_STATES = [
  "waiting",
  "in-flight",
  "uncertain",
  "done",
  "failed",
  "skipped",
  "missing",
] as const;
export type ImageState = (typeof IMAGE_STATES)[number];

/** The finer state that the store keeps; its machine is in `engine/transitions.ts`. */
export const IMAGE_STAGES = [
  "SEEN",
  "READY",
  "FOLLOWING",
  "SENDING",
  "SUBMITTED",
  "RECEIVING",
  "RECEIVED",
  "UNCERTAIN",
  "DONE",
  "FAILED",
  "SKIPPED",
  "MISSING",
] as const;
export type ImageStage = (typeof IMAGE_STAGES)[number];

const STATE_OF: Record<ImageStage, ImageState> = {
  SEEN: "waiting",
  READY: "waiting",
  FOLLOWING: "waiting",
  SENDING: "in-flight",
  SUBMITTED: "in-flight",
  RECEIVING: "in-flight",
  RECEIVED: "in-flight",
  UNCERTAIN: "uncertain",
  DONE: "done",
  FAILED: "failed",
  SKIPPED: "skipped",
  MISSING: "missing",
};

export function stateOf(stage: ImageStage): ImageState {
  return STATE_OF[stage];
}

/** The stages behind one public state. */
export function stagesOf(state: ImageState): ImageStage[] {
  return IMAGE_STAGES.filter((stage) => STATE_OF[stage] === state);
}

/** Why a row is history and no longer counts in the ledger. */
export type ImageHistory = "superseded" | "renamed" | "removed" | "revised";

/**
 * One `PUT /api/run`, from its intent to its end.
 * INTENT: about to be sent. SUBMITTED: has a run id. RECEIVING: the 200 head of its result was seen.
 * RECEIVED: raw bytes are safe on disk. DONE: its result is the image's. REJECTED: surely not accepted.
 * ORPHANED: outcome unknown. LOST: accepted, result will not come. FAILED: the workflow failed, or its answer does not fit.
 */
export const RUN_STATES = [
  "INTENT",
  "SUBMITTED",
  "RECEIVING",
  "RECEIVED",
  "DONE",
  "REJECTED",
  "ORPHANED",
  "LOST",
  "FAILED",
] as const;
export type RunState = (typeof RUN_STATES)[number];

/** Times are integer milliseconds since 1970, UTC. */
export interface RunRecord {
  id: number;
  /** The deployment's run id; null until it is known. */
  uuid: string | null;
  state: RunState;
  intentAt: number;
  submittedAt: number | null;
  finishedAt: number | null;
  failure: Failure | null;
}

/** Counts over current paths under the current revision. */
export interface Ledger {
  seen: number;
  waiting: number;
  inFlight: number;
  uncertain: number;
  done: number;
  failed: number;
  skipped: number;
  missing: number;
}

/** The conservation law: `seen = done + failed + skipped + missing + waiting + in flight + uncertain`. */
export function isBalanced(ledger: Ledger): boolean {
  const { seen, waiting, inFlight, uncertain, done, failed, skipped, missing } = ledger;
  return seen === waiting + inFlight + uncertain + done + failed + skipped + missing;
}

/** Images that still need work. */
export function unfinished(ledger: Ledger): number {
  return ledger.waiting + ledger.inFlight + ledger.uncertain;
}
