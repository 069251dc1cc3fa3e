import type { ImageFailure } from "../contract/failure.ts";
import type { ImageStage, RunState } from "../contract/image.ts";
import { assertNever } from "../contract/result.ts";

/**
 * The state machine of one image and of its present run: pure, total, and the only place that decides a next state.
 * The store applies it inside its transaction; whoever reports a fact never names a state.
 *
 *   SEEN ──settled──► READY ◄────────── cleanly refused ─────────┐
 *    │ ▲                │ ▲ ▲                                    │
 *    │ └─ file changed ─┼─┼─┼───────────────────────── SENDING ──┤
 *    │                  │ │ └── due ── UNCERTAIN ◄── unknown ────┤
 *    │                intent ───────────► SENDING                │
 *    │                    │                  │ accepted (run id) │
 *    │                    │                  ▼                   │
 *    │                    ├─ lost, failed ─ SUBMITTED ◄─ cut ─┐  │
 *    │                    │                  │ 200 head       │  │
 *    │                    │                  ▼                │  │
 *    │                    │               RECEIVING ──────────┘  │
 *    │                    │                  │ bytes on disk     │
 *    │                    │                  ▼                   │
 *    │                    └── retry ──── RECEIVED ── outputs ► DONE
 *    ├── FOLLOWING: equal bytes, waits for its leader and shares its fate
 *    └── SKIPPED, FAILED (with a reason), MISSING
 */

/** How often one image is sent again by itself before it fails visibly. */
export const BUDGET = { uncertain: 2, lost: 2, workflowErrors: 1 } as const;

/** `nextAt` of an image that only a person sends again. */
export const HELD = Number.MAX_SAFE_INTEGER;

/** What the machine needs to know of an image. `nextAt`: wall clock, milliseconds. */
export interface ImageFacts {
  stage: ImageStage;
  uncertain: number;
  lost: number;
  workflowErrors: number;
}

/** What happened to an image in flight. */
export type RunEvent =
  | { kind: "intent" }
  | { kind: "accepted"; uuid: string }
  /** Accepted, but what was sent are not the bytes that the row tells of, although size and time agree. */
  | { kind: "sent-other-bytes"; uuid: string }
  /** Surely not accepted: sign-in, busy, never reached the server. Spends no attempt. */
  | { kind: "not-accepted"; note: string }
  /** The server refuses this image for good. */
  | { kind: "refused"; failure: ImageFailure }
  /** The body may have been accepted and no usable answer came. `retryAt` null = a person decides. */
  | { kind: "unknown"; last: string; retryAt: number | null }
  /** The file changed or went away before it was sent whole. */
  | { kind: "file-changed" }
  | { kind: "head" }
  /** The result may (1) or must (2) have been consumed on the way. */
  | { kind: "doubt"; level: 1 | 2 }
  | { kind: "received" }
  | { kind: "lost"; waitedMs: number | null; retryAt: number }
  | { kind: "workflow-error"; status: number; message: string; retryAt: number }
  | { kind: "done" }
  /** The answer does not fit; its bytes are kept. */
  | { kind: "unexpected"; failure: ImageFailure }
  /** The result is safe, its files cannot be written. */
  | { kind: "unwritable"; failure: ImageFailure };

export interface ImageStep {
  stage: ImageStage;
  failure: ImageFailure | null;
  nextAt: number;
  uncertain: number;
  lost: number;
  workflowErrors: number;
  /** The state of the run that the event is about. */
  run: RunState;
}

const FROM: Record<RunEvent["kind"], readonly ImageStage[]> = {
  intent: ["READY", "UNCERTAIN"],
  accepted: ["SENDING"],
  "sent-other-bytes": ["SENDING"],
  "not-accepted": ["SENDING"],
  refused: ["SENDING"],
  unknown: ["SENDING"],
  "file-changed": ["SENDING"],
  head: ["SUBMITTED"],
  doubt: ["SUBMITTED", "RECEIVING"],
  received: ["RECEIVING", "SUBMITTED"],
  lost: ["SUBMITTED"],
  "workflow-error": ["SUBMITTED"],
  done: ["RECEIVED"],
  unexpected: ["RECEIVED"],
  unwritable: ["RECEIVED"],
};

/** The next step, or null when the event cannot happen in this stage: then nothing is written. */
export function step(image: ImageFacts, event: RunEvent): ImageStep | null {
  if (!FROM[event.kind].includes(image.stage)) return null;
  const { uncertain, lost, workflowErrors } = image;
  const to = (stage: ImageStage, run: RunState, change: Partial<ImageStep> = {}): ImageStep => ({
    stage,
    run,
    failure: null,
    nextAt: 0,
    uncertain,
    lost,
    workflowErrors,
    ...change,
  });
  switch (event.kind) {
    case "intent":
      return to("SENDING", "INTENT");
    case "accepted":
      return to("SUBMITTED", "SUBMITTED");
    case "sent-other-bytes":
      return lost < BUDGET.lost
        ? to("SEEN", "LOST", { lost: lost + 1 })
        : to("FAILED", "LOST", { lost: lost + 1, failure: { reason: "changed-while-sending" } });
    case "not-accepted":
      return to("READY", "REJECTED");
    case "refused":
      return to("FAILED", "REJECTED", { failure: event.failure });
    case "unknown":
      return afterUnknown(to, uncertain, event.last, event.retryAt);
    case "file-changed":
      return to("SEEN", "REJECTED");
    case "head":
      return to("RECEIVING", "RECEIVING");
    case "doubt":
      return to("SUBMITTED", "SUBMITTED");
    case "received":
      return to("RECEIVED", "RECEIVED");
    case "lost":
      return afterLost(to, lost, event.waitedMs, event.retryAt);
    case "workflow-error":
      return workflowErrors < BUDGET.workflowErrors
        ? to("READY", "FAILED", { workflowErrors: workflowErrors + 1, nextAt: event.retryAt })
        : to("FAILED", "FAILED", {
            failure: { reason: "workflow-error", status: event.status, message: event.message },
          });
    case "done":
      return to("DONE", "DONE");
    case "unexpected":
      return to("FAILED", "FAILED", { failure: event.failure });
    case "unwritable":
      return to("FAILED", "RECEIVED", { failure: event.failure });
    default:
      return assertNever(event);
  }
}

type To = (stage: ImageStage, run: RunState, change?: Partial<ImageStep>) => ImageStep;

function afterUnknown(to: To, before: number, last: string, retryAt: number | null): ImageStep {
  const uncertain = before + 1;
  const failure: ImageFailure = { reason: "outcome-unknown", times: uncertain, last };
  if (retryAt === null) return to("UNCERTAIN", "ORPHANED", { uncertain, failure, nextAt: HELD });
  if (before < BUDGET.uncertain) return to("UNCERTAIN", "ORPHANED", { uncertain, failure, nextAt: retryAt });
  return to("FAILED", "ORPHANED", { uncertain, failure });
}

function afterLost(to: To, before: number, waitedMs: number | null, retryAt: number): ImageStep {
  const lost = before + 1;
  if (before < BUDGET.lost) return to("READY", "LOST", { lost, nextAt: retryAt });
  const failure: ImageFailure =
    waitedMs === null ? { reason: "result-lost", times: lost } : { reason: "run-timeout", waitedMs };
  return to("FAILED", "LOST", { lost, failure });
}

/** Sessions that died: so many with an image in hand make it a suspect, so many with it alone in hand prove it. */
export const CRASHES = { suspect: 2, proof: 2 } as const;

/** A suspect is kept back until nothing else waits, and is then in hand alone. */
export function isSuspect(image: { suspected: number }): boolean {
  return image.suspected >= CRASHES.suspect;
}

/**
 * What a death of the program means for an image that it had in hand. Only deaths with the image tried alone are proof,
 * and any trial that it survives starts the count anew: kills from outside do not hit the same one again and again.
 */
export function afterCrash(
  image: { suspected: number; crashes: number },
  wasAlone: boolean,
): { suspected: number; crashes: number; failure: ImageFailure | null } {
  const suspected = image.suspected + (wasAlone ? 0 : 1);
  const crashes = image.crashes + (wasAlone ? 1 : 0);
  const isProven = crashes >= CRASHES.proof;
  const failure: ImageFailure = { reason: "quarantined", crashes: suspected + crashes };
  return { suspected, crashes, failure: isProven ? failure : null };
}

/** Ends of a step that has the image in hand: it did no harm. */
export const HARMLESS: readonly RunEvent["kind"][] = [
  "accepted",
  "not-accepted",
  "refused",
  "file-changed",
  "done",
  "unexpected",
  "unwritable",
];

/** Stages in which a run of the image may exist at the deployment or its result is being taken in. */
export const IN_FLIGHT: readonly ImageStage[] = ["SENDING", "SUBMITTED", "RECEIVING", "RECEIVED"];

export function isInFlight(stage: ImageStage): boolean {
  return IN_FLIGHT.includes(stage);
}
