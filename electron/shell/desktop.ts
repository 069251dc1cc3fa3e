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
import { mkdirSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import process from "node:process";
import tls from "node:tls";
import type { AppSettings } from "../contract/api.ts";
import { describeFailure } from "../contract/describe-failure.ts";
import { dataFileOf } from "../cli/open.ts";
import { APP_PRIVILEGES, APP_SCHEME, devServerOf } from "./address.ts";
import { batteryPercent, isOnBattery } from "./battery.ts";
import { openCardBook, type CardBook } from "./card-book.ts";
import {
  askBeforeQuitting,
  askForPlainStorage,
  askThenOpenOutside,
  tellOnceThatItGoesOn,
  windowHost,
} from "./dialogs.ts";
import { openEngineHost, type EngineHost } from "./engine-host.ts";
import type { Face } from "./face.ts";
import { guardContents, guardSession } from "./guards.ts";
import { iconFile } from "./icons.ts";
import { bindIpc } from "./ipc.ts";
import { folderAmong, ownArguments, type Launch } from "./launch.ts";
import { setStartAtLogin } from "./login-item.ts";
import { createProxyFinder, trustSystemCertificates, type ProxyFinder } from "./network.ts";
import { summarize } from "./night-work.ts";
import { openFace } from "./outside.ts";
import { cannotStart, defectOf, fallOver, onProblem } from "./problem.ts";
import { createPowerKeeper, type PowerKeeper } from "./power.ts";
import { createAppProtocol } from "./protocol.ts";
import { createQuitter, keepsRunning, type Quitter } from "./quit.ts";
import { openSecrets, type Secrets } from "./secrets.ts";
import { createMainWindow, createReviver, type MainWindow } from "./window.ts";

const DATA_FILE_UNUSABLE = 4;
const COLLECT_ON_SIGNAL_MS = 5000;
/** A system that goes down waits for nobody. */
const COLLECT_ON_SHUTDOWN_MS = 3000;

/** What has to be settled before Electron is ready; the rest follows by itself. */
export function startDesktop(launch: Launch & { kind: "window" }): void {
  app.setName("Nightrun");
  app.setAppUserModelId("ai.nightrun.desktop");
  const named = app.commandLine.getSwitchValue("user-data-dir");
  const userData = named === "" ? join(app.getPath("appData"), "Nightrun") : resolve(named);
  makeOwnFolder(userData);
  app.setPath("userData", userData);
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
  let early: { folder: string | null } | null = null;
  app.on("second-instance", (_event, argv) => {
    const folder = folderAmong(ownArguments(argv, app.isPackaged));
    if (window === null) early = { folder };
    else void openAt(window, folder);
  });
  app.on("activate", () => void window?.show(null));
  app
    .whenReady()
    .then(async () => {
      window = await openDesktop(launch);
      if (early !== null) await openAt(window, early.folder);
    })
    .catch(cannotStart);
  process.on("uncaughtException", fallOver);
  process.on("unhandledRejection", (reason) => onProblem(defectOf(reason)));
}

/** For nobody else on this machine. Where it cannot be made, Electron says so when it wants to use it. */
function makeOwnFolder(folder: string): void {
  for (const each of [dirname(folder), folder]) {
    try {
      mkdirSync(each, { mode: 0o700 });
    } catch {
      // It is there already, or it is told below.
    }
  }
}

/** Everything that lies behind the window: the data file with its engine, tokens, proxies, settings. */
interface Data {
  userData: string;
  dataFile: string;
  secrets: Secrets;
  proxies: ProxyFinder;
  battery: { isLow: boolean };
  settings: { current: AppSettings | null };
  host: EngineHost;
  book: CardBook;
}

async function openDesktop(launch: Launch & { kind: "window" }): Promise<MainWindow> {
  trustSystemCertificates(tls);
  const devServer = devServerOf(process.env, app.isPackaged);
  guardSession(session.defaultSession, devServer?.origin ?? null);
  const data = await openData(() => window.current());
  const { host, book, secrets, dataFile } = data;
  const quitter = createQuitter({
    work: () => summarize(book.cards()),
    ask: askBeforeQuitting,
    onDraining: () => window.destroy(),
    drain: async (deadlineMs) => {
      power.stop();
      await host.close(deadlineMs);
    },
    exit: () => app.exit(0),
  });
  const window = openWindow(data, quitter, () => face.seen(book.cards()));
  const power = openPower(data, quitter);
  const face = openFace({ host, book, window, power, quitter, secrets, dataFile });
  serveThePage(host, devServer);
  answerTheWindow(data, { window, power, face });
  endWhenAsked(quitter);
  face.update(book.cards());
  await power.checkBattery();
  if (host.engine !== null) host.service.startAgain().catch((error: unknown) => onProblem(defectOf(error)));
  if (!launch.isHidden && !wasOpenedAtLogin()) await openAt(window, launch.folder);
  return window;
}

/** A Mac passes no arguments to what it starts at login, but tells. */
function wasOpenedAtLogin(): boolean {
  return process.platform === "darwin" && app.getLoginItemSettings().wasOpenedAtLogin;
}

async function openData(window: () => BrowserWindow | null): Promise<Data> {
  const userData = app.getPath("userData");
  const later = { tryAgain: (): void => undefined };
  const secrets = await openSecrets({
    storage: safeStorage,
    platform: process.platform,
    file: join(userData, "tokens.json"),
    env: process.env,
    askPlain: askForPlainStorage,
    onArrived: () => later.tryAgain(),
  });
  const proxies = createProxyFinder(process.env, (address) => session.defaultSession.resolveProxy(address));
  const battery = { isLow: false };
  const named = app.commandLine.getSwitchValue("data");
  const dataFile = dataFileOf(named === "" ? undefined : named);
  const opened = await openEngineHost({
    dataFile,
    env: process.env,
    host: windowHost(secrets, window),
    apiToken: (deployment) => secrets.apiToken(deployment),
    secrets: () => secrets.all(),
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
  later.tryAgain = () => tryAgain(host, book);
  const settings = { current: await readSettings(host) };
  return { userData, dataFile, secrets, proxies, battery, settings, host, book };
}

function openWindow(data: Data, quitter: Quitter, onSeen: () => void): MainWindow {
  const { host, book } = data;
  const mayRevive = createReviver(Date.now);
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
    stateFile: join(data.userData, "window.json"),
    keepsRunning: () => {
      const watches = book.cards().some((card) => host.engine?.runner(card.id) != null);
      return keepsRunning(summarize(book.cards()), watches, process.platform, quitter.isQuitting);
    },
    onMade: (made) => {
      made.webContents.on("render-process-gone", (_event, { reason }) => {
        if (reason === "clean-exit" || !mayRevive()) return;
        // Not from within: the page's process is still being taken down.
        setImmediate(() => {
          if (!made.isDestroyed()) made.webContents.reload();
        });
      });
      made.on("session-end", () => void quitter.quitNow(0));
    },
    onSeen,
    onHidden: () => tellOnceThatItGoesOn(() => void window.show(null)),
  });
  return window;
}

/** Has every batch that runs look at once whether its gates are still closed. */
function tryAgain(host: EngineHost, book: CardBook): void {
  for (const card of book.cards()) host.engine?.runner(card.id)?.tryNow();
}

function openPower(data: Data, quitter: Quitter): PowerKeeper {
  return createPowerKeeper({
    blocker: powerSaveBlocker,
    monitor: powerMonitor,
    onBattery: () => isOnBattery(process.platform, powerMonitor),
    percent: () => batteryPercent(process.platform),
    floorPercent: () => data.settings.current?.batteryFloorPercent ?? null,
    hold: (percent) => {
      data.battery.isLow = percent !== null;
    },
    onWake: () => {
      tryAgain(data.host, data.book);
      void data.proxies.refresh().then(() => tryAgain(data.host, data.book));
    },
    onShutdown: () => void quitter.quitNow(COLLECT_ON_SHUTDOWN_MS),
  });
}

/** Calls in one direction, events in the other. */
function answerTheWindow(data: Data, parts: { window: MainWindow; power: PowerKeeper; face: Face }): void {
  const { host, book } = data;
  const { window, power, face } = parts;
  bindIpc({
    call: async (name, input) => {
      const answer = await host.service.call(name, input);
      if (name === "settings:save" && answer.ok) {
        data.settings.current = answer.value as AppSettings;
        void power.checkBattery();
        void applyLoginItem(data.settings.current.startAtLogin);
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
}

function endWhenAsked(quitter: Quitter): void {
  app.on("before-quit", (event) => {
    event.preventDefault();
    void quitter.quit();
  });
  app.on("window-all-closed", () => {
    if (process.platform !== "darwin") void quitter.quit();
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => void quitter.quitNow(COLLECT_ON_SIGNAL_MS));
  }
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
