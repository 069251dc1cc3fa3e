import type { BatchCard, CallName, Envelope } from "../contract/api.ts";
import type { FeedEvent, WindowService } from "../engine/handlers/service.ts";

/** The newest card of every batch, for everything outside the window that shows them. */
export interface CardBook {
  cards(): readonly BatchCard[];
  /** Takes what an event tells; true when a card changed. */
  take(event: FeedEvent): boolean;
  /** Takes what a window's call changed: a removed batch is told by no event. */
  answered(name: CallName, input: unknown, answer: Envelope<unknown>): boolean;
}

export async function openCardBook(service: Pick<WindowService, "call">): Promise<CardBook> {
  const cards = new Map<number, BatchCard>();
  const state = await service.call("app:state", {});
  if (state.ok) {
    for (const card of (state.value as { batches: BatchCard[] }).batches) cards.set(card.id, card);
  }
  return {
    cards: () => [...cards.values()],
    take(event) {
      if (event.name !== "batches:changed") return false;
      for (const card of event.data.batches) cards.set(card.id, card);
      return true;
    },
    answered(name, input, answer) {
      if (name !== "batch:remove" || !answer.ok) return false;
      // The call itself went well; what it says may still be a failure.
      if (!(answer.value as { ok: boolean }).ok) return false;
      return cards.delete((input as { batchId: number }).batchId);
    },
  };
}
