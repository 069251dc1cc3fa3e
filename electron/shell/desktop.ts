import {
  app,
  BrowserWindow,
  dialog,
  nativeTheme,
  net,
  powerMonitor,
  powerSaveBlocker,
  protocol,
  safeStorage,
  screen,
  session,
} from "electron";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import tls from "node:tls";
import type { AppSettings } from "../contract/api.ts";
import { describeFailure, type Failure } from "../contract/failure.ts";
import { dataFileOf } from "../cli/open.ts";
import { APP_PRIVILEGES, APP_SCHEME, devServerOf } from "./address.ts";
import { batteryPercent } from "./battery.ts";
import { openCardBook } from "./card-book.ts";
import {
  askBeforeQuitting,
  askForPlainStorage,
  askThenOpenOutside,
  tellOnceThatItGoesOn,
  windowHost,
} from "./dialogs.ts";
import { openEngineHost, type EngineHost } from "./engine-host.ts";
import { guardContents, guardSession } from "./guards.ts";
import { iconFile } from "./icons.ts";
import { bindIpc } from "./ipc.ts";
import { folderAmong, ownArguments, type Launch } from "./launch.ts";
import { setStartAtLogin } from "./login-item.ts";
import { createProxyFinder, trustSystemCertificates } from "./network.ts";
import { summarize, type NightWork } from "./night-work.ts";
import { openFace } from "./outside.ts";
import { createPowerKeeper } from "./power.ts";
import { createAppProtocol } from "./protocol.ts";
import { createQuitter, keepsRunning } from "./quit.ts";
import { openSecrets } from "./secrets.ts";
import { createMainWindow, type MainWindow } from "./window.ts";

/** A program that fell over starts itself again, but not in a circle. */
const LEAST_UPTIME_FOR_RESTART_S = 600;
const DATA_FILE_UNUSABLE = 4;

/** What has to be settled before Electron is ready; the rest follows by itself. */
export function startDesktop(launch: Launch & { kind: "window" }): void {
  app.setName("Nightrun");
  app.setAppUserModelId("ai.nightrun.desktop");
  const named = app.commandLine.getSwitchValue("user-data-dir");
  app.setPath("userData", named === "" ? join(app.getPath("appData"), "Nightrun") : named);
  if (!app.requestSingleInstanceLock()) {
    app.exit(0);
    return;
  }
  app.enableSandbox();
  if (app.isPackaged) {
    app.commandLine.removeSwitch("remote-debugging-port");
    app.commandLine.removeSwitch("remote-debugging-pipe");
  }
  protocol.registerSchemesAsPrivileged([APP_PRIVILEGES]);
  app.on("web-contents-created", (_event, contents) => guardContents(contents, askThenOpenOutside));
  let window: MainWindow | null = null;
  let wanted: string | null = null;
  app.on("second-instance", (_event, argv) => {
    const args = ownArguments(argv, app.isPackaged);
    wanted = folderAmong(args);
    if (window !== null) void openAt(window, wanted);
  });
  app.on("activate", () => void window?.show(null));
  app
    .whenReady()
    .then(async () => {
      window = await openDesktop(launch);
      if (wanted !== null) await openAt(window, wanted);
    })
    .catch(fallOver);
  process.on("uncaughtException", fallOver);
  process.on("unhandledRejection", (reason) => onProblem(defectOf(reason)));
}

function onProblem(failure: Failure): void {
  const { what, next } = describeFailure(failure);
  process.stderr.write(`nightrun: ${what} ${next}\n`);
}

function defectOf(error: unknown): Failure {
  return {
    reason: "internal",
    message: error instanceof Error ? (error.stack ?? error.message) : String(error),
  };
}

/** Nobody may be there to click a dialog away: all that counts is in the data file, so the program starts anew. */
function fallOver(error: unknown): void {
  onProblem(defectOf(error));
  if (process.uptime() > LEAST_UPTIME_FOR_RESTART_S) app.relaunch();
  app.exit(1);
}

async function openDesktop(launch: Launch & { kind: "window" }): Promise<MainWindow> {
  trustSystemCertificates(tls);
  const devServer = devServerOf(process.env, app.isPackaged);
  guardSession(session.defaultSession, devServer?.origin ?? null);
  const userData = app.getPath("userData");
  const secrets = await openSecrets({
    storage: safeStorage,
    platform: process.platform,
    file: join(userData, "tokens.json"),
    env: process.env,
    askPlain: askForPlainStorage,
  });
  const proxies = createProxyFinder(process.env, (address) => session.defaultSession.resolveProxy(address));
  const battery = { isLow: false };
  const data = app.commandLine.getSwitchValue("data");
  const dataFile = dataFileOf(data === "" ? undefined : data);
  const opened = await openEngineHost({
    dataFile,
    env: process.env,
    host: windowHost(secrets, () => window.current()),
    apiToken: (deployment) => secrets.apiToken(deployment),
    proxies,
    isBatteryLow: () => battery.isLow,
    onProblem,
  });
  if (!opened.ok) {
    const { what, next } = describeFailure(opened.failure);
    dialog.showErrorBox("Nightrun cannot start", `${what}\n\n${next}`);
    app.exit(DATA_FILE_UNUSABLE);
    return new Promise<never>(() => undefined);
  }
  const host = opened.value;
  const book = await openCardBook(host.service);
  const work = (): NightWork => summarize(book.cards());
  let settings = await readSettings(host);

  const quitter = createQuitter({
    work,
    ask: askBeforeQuitting,
    onDraining: () => window.destroy(),
    drain: async (deadlineMs) => {
      power.stop();
      await host.close(deadlineMs);
    },
    exit: () => app.exit(0),
  });
  const window: MainWindow = createMainWindow({
    make: (options) => new BrowserWindow(options),
    look: () => ({
      preload: join(app.getAppPath(), "out", "preload", "preload.cjs"),
      icon: iconFile(app.getAppPath(), "icon.png"),
      isDark: nativeTheme.shouldUseDarkColors,
      isPackaged: app.isPackaged,
    }),
    screens: () => {
      const primary = screen.getPrimaryDisplay();
      const others = screen.getAllDisplays().filter((display) => display.id !== primary.id);
      return [primary, ...others].map((display) => display.workArea);
    },
    stateFile: join(userData, "window.json"),
    keepsRunning: () =>
      keepsRunning(
        work(),
        book.cards().some((card) => host.engine?.runner(card.id) != null),
        process.platform,
        quitter.isQuitting,
      ),
    onMade: (made) => {
      made.webContents.on("render-process-gone", (_event, { reason }) => {
        if (reason !== "clean-exit" && !made.isDestroyed()) made.webContents.reload();
      });
      made.on("session-end", () => void quitter.quitNow(0));
    },
    onSeen: () => face.seen(book.cards()),
    onHidden: () => tellOnceThatItGoesOn(() => void window.show(null)),
  });
  const power = createPowerKeeper({
    blocker: powerSaveBlocker,
    monitor: powerMonitor,
    percent: () => batteryPercent(process.platform),
    floorPercent: () => settings?.batteryFloorPercent ?? null,
    hold: (percent) => {
      battery.isLow = percent !== null;
    },
    onWake: () => {
      void proxies.refresh();
      for (const card of book.cards()) host.engine?.runner(card.id)?.tryNow();
    },
    onShutdown: () => void quitter.quitNow(3000),
  });

  const face = openFace({ host, book, window, power, quitter, secrets, dataFile });
  serveThePage(host, devServer);
  bindIpc({
    call: async (name, input) => {
      const answer = await host.service.call(name, input);
      if (name === "settings:save" && answer.ok) {
        settings = answer.value as AppSettings;
        void power.checkBattery();
        void applyLoginItem(settings.startAtLogin);
      }
      if (book.answered(name, input, answer)) face.update(book.cards());
      return answer;
    },
    windowId: () => window.contentsId(),
    onFolderDropped: (path) => void openAt(window, path),
    onProblem,
  });
  host.service.on((event) => {
    window.send(event.name, event.data);
    if (book.take(event)) face.update(book.cards());
  });
  app.on("before-quit", (event) => {
    event.preventDefault();
    void quitter.quit();
  });
  app.on("window-all-closed", () => {
    if (process.platform !== "darwin") void quitter.quit();
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => void quitter.quitNow(5000));
  }
  face.update(book.cards());
  await power.checkBattery();
  if (host.engine !== null) host.service.startAgain().catch((error: unknown) => onProblem(defectOf(error)));
  if (!launch.isHidden) await openAt(window, launch.folder);
  return window;
}

async function readSettings(host: EngineHost): Promise<AppSettings | null> {
  const answer = await host.service.call("settings:get", {});
  return answer.ok ? (answer.value as AppSettings) : null;
}

/** Shows the window; at a new batch when a folder was given and is one. */
async function openAt(window: MainWindow, folder: string | null): Promise<void> {
  const isFolder =
    folder !== null &&
    (await stat(folder).then(
      (found) => found.isDirectory(),
      () => false,
    ));
  await window.show(isFolder ? `#/new?folder=${encodeURIComponent(folder)}` : null);
}

function serveThePage(host: EngineHost, devServer: URL | null): void {
  const serve = createAppProtocol({
    folder: join(app.getAppPath(), "out", "renderer"),
    pictures: host.service,
    readFile,
    devServer,
    fetch: (address) => net.fetch(address),
  });
  protocol.handle(APP_SCHEME, serve);
}

function applyLoginItem(isWanted: boolean): Promise<void> {
  return setStartAtLogin(isWanted, {
    platform: process.platform,
    isPackaged: app.isPackaged,
    executable: process.env.APPIMAGE ?? process.execPath,
    configFolder: app.getPath("appData"),
    setLoginItemSettings: (settings) => app.setLoginItemSettings(settings),
  }).catch((error: unknown) => onProblem(defectOf(error)));
}
