import { EventEmitter } from "node:events";
import { mkdtempSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { vi } from "vitest";

type Listener = (event: unknown, input: unknown) => Promise<unknown>;

/** As much of Electron as the shell touches, and what the shell did with it. */
export interface StandInElectron {
  readonly folder: string;
  readonly switches: Map<string, string>;
  /** What happened, in order. */
  readonly log: string[];
  readonly channels: Map<string, Listener>;
  readonly windows: StandInBrowserWindow[];
  readonly notices: { title: string; body: string }[];
  readonly answers: { message: string; response: number }[];
  readonly app: EventEmitter;
  handle: ((request: Request) => Promise<Response>) | null;
  tray: { tip: string; menu: Electron.MenuItemConstructorOptions[] };
  menu: Electron.MenuItemConstructorOptions[];
  blocks: number;
  ready: () => void;
  /** Calls one channel as the window's own page does. */
  call(name: string, input: unknown): Promise<unknown>;
}

export class StandInBrowserWindow extends EventEmitter {
  readonly options: Electron.BrowserWindowConstructorOptions;
  readonly loaded: string[] = [];
  readonly sent: { name: string; data: unknown }[] = [];
  readonly webContents: EventEmitter & { id: number };
  reloads = 0;
  isShown = false;
  isGone = false;
  hasFocus = false;
  constructor(options: Electron.BrowserWindowConstructorOptions) {
    super();
    this.options = options;
    this.webContents = Object.assign(new EventEmitter(), {
      id: 7,
      loadURL: async (address: string) => void this.loaded.push(address),
      send: (name: string, data: unknown) => void this.sent.push({ name, data }),
      reload: () => void (this.reloads += 1),
      setWindowOpenHandler: () => undefined,
    });
  }
  getNormalBounds = () => ({ x: 0, y: 0, width: 900, height: 600 });
  isMaximized = () => false;
  isMinimized = () => false;
  isDestroyed = () => this.isGone;
  isFocused = () => this.hasFocus;
  maximize = () => undefined;
  focus = () => undefined;
  setProgressBar = () => undefined;
  setOverlayIcon = () => undefined;
  show = () => void (this.isShown = true);
  hide = () => void (this.isShown = false);
  close(): void {
    const event = { isPrevented: false, preventDefault: () => void (event.isPrevented = true) };
    this.emit("close", event);
    if (!event.isPrevented) this.destroy();
  }
  destroy(): void {
    this.isGone = true;
    this.emit("closed");
  }
}

/** Makes the module that stands for `electron`, and the hand that moves it. */
export function makeStandInElectron(): { module: Record<string, unknown>; electron: StandInElectron } {
  const folder = mkdtempSync(join(tmpdir(), "nightrun-desktop-"));
  mkdirSync(join(folder, "user"));
  const log: string[] = [];
  const channels = new Map<string, Listener>();
  const switches = new Map([
    ["user-data-dir", join(folder, "user")],
    ["data", join(folder, "night.db")],
  ]);
  let becomeReady: () => void = () => undefined;
  const isReady = new Promise<void>((resolve) => (becomeReady = resolve));
  const app = Object.assign(new EventEmitter(), {
    isPackaged: true,
    commandLine: {
      getSwitchValue: (name: string) => switches.get(name) ?? "",
      removeSwitch: (name: string) => void log.push(`no ${name}`),
    },
    setName: () => undefined,
    setAppUserModelId: () => undefined,
    setPath: () => undefined,
    getPath: () => join(folder, "user"),
    getAppPath: () => join(import.meta.dirname, "..", "..", ".."),
    requestSingleInstanceLock: () => true,
    enableSandbox: () => void log.push("sandbox"),
    whenReady: () => isReady,
    setBadgeCount: (count: number) => void log.push(`badge ${count}`),
    setLoginItemSettings: () => undefined,
    relaunch: () => void log.push("relaunch"),
    exit: (code: number) => {
      log.push(`exit ${code}`);
      app.emit("exited");
    },
  });
  const session = {
    on: () => undefined,
    setPermissionRequestHandler: () => void log.push("permissions guarded"),
    setPermissionCheckHandler: () => undefined,
    setDevicePermissionHandler: () => undefined,
    setDisplayMediaRequestHandler: () => undefined,
    setBluetoothPairingHandler: () => undefined,
    webRequest: { onBeforeRequest: () => undefined },
    resolveProxy: async () => "DIRECT",
  };
  const electron: StandInElectron = {
    folder,
    switches,
    log,
    channels,
    windows: [],
    notices: [],
    answers: [],
    app,
    handle: null,
    tray: { tip: "", menu: [] },
    menu: [],
    blocks: 0,
    ready: becomeReady,
    call: (name, input) => {
      const frame = { parent: null, detached: false, url: "app://ui/index.html" };
      const listener = channels.get(name);
      if (listener === undefined) throw new Error(`There is no channel ${name}`);
      return listener({ sender: { id: 7 }, senderFrame: frame }, input);
    },
  };
  const module = {
    app,
    BrowserWindow: class extends StandInBrowserWindow {
      constructor(options: Electron.BrowserWindowConstructorOptions) {
        super(options);
        electron.windows.push(this);
        app.emit("web-contents-created", {}, this.webContents);
      }
    },
    clipboard: { writeText: async () => undefined },
    dialog: {
      showMessageBox: async ({ message }: { message: string }) => {
        log.push(`asked ${message}`);
        return { response: electron.answers.find((answer) => answer.message === message)?.response ?? 0 };
      },
      showErrorBox: (_title: string, text: string) => void log.push(`error ${text}`),
      showOpenDialog: async () => ({ canceled: true, filePaths: [] }),
    },
    ipcMain: {
      handle: (name: string, listener: Listener) => void channels.set(name, listener),
      removeHandler: (name: string) => void channels.delete(name),
    },
    Menu: {
      buildFromTemplate: (template: Electron.MenuItemConstructorOptions[]) => template,
      setApplicationMenu: (template: Electron.MenuItemConstructorOptions[]) =>
        void (electron.menu = template),
    },
    nativeImage: { createFromPath: (path: string) => path },
    nativeTheme: { shouldUseDarkColors: true },
    net: { fetch: () => Promise.reject(new Error("There is no network")) },
    Notification: class extends EventEmitter {
      static isSupported = () => true;
      constructor(notice: { title: string; body: string }) {
        super();
        electron.notices.push(notice);
      }
      show = () => undefined;
    },
    powerMonitor: Object.assign(new EventEmitter(), { onBatteryPower: false }),
    powerSaveBlocker: {
      start: () => (electron.blocks += 1),
      stop: () => void (electron.blocks = 0),
      isStarted: () => electron.blocks > 0,
    },
    protocol: {
      registerSchemesAsPrivileged: ([scheme]: [{ scheme: string }]) =>
        void log.push(`scheme ${scheme.scheme}`),
      handle: (_scheme: string, handle: never) => void (electron.handle = handle),
    },
    safeStorage: {
      isAsyncEncryptionAvailable: async () => false,
      getSelectedStorageBackend: () => "unknown",
    },
    screen: {
      getPrimaryDisplay: () => ({ id: 1, workArea: { x: 0, y: 0, width: 1920, height: 1080 } }),
      getAllDisplays: () => [{ id: 1, workArea: { x: 0, y: 0, width: 1920, height: 1080 } }],
    },
    session: { defaultSession: session },
    shell: {
      showItemInFolder: (path: string) => void log.push(`reveal ${path}`),
      openExternal: async (address: string) => void log.push(`outside ${address}`),
      openPath: async () => "",
    },
    Tray: class extends EventEmitter {
      setToolTip = (tip: string) => void (electron.tray.tip = tip);
      setContextMenu = (menu: Electron.MenuItemConstructorOptions[]) => void (electron.tray.menu = menu);
    },
    // Vitest asks for it.
    default: vi.fn(),
  };
  return { module, electron };
}
