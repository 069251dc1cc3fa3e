import type { BatchCard } from "../contract/api.ts";
import { describeFailure } from "../contract/describe-failure.ts";
import { GATES_FOR_A_PERSON, type Gate } from "../contract/gate.ts";
import { left } from "./night-work.ts";

export interface Notice {
  title: string;
  body: string;
  batchId: number;
  /** The place of the window that answers it. */
  hash: string;
}

/** Tells what a person should hear about: the end of a batch, and a gate that waits for them. Each once. */
export interface NoticeKeeper {
  take(cards: readonly BatchCard[]): Notice[];
}

/** A gate that opens and closes again within this time is the same trouble. */
const SAME_TROUBLE_MS = 30 * 60_000;

export function createNoticeKeeper(now: () => number): NoticeKeeper {
  const wasUnderWay = new Map<number, boolean>();
  const told = new Map<string, number>();

  function gateNotice(card: BatchCard, gate: Gate): Notice | null {
    const key = `${card.id} ${gate.kind}`;
    const last = told.get(key);
    told.set(key, now());
    if (last !== undefined && now() - last < SAME_TROUBLE_MS) return null;
    return { title: `${card.name}: ${titleOf(gate)}`, body: bodyOf(card, gate), ...placeOf(card, "night") };
  }

  return {
    take(cards) {
      const notices: Notice[] = [];
      for (const card of cards) {
        const isUnderWay = card.activity === "running" && (left(card) > 0 || card.walking);
        const before = wasUnderWay.get(card.id);
        wasUnderWay.set(card.id, isUnderWay);
        const hasEnded = left(card) === 0 && !card.walking && card.ledger.seen > 0;
        if (before === true && hasEnded && card.activity !== "paused") notices.push(endNotice(card));
        if (card.activity !== "running") continue;
        for (const gate of card.gates) {
          if (gate.kind === "paused" || !GATES_FOR_A_PERSON.has(gate.kind)) continue;
          const notice = gateNotice(card, gate);
          if (notice !== null) notices.push(notice);
        }
      }
      return notices;
    },
  };
}

function placeOf(card: BatchCard, view: "night" | "failures"): { batchId: number; hash: string } {
  return { batchId: card.id, hash: `#/batch/${card.id}/${view}` };
}

function endNotice(card: BatchCard): Notice {
  const { done, failed, missing, skipped, seen } = card.ledger;
  const parts = [
    `${grouped(done)} done`,
    ...(failed > 0 ? [`${grouped(failed)} failed`] : []),
    ...(missing > 0 ? [`${grouped(missing)} missing`] : []),
    ...(skipped > 0 ? [`${grouped(skipped)} skipped`] : []),
  ];
  return {
    title: failed + missing > 0 ? `${card.name} ended; some images need a look` : `${card.name} is done`,
    body: `${parts.join(", ")} of ${grouped(seen)}.`,
    ...placeOf(card, failed > 0 ? "failures" : "night"),
  };
}

function titleOf(gate: Gate): string {
  switch (gate.kind) {
    case "sign-in":
      return "sign in again";
    case "run-limit":
      return "the limit of runs is reached";
    case "all-refused":
      return "the deployment refuses every image";
    default:
      return "waits for you";
  }
}

function bodyOf(card: BatchCard, gate: Gate): string {
  const waiting = `${grouped(left(card))} ${left(card) === 1 ? "image waits" : "images wait"}; none is lost.`;
  return gate.failure === null ? waiting : `${describeFailure(gate.failure).what} ${waiting}`;
}

function grouped(n: number): string {
  return n.toLocaleString("en-US");
}
