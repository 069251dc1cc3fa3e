import type { MenuItemConstructorOptions } from "electron";
import type { BatchCard } from "../contract/api.ts";
import { left, summarize } from "./night-work.ts";

export interface TrayActions {
  open: (hash: string | null) => void;
  pauseAll: () => void;
  resumeAll: () => void;
  quit: () => void;
}

/** What the tray says without being opened. Windows cuts a tool tip at 127 characters. */
export function trayTip(cards: readonly BatchCard[], isReadOnly: boolean): string {
  return cut(`Nightrun: ${sentence(cards, isReadOnly)}`, 127);
}

function sentence(cards: readonly BatchCard[], isReadOnly: boolean): string {
  const work = summarize(cards);
  if (isReadOnly) return "only looking, another Nightrun writes the data file";
  if (work.running + work.paused === 0) return "nothing runs";
  const failed = work.failed > 0 ? `, ${grouped(work.failed)} failed` : "";
  const counts = `${grouped(work.ended)} of ${grouped(work.seen)}${failed}`;
  if (work.waitsForPerson) return `waits for you, ${counts}`;
  if (work.running === 0) return work.inFlight > 0 ? `paused, collecting, ${counts}` : `paused, ${counts}`;
  if (work.seen === work.ended)
    return work.walking ? "looking through the folder" : `everything done, ${counts}`;
  return work.isHeld ? `holding, ${counts}` : `running, ${counts}`;
}

const MOST_BATCHES = 8;
const LONGEST_NAME = 40;

/** The tray's menu: where the night stands, the batches under way, pause, quit. */
export function trayMenu(
  cards: readonly BatchCard[],
  actions: TrayActions,
  isReadOnly: boolean,
): MenuItemConstructorOptions[] {
  const work = summarize(cards);
  const shown = cards.filter((card) => card.activity === "running" || card.activity === "paused");
  const text = sentence(cards, isReadOnly);
  return [
    { label: text.charAt(0).toUpperCase() + text.slice(1), enabled: false },
    { type: "separator" },
    ...shown.slice(0, MOST_BATCHES).map((card) => ({
      label: batchLabel(card),
      click: () => actions.open(`#/batch/${card.id}/night`),
    })),
    ...(shown.length > 0 ? [{ type: "separator" as const }] : []),
    { label: "Open Nightrun", click: () => actions.open(null) },
    { label: "Pause all", enabled: !isReadOnly && work.running > 0, click: actions.pauseAll },
    { label: "Resume all", enabled: !isReadOnly && work.paused > 0, click: actions.resumeAll },
    { type: "separator" },
    { label: "Quit", click: actions.quit },
  ];
}

function batchLabel(card: BatchCard): string {
  const { seen } = card.ledger;
  const percent = seen === 0 ? 0 : Math.floor((100 * (seen - left(card))) / seen);
  // A single ampersand would underline the letter after it.
  const name = cut(card.name, LONGEST_NAME).replaceAll("&", "&&");
  return `${name}  ${percent} %${card.activity === "paused" ? ", paused" : ""}`;
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}

function grouped(n: number): string {
  return n.toLocaleString("en-US");
}
