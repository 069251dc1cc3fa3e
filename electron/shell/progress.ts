import type { BatchCard } from "../contract/api.ts";
import type { NightWork } from "./night-work.ts";

export interface Bar {
  /** 0 to 1; below 0 = no bar, above 1 = under way without a known end. */
  fraction: number;
  mode: "none" | "normal" | "indeterminate" | "error" | "paused";
}

/** The bar on the icon in the task bar or dock: there only while there is work, red where a person is needed. */
export function barOf(work: NightWork): Bar {
  if (work.running + work.paused === 0 || (work.seen === work.ended && !work.walking)) {
    return { fraction: -1, mode: "none" };
  }
  if (work.seen === 0) return { fraction: 2, mode: "indeterminate" };
  const fraction = work.ended / work.seen;
  if (work.waitsForPerson) return { fraction, mode: "error" };
  return { fraction, mode: work.running === 0 || work.isHeld ? "paused" : "normal" };
}

/** Counts failures that nobody has looked at yet. */
export interface FailureBadge {
  count(cards: readonly BatchCard[]): number;
  /** The person looks at the window now. */
  seen(cards: readonly BatchCard[]): void;
}

export function createFailureBadge(): FailureBadge {
  const known = new Map<number, number>();
  return {
    count: (cards) =>
      cards.reduce((all, card) => {
        const before = known.get(card.id);
        // What failed before this start was seen when it happened, or is seen when the window opens.
        if (before === undefined) known.set(card.id, card.ledger.failed);
        // A retry takes failures away; those that come after it are new.
        else if (card.ledger.failed < before) known.set(card.id, card.ledger.failed);
        return all + Math.max(0, card.ledger.failed - (known.get(card.id) ?? 0));
      }, 0),
    seen(cards) {
      for (const card of cards) known.set(card.id, card.ledger.failed);
    },
  };
}
