import type { BatchCard } from "../contract/api.ts";
import { summarize, type NightWork } from "./night-work.ts";
import type { Notice, NoticeKeeper } from "./notifications.ts";
import { barOf, type Bar, type FailureBadge } from "./progress.ts";
import { trayTip } from "./tray.ts";

export interface FaceParts {
  badge: FailureBadge;
  notices: NoticeKeeper;
  isReadOnly: boolean;
  /** Whether a person has the window in front of them: then nothing has to be told beside it. */
  isLookedAt: () => boolean;
  showBar: (bar: Bar) => void;
  showBadge: (failures: number) => void;
  showTray: (tip: string) => void;
  showMenu: () => void;
  notify: (notice: Notice) => void;
  onWork: (work: NightWork) => void;
}

/** Everything that shows the night outside the window; each part is touched only when it has to change. */
export interface Face {
  update(cards: readonly BatchCard[]): void;
  /** The person looks at the window: failures so far are no news any more. */
  seen(cards: readonly BatchCard[]): void;
}

export function createFace(parts: FaceParts): Face {
  const shown = new Map<string, string>();
  function change(what: string, value: unknown, show: () => void): void {
    const text = JSON.stringify(value);
    if (shown.get(what) === text) return;
    shown.set(what, text);
    show();
  }

  function update(cards: readonly BatchCard[]): void {
    const work = summarize(cards);
    parts.onWork(work);
    if (parts.isLookedAt()) parts.badge.seen(cards);
    const bar = barOf(work);
    change("bar", bar, () => parts.showBar(bar));
    const failures = parts.badge.count(cards);
    change("badge", failures, () => parts.showBadge(failures));
    const tip = trayTip(cards, parts.isReadOnly);
    const lines = cards.map((card) => [card.id, card.name, card.activity, card.ledger]);
    change("tray", [tip, lines], () => parts.showTray(tip));
    change(
      "menu",
      cards.map((card) => [card.id, card.name]),
      parts.showMenu,
    );
    for (const notice of parts.notices.take(cards)) if (!parts.isLookedAt()) parts.notify(notice);
  }

  return {
    update,
    seen(cards) {
      parts.badge.seen(cards);
      // A window that was hidden or made anew has lost what its icon showed.
      shown.delete("bar");
      shown.delete("badge");
      update(cards);
    },
  };
}
