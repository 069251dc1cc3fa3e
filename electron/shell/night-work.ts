import type { BatchCard } from "../contract/api.ts";
import { GATES_FOR_A_PERSON } from "../contract/gate.ts";

/** What all batches together are doing, as tray, task bar and power rules need it. */
export interface NightWork {
  /** Batches that run, watch or collect. */
  running: number;
  paused: number;
  /** Images of those batches, and how many of them came to their end. */
  seen: number;
  ended: number;
  failed: number;
  inFlight: number;
  /** Something moves, or will by itself: the machine has to stay awake for it. */
  isMoving: boolean;
  /** A gate that only a person can open, of a batch that runs. */
  waitsForPerson: boolean;
  /** Nothing is submitted right now, though something waits. */
  isHeld: boolean;
  walking: boolean;
}

/** Images that have not come to their end. */
export function left(card: BatchCard): number {
  const { waiting, inFlight, uncertain } = card.ledger;
  return waiting + inFlight + uncertain;
}

function needsPerson(card: BatchCard): boolean {
  return card.gates.some((gate) => GATES_FOR_A_PERSON.has(gate.kind) && gate.kind !== "paused");
}

/** A batch moves while a result is to come, or while something waits that no person holds up. */
function moves(card: BatchCard): boolean {
  if (card.activity === "running" && needsPerson(card)) return card.ledger.inFlight > 0;
  if (card.activity === "running") return left(card) > 0;
  return card.activity === "paused" && card.ledger.inFlight > 0;
}

export function summarize(cards: readonly BatchCard[]): NightWork {
  const running = cards.filter((card) => card.activity === "running");
  const shown = cards.filter((card) => card.activity === "running" || card.activity === "paused");
  const sum = (of: (card: BatchCard) => number): number => shown.reduce((all, card) => all + of(card), 0);
  return {
    running: running.length,
    paused: shown.length - running.length,
    seen: sum((card) => card.ledger.seen),
    ended: sum((card) => card.ledger.seen - left(card)),
    failed: sum((card) => card.ledger.failed),
    inFlight: sum((card) => card.ledger.inFlight),
    isMoving: cards.some(moves),
    waitsForPerson: running.some(needsPerson),
    isHeld: running.some((card) => card.gates.length > 0 && left(card) > 0),
    walking: running.some((card) => card.walking),
  };
}
