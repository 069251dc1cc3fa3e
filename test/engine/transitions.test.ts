import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { IMAGE_STAGES, type ImageStage, type RunState } from "../../electron/contract/image.ts";
import {
  BUDGET,
  HELD,
  isInFlight,
  step,
  type ImageFacts,
  type RunEvent,
} from "../../electron/engine/transitions.ts";

const FAILURE = { reason: "refused-input", status: 422, detail: "" } as const;

const EVENTS: { [K in RunEvent["kind"]]: Extract<RunEvent, { kind: K }> } = {
  intent: { kind: "intent" },
  accepted: { kind: "accepted", uuid: "u" },
  "sent-other-bytes": { kind: "sent-other-bytes", uuid: "u" },
  "not-accepted": { kind: "not-accepted", note: "busy" },
  refused: { kind: "refused", failure: FAILURE },
  unknown: { kind: "unknown", last: "reset", retryAt: 5000 },
  "file-changed": { kind: "file-changed" },
  head: { kind: "head" },
  doubt: { kind: "doubt", level: 1 },
  received: { kind: "received" },
  lost: { kind: "lost", waitedMs: null, retryAt: 7000 },
  "workflow-error": { kind: "workflow-error", status: 520, message: "no", retryAt: 9000 },
  done: { kind: "done" },
  unexpected: { kind: "unexpected", failure: FAILURE },
  unwritable: { kind: "unwritable", failure: FAILURE },
};

/** Every pair that moves; all others must be ignored. */
const MOVES: Partial<Record<ImageStage, Partial<Record<RunEvent["kind"], [ImageStage, RunState]>>>> = {
  READY: { intent: ["SENDING", "INTENT"] },
  UNCERTAIN: { intent: ["SENDING", "INTENT"] },
  SENDING: {
    accepted: ["SUBMITTED", "SUBMITTED"],
    "sent-other-bytes": ["SEEN", "LOST"],
    "not-accepted": ["READY", "REJECTED"],
    refused: ["FAILED", "REJECTED"],
    unknown: ["UNCERTAIN", "ORPHANED"],
    "file-changed": ["SEEN", "REJECTED"],
  },
  SUBMITTED: {
    head: ["RECEIVING", "RECEIVING"],
    doubt: ["SUBMITTED", "SUBMITTED"],
    received: ["RECEIVED", "RECEIVED"],
    lost: ["READY", "LOST"],
    "workflow-error": ["READY", "FAILED"],
  },
  RECEIVING: { doubt: ["SUBMITTED", "SUBMITTED"], received: ["RECEIVED", "RECEIVED"] },
  RECEIVED: { done: ["DONE", "DONE"], unexpected: ["FAILED", "FAILED"], unwritable: ["FAILED", "RECEIVED"] },
};

function image(stage: ImageStage, counts: Partial<ImageFacts> = {}): ImageFacts {
  return { stage, uncertain: 0, lost: 0, workflowErrors: 0, ...counts };
}

describe("The state machine of an image", () => {
  const pairs = IMAGE_STAGES.flatMap((stage) =>
    Object.values(EVENTS).map((event): [ImageStage, RunEvent] => [stage, event]),
  );

  test.each(pairs)("%s with $kind moves as written down, or not at all", (stage, event) => {
    const moved = step(image(stage), event);
    const expected = MOVES[stage]?.[event.kind];
    expect(moved === null ? undefined : [moved.stage, moved.run]).toEqual(expected);
  });

  test("sends an image of unknown outcome twice more, then fails it with what happened last", () => {
    expect(step(image("SENDING", { uncertain: 1 }), EVENTS.unknown)).toMatchObject({
      stage: "UNCERTAIN",
      uncertain: 2,
      nextAt: 5000,
    });
    expect(step(image("SENDING", { uncertain: 2 }), EVENTS.unknown)).toMatchObject({
      stage: "FAILED",
      failure: { reason: "outcome-unknown", times: 3, last: "reset" },
    });
  });

  test("holds an image of unknown outcome when a person wants to decide, however often that was", () => {
    const held = step(image("SENDING", { uncertain: 7 }), { ...EVENTS.unknown, retryAt: null });
    expect(held).toMatchObject({ stage: "UNCERTAIN", nextAt: HELD });
  });

  test("runs an image twice more after a lost result, then fails it", () => {
    expect(step(image("SUBMITTED", { lost: 1 }), EVENTS.lost)).toMatchObject({ stage: "READY", lost: 2 });
    expect(step(image("SUBMITTED", { lost: 2 }), EVENTS.lost)?.failure).toEqual({
      reason: "result-lost",
      times: 3,
    });
    const late = step(image("SUBMITTED", { lost: 2 }), { ...EVENTS.lost, waitedMs: 1234 });
    expect(late?.failure).toEqual({ reason: "run-timeout", waitedMs: 1234 });
  });

  test("runs an image once more after a workflow error, then fails it with the workflow's words", () => {
    expect(step(image("SUBMITTED"), EVENTS["workflow-error"])).toMatchObject({
      stage: "READY",
      workflowErrors: 1,
      nextAt: 9000,
    });
    expect(step(image("SUBMITTED", { workflowErrors: 1 }), EVENTS["workflow-error"])).toMatchObject({
      stage: "FAILED",
      failure: { reason: "workflow-error", status: 520, message: "no" },
    });
  });
});

test("Whatever happens in whatever order, budgets hold and each end has a reason", () => {
  const anyEvent = fc.constantFrom(...Object.values(EVENTS));
  fc.assert(
    fc.property(fc.array(anyEvent, { maxLength: 120 }), (events) => {
      let now: ImageFacts & { failure: unknown } = { ...image("READY"), failure: null };
      let submissions = 0;
      for (const event of events) {
        const next = step(now, event);
        if (next === null) continue;
        if (event.kind === "intent") submissions++;
        if (next.run === "REJECTED") submissions--;
        now = next;
        expect(now.uncertain).toBeLessThanOrEqual(BUDGET.uncertain + 1);
        expect(now.lost).toBeLessThanOrEqual(BUDGET.lost + 1);
        expect(now.workflowErrors).toBeLessThanOrEqual(BUDGET.workflowErrors);
        if (now.stage === "FAILED") expect(now.failure).not.toBeNull();
        if (now.stage === "DONE") expect(now.failure).toBeNull();
      }
      expect(submissions).toBeLessThanOrEqual(1 + now.uncertain + now.lost + now.workflowErrors);
      if (["FAILED", "DONE", "SEEN"].includes(now.stage))
        for (const event of Object.values(EVENTS)) expect(step(now, event)).toBeNull();
      expect(isInFlight(now.stage)).toBe(
        ["SENDING", "SUBMITTED", "RECEIVING", "RECEIVED"].includes(now.stage),
      );
    }),
    { numRuns: 500 },
  );
});
