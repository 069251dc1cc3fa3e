import type { BatchCard } from "../../electron/contract/api.ts";
import { GATES_FOR_A_PERSON, type Gate } from "../../electron/contract/gate.ts";
import { unfinished } from "../../electron/contract/image.ts";
import { formatPercent, formatTime } from "./format.ts";
import { words } from "./messages.ts";
import { GATE_NAMES } from "./reasons.ts";

/** Part of the images that need no more work, 0..1. */
export function partHandled(card: BatchCard): number {
  const { seen } = card.ledger;
  return seen === 0 ? 0 : (seen - unfinished(card.ledger)) / seen;
}

/** The gate to tell first: one that a person must open, before one that opens by itself. */
export function foremostGate(card: BatchCard): Gate | null {
  const unpaused = card.gates.filter((gate) => gate.kind !== "paused");
  return unpaused.find((gate) => GATES_FOR_A_PERSON.has(gate.kind)) ?? unpaused[0] ?? card.gates[0] ?? null;
}

export type CardTone = "run" | "done" | "stopped" | "trouble";

/** One word of colour for a batch. */
export function toneOf(card: BatchCard): CardTone {
  const gate = foremostGate(card);
  if (gate !== null && gate.kind !== "paused" && gate.kind !== "busy") return "trouble";
  if (card.activity === "finished") return "done";
  return card.activity === "running" && gate === null ? "run" : "stopped";
}

/** The second line of a batch in the side bar: how far, and when it ends or why it stands. */
export function cardLine(card: BatchCard, now: number): string {
  const { ledger } = card;
  const percent = formatPercent(ledger.seen - unfinished(ledger), ledger.seen);
  return [percent, statusWord(card, now)].filter((part) => part !== "").join(" · ");
}

function statusWord(card: BatchCard, now: number): string {
  const gate = foremostGate(card);
  if (gate !== null) return GATE_NAMES[gate.kind];
  if (card.activity === "paused") return GATE_NAMES.paused;
  if (card.activity === "finished") return words.sideBar.finished;
  if (card.activity === "idle") return words.sideBar.idle;
  if (card.walking && card.ledger.seen === 0) return words.sideBar.walking;
  return card.endsAt === null ? words.sideBar.running : formatTime(card.endsAt.typical, now);
}
