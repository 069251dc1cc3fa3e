import { app, clipboard, Menu, nativeImage, shell, Tray, type BrowserWindow } from "electron";
import { readdir, readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { version } from "../cli/version.ts";
import { diskSpace } from "../engine/disk.ts";
import { ownPlaces } from "../engine/engine.ts";
import type { CardBook } from "./card-book.ts";
import { diagnosticsText } from "./diagnostics.ts";
import { askThenOpenOutside, chooseFolder, notify, showAbout } from "./dialogs.ts";
import type { EngineHost } from "./engine-host.ts";
import { createFace, type Face } from "./face.ts";
import { iconFile } from "./icons.ts";
import { menuTemplate, type MenuActions } from "./menu.ts";
import { createNoticeKeeper } from "./notifications.ts";
import type { PowerKeeper } from "./power.ts";
import { createFailureBadge } from "./progress.ts";
import type { Quitter } from "./quit.ts";
import type { Secrets } from "./secrets.ts";
import { trayMenu } from "./tray.ts";
import type { MainWindow } from "./window.ts";

const SITE = "https://app.ikomia.ai/";

export interface OutsideParts {
  host: EngineHost;
  book: CardBook;
  window: MainWindow;
  power: PowerKeeper;
  quitter: Quitter;
  secrets: Secrets;
  dataFile: string;
}

/** Everything around the window: tray, menu bar, task bar, badge, notifications. */
export function openFace(parts: OutsideParts): Face {
  const { host, book, window, power, quitter } = parts;
  const open = (hash: string | null): void => void window.show(hash);
  const all = (name: "batch:pause" | "batch:start", activity: "running" | "paused"): void => {
    for (const card of book.cards()) {
      if (card.activity === activity) void host.service.call(name, { batchId: card.id });
    }
  };
  const trayActions = {
    open,
    pauseAll: () => all("batch:pause", "running"),
    resumeAll: () => all("batch:start", "paused"),
    quit: () => void quitter.quit(),
  };
  const menuActions: MenuActions = {
    open,
    openFolder: () => void chooseThenOpen(window),
    openLogs: () => void shell.openPath(ownPlaces(parts.dataFile).logs),
    copyDiagnostics: () => void copyDiagnostics(parts),
    showAbout,
    openSite: () => askThenOpenOutside(SITE),
    quit: () => void quitter.quit(),
  };
  const isReadOnly = host.engine === null;
  const tray = makeTray(() => open(null));
  return createFace({
    badge: createFailureBadge(),
    notices: createNoticeKeeper(() => Date.now()),
    isReadOnly,
    isLookedAt: () => window.current()?.isFocused() ?? false,
    showBar: ({ fraction, mode }) => window.current()?.setProgressBar(fraction, { mode }),
    showBadge: (failures) => showBadge(failures, window.current()),
    showTray: (tip) => {
      tray?.setToolTip(tip);
      tray?.setContextMenu(Menu.buildFromTemplate(trayMenu(book.cards(), trayActions, isReadOnly)));
    },
    showMenu: () => {
      const { platform } = process;
      const state = { platform, isPackaged: app.isPackaged, cards: book.cards(), isReadOnly };
      Menu.setApplicationMenu(Menu.buildFromTemplate(menuTemplate(state, menuActions)));
    },
    notify: (notice) => notify(notice, () => open(notice.hash)),
    onWork: (work) => power.update(work),
  });
}

function makeTray(onClick: () => void): Tray | null {
  try {
    const name = process.platform === "darwin" ? "trayTemplate.png" : "tray.png";
    const tray = new Tray(nativeImage.createFromPath(iconFile(app.getAppPath(), name)));
    tray.on("click", onClick);
    return tray;
  } catch {
    return null; // A desktop without a tray: starting Nightrun again shows the window.
  }
}

function showBadge(failures: number, window: BrowserWindow | null): void {
  if (process.platform !== "win32") {
    app.setBadgeCount(failures);
    return;
  }
  const icon = nativeImage.createFromPath(iconFile(app.getAppPath(), "overlay.png"));
  window?.setOverlayIcon(failures === 0 ? null : icon, failures === 0 ? "" : `${failures} failed`);
}

async function chooseThenOpen(window: MainWindow): Promise<void> {
  const folder = await chooseFolder("Folder of images", window.current());
  if (folder !== null) await window.show(`#/new?folder=${encodeURIComponent(folder)}`);
}

async function copyDiagnostics({ book, secrets, dataFile }: OutsideParts): Promise<void> {
  const space = await diskSpace(dirname(dataFile));
  await clipboard.writeText(
    diagnosticsText({
      version,
      versions: process.versions,
      platform: process.platform,
      arch: process.arch,
      dataFile,
      freeBytes: space?.freeBytes ?? null,
      cards: book.cards(),
      logTail: await newestLog(ownPlaces(dataFile).logs),
      home: homedir(),
      secrets: secrets.all(),
    }),
  );
}

/** Log files are numbered; the highest is the one that is written. */
async function newestLog(folder: string): Promise<string> {
  const names = await readdir(folder).catch(() => []);
  const number = (name: string): number => Number(/\.(\d+)\.log$/.exec(name)?.[1] ?? 0);
  const newest = names.filter((name) => name.endsWith(".log")).sort((a, b) => number(b) - number(a))[0];
  return newest === undefined ? "" : readFile(join(folder, newest), "utf8").catch(() => "");
}
