export type TableKey =
  | "up"
  | "down"
  | "page-up"
  | "page-down"
  | "first"
  | "last"
  | "open"
  | "select"
  | "retry"
  | "search"
  | "leave";

const ANYWHERE: Record<string, TableKey> = { "/": "search", Escape: "leave", r: "retry", R: "retry" };
const MOVES: Record<string, TableKey> = {
  ArrowUp: "up",
  ArrowDown: "down",
  PageUp: "page-up",
  PageDown: "page-down",
  Home: "first",
  End: "last",
};
const ON_GRID: Record<string, TableKey> = { Enter: "open", " ": "select" };

// A layer that is closing is still in the page for a frame or two; a second key pressed meanwhile belongs to the table.
const OPEN_LAYER =
  ':is([role="dialog"], [role="alertdialog"], [role="menu"], [role="listbox"]):not([data-state="closed"])';

/** What a key means for the table of images; null when it belongs to something else. */
export function readTableKey(event: KeyboardEvent): TableKey | null {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return null;
  const target = event.target instanceof Element ? event.target : document.body;
  if (document.querySelector(OPEN_LAYER) !== null) return null;
  if (target.matches("input:not([type=checkbox]), textarea, [contenteditable]"))
    return event.key === "Escape" ? "leave" : null;
  const anywhere = ANYWHERE[event.key];
  if (anywhere !== undefined) return anywhere;
  const isGrid = target.matches("[role=grid], body, main");
  if (isGrid) return MOVES[event.key] ?? ON_GRID[event.key] ?? null;
  // Flipping through the night goes on while the panel has the focus, unless the widget needs these keys itself.
  const isFree = target.closest("[role=slider], [data-own-keys], pre, [role=tabpanel]") === null;
  return isFree && (event.key === "ArrowUp" || event.key === "ArrowDown") ? (MOVES[event.key] ?? null) : null;
}
