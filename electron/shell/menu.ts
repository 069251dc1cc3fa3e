import type { MenuItemConstructorOptions } from "electron";
import type { BatchCard } from "../contract/api.ts";

export interface MenuActions {
  open: (hash: string | null) => void;
  openFolder: () => void;
  openLogs: () => void;
  copyDiagnostics: () => void;
  showAbout: () => void;
  openSite: () => void;
  quit: () => void;
}

export interface MenuState {
  platform: NodeJS.Platform;
  isPackaged: boolean;
  cards: readonly BatchCard[];
  isReadOnly: boolean;
}

const MOST_RECENT = 10;

/** The newest batches first: ids grow. */
export function recentBatches(cards: readonly BatchCard[]): BatchCard[] {
  return [...cards].sort((a, b) => b.id - a.id).slice(0, MOST_RECENT);
}

/** The whole menu bar, for every system. Roles bring the usual shortcuts of each. */
export function menuTemplate(state: MenuState, actions: MenuActions): MenuItemConstructorOptions[] {
  const isMac = state.platform === "darwin";
  return [
    ...(isMac ? [macMenu(actions)] : []),
    fileMenu(state, actions),
    { role: "editMenu" },
    viewMenu(state),
    { role: "windowMenu" },
    helpMenu(state, actions),
  ];
}

function macMenu(actions: MenuActions): MenuItemConstructorOptions {
  return {
    label: "Nightrun",
    submenu: [
      { label: "About Nightrun", click: actions.showAbout },
      { type: "separator" },
      { label: "Settings…", accelerator: "Command+,", click: () => actions.open("#/settings") },
      { type: "separator" },
      { role: "services" },
      { type: "separator" },
      { role: "hide" },
      { role: "hideOthers" },
      { role: "unhide" },
      { type: "separator" },
      { label: "Quit Nightrun", accelerator: "Command+Q", click: actions.quit },
    ],
  };
}

function fileMenu(state: MenuState, actions: MenuActions): MenuItemConstructorOptions {
  const isMac = state.platform === "darwin";
  const recent = recentBatches(state.cards);
  const items: MenuItemConstructorOptions[] = [
    {
      label: "New batch",
      accelerator: "CommandOrControl+N",
      enabled: !state.isReadOnly,
      click: () => actions.open("#/new"),
    },
    {
      label: "Open folder…",
      accelerator: "CommandOrControl+O",
      enabled: !state.isReadOnly,
      click: actions.openFolder,
    },
    {
      label: "Recent batches",
      enabled: recent.length > 0,
      submenu: recent.map((card, index) => ({
        // A single ampersand would underline the letter after it.
        label: card.name.replaceAll("&", "&&"),
        ...(index < 9 ? { accelerator: `CommandOrControl+${index + 1}` } : {}),
        click: () => actions.open(`#/batch/${card.id}/night`),
      })),
    },
    { type: "separator" },
  ];
  if (isMac) return { label: "File", submenu: [...items, { role: "close" }] };
  return {
    label: "&File",
    submenu: [
      ...items,
      { label: "Settings", accelerator: "Ctrl+,", click: () => actions.open("#/settings") },
      { type: "separator" },
      { role: "close" },
      { label: "Quit", accelerator: "Ctrl+Q", click: actions.quit },
    ],
  };
}

function viewMenu({ isPackaged }: MenuState): MenuItemConstructorOptions {
  return {
    label: "&View",
    submenu: [
      { role: "reload" },
      { type: "separator" },
      { role: "resetZoom" },
      { role: "zoomIn" },
      { role: "zoomOut" },
      { type: "separator" },
      { role: "togglefullscreen" },
      ...(isPackaged ? [] : [{ role: "toggleDevTools" as const }]),
    ],
  };
}

function helpMenu({ platform }: MenuState, actions: MenuActions): MenuItemConstructorOptions {
  return {
    role: "help",
    label: "&Help",
    submenu: [
      { label: "Open logs", click: actions.openLogs },
      { label: "Copy diagnostics", click: actions.copyDiagnostics },
      { label: "Ikomia SCALE in the browser", click: actions.openSite },
      ...(platform === "darwin"
        ? []
        : [{ type: "separator" as const }, { label: "About Nightrun", click: actions.showAbout }]),
    ],
  };
}
