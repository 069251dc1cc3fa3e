import { describeFailure } from "./describe-failure.ts";
import type { Gate } from "./gate.ts";

/** What a closed gate says in the events of a batch. */
export function gateSentence(gate: Gate): string {
  if (gate.failure !== null) return describeFailure(gate.failure).what;
  switch (gate.kind) {
    case "paused":
      return "Paused. Results of runs already submitted are still collected.";
    case "run-limit":
      return "The limit of runs is reached. Nothing more is submitted.";
    case "battery-low":
      return "The battery is low. Nothing more is submitted until the machine is plugged in.";
    case "results-lost":
      return "The deployment seems to have lost its runs; one is tried before the others go on.";
    default:
      return `Stopped submitting (${gate.kind}).`;
  }
}
