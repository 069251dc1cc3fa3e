import type { BrowserWindow, BrowserWindowConstructorOptions, Rectangle } from "electron";
import { readFile, writeFile } from "node:fs/promises";
import type { EventName, Events } from "../contract/api.ts";
import { addressOf } from "./address.ts";
import { placeWindow, readWindowState, SMALLEST, type WindowState } from "./window-state.ts";

export interface WindowLook {
  /** Absolute path of the built bridge. */
  preload: string;
  icon: string;
  isDark: boolean;
  /** Developer tools are there only while the program is not packaged. */
  isPackaged: boolean;
}

/** Every option of the one window. What protects is written out, also where it is the default today. */
export function windowOptions(place: WindowState, look: WindowLook): BrowserWindowConstructorOptions {
  return {
    ...place.bounds,
    minWidth: SMALLEST.width,
    minHeight: SMALLEST.height,
    show: false,
    title: "Nightrun",
    icon: look.icon,
    backgroundColor: look.isDark ? "#0e1116" : "#f6f5f2",
    webPreferences: {
      preload: look.preload,
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      nodeIntegrationInWorker: false,
      nodeIntegrationInSubFrames: false,
      webSecurity: true,
      allowRunningInsecureContent: false,
      experimentalFeatures: false,
      webviewTag: false,
      navigateOnDragDrop: false,
      plugins: false,
      webgl: false,
      spellcheck: false,
      safeDialogs: true,
      devTools: !look.isPackaged,
    },
  };
}

export interface MainWindowOptions {
  make: (options: BrowserWindowConstructorOptions) => BrowserWindow;
  look: () => WindowLook;
  /** Work areas of the screens that are there now, the primary first. */
  screens: () => Rectangle[];
  stateFile: string;
  /** Whether closing only hides the window. */
  keepsRunning: () => boolean;
  onMade: (window: BrowserWindow) => void;
  onSeen: () => void;
  onHidden: () => void;
}

/** The one window: made when it is wanted, shown at a place, hidden or gone in between. */
export interface MainWindow {
  /** Shows the window, in front, at `hash` (a place of the page such as `#/new`); null leaves it where it is. */
  show(hash: string | null): Promise<void>;
  /** null while there is none. */
  contentsId(): number | null;
  current(): BrowserWindow | null;
  send<E extends EventName>(name: E, event: Events[E]): void;
  /** Closes for good; nothing keeps it. */
  destroy(): void;
}

const REVIVED_WITHIN_MS = 60_000;
const MOST_REVIVED = 3;

/** Says whether a page that fell over may be loaded again: three times a minute, so that it never goes in a circle. */
export function createReviver(now: () => number): () => boolean {
  let times: number[] = [];
  return () => {
    times = times.filter((time) => now() - time < REVIVED_WITHIN_MS);
    if (times.length >= MOST_REVIVED) return false;
    times.push(now());
    return true;
  };
}

export function createMainWindow(options: MainWindowOptions): MainWindow {
  let window: BrowserWindow | null = null;
  let making: Promise<BrowserWindow> | null = null;

  async function make(): Promise<BrowserWindow> {
    const kept = readWindowState(await readFile(options.stateFile, "utf8").catch(() => ""));
    const place = placeWindow(kept, options.screens());
    const made = options.make(windowOptions(place, options.look()));
    if (place.isMaximized) made.maximize();
    made.on("close", (event) => {
      const state: WindowState = { bounds: made.getNormalBounds(), isMaximized: made.isMaximized() };
      // A place that could not be kept is the usual place next time.
      void writeFile(options.stateFile, JSON.stringify(state), { mode: 0o600 }).catch(() => undefined);
      if (!options.keepsRunning()) return;
      event.preventDefault();
      made.hide();
      options.onHidden();
    });
    made.on("closed", () => (window = null));
    made.on("focus", options.onSeen);
    options.onMade(made);
    return made;
  }

  async function load(made: BrowserWindow, hash: string): Promise<void> {
    // A place within the page that is shown already counts as an interrupted load: it is no failure.
    await made.webContents.loadURL(addressOf(hash)).catch(() => undefined);
  }

  return {
    async show(hash) {
      const before = window;
      const shown = before ?? (await (making ??= make().finally(() => (making = null))));
      window = shown;
      if (before === null || hash !== null) await load(shown, hash ?? "");
      if (shown.isDestroyed()) return;
      if (shown.isMinimized()) shown.restore();
      shown.show();
      shown.focus();
    },
    contentsId: () => (window === null || window.isDestroyed() ? null : window.webContents.id),
    current: () => (window === null || window.isDestroyed() ? null : window),
    send(name, event) {
      if (window !== null && !window.isDestroyed()) window.webContents.send(name, event);
    },
    destroy() {
      window?.destroy();
      window = null;
    },
  };
}
