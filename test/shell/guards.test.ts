import { describe, expect, test } from "vitest";
import { addressOf, devServerOf, isOwnUrl } from "../../electron/shell/address.ts";
import {
  externalLink,
  guardContents,
  guardSession,
  isPermitted,
  mayLoad,
  type GuardedSession,
} from "../../electron/shell/guards.ts";

const FOREIGN = [
  "https://example.com/",
  "http://localhost:5173/",
  "file:///etc/passwd",
  "file:///C:/scans/photo.jpg",
  "data:text/html,<script>1</script>",
  "javascript:alert(1)",
  "about:blank",
  "chrome://settings",
  "app://ui.evil/index.html",
  "app://evil/ui",
  "app://ui:8080/index.html",
  "app://user@ui/index.html",
  "blob:https://example.com/1",
  "ws://localhost:5173/",
  "",
];

describe("our own page", () => {
  test.each([
    "app://ui/",
    "app://ui/index.html",
    "app://ui/index.html#/batch/3/night",
    "app://ui/assets/a.js?x=1",
  ])("%s", (address) => expect(isOwnUrl(address)).toBe(true));
  test.each(FOREIGN)("is not %j", (address) => expect(isOwnUrl(address)).toBe(false));

  test("has places, and no place leads anywhere else", () => {
    expect(addressOf("")).toBe("app://ui/index.html");
    expect(addressOf("#/new")).toBe("app://ui/index.html#/new");
    expect(isOwnUrl(addressOf("//evil.example/"))).toBe(true);
    expect(new URL(addressOf("@evil.example/")).host).toBe("ui");
  });
});

describe("links to the outside", () => {
  test.each([
    ["https://www.ikomia.ai/", "https://www.ikomia.ai/"],
    ["https://app.ikomia.ai/account?tab=tokens", "https://app.ikomia.ai/account?tab=tokens"],
    ["HTTPS://SCALE.IKOMIA.AI/x", "https://scale.ikomia.ai/x"],
  ])("%s is opened as %s", (address, expected) => expect(externalLink(address)).toBe(expected));

  test.each([
    "http://www.ikomia.ai/",
    "https://ikomia.ai.evil.example/",
    "https://www.ikomia.ai.evil.example/",
    "https://www.ikomia.ai@evil.example/",
    "https://good@www.ikomia.ai/",
    "https://www.ikomia.ai:8443/",
    "https://example.com/",
    "javascript:alert(1)",
    "file:///etc/passwd",
    "smb://server/share",
    "\\\\server\\share",
    "ms-msdt:/id PCWDiagnostic",
    "vbscript:x",
    "https:\\\\www.ikomia.ai\\",
    "https://www.ikomia.ai/\u0000",
    "https://www.ikomia.ai/a b",
    " https://www.ikomia.ai/",
    "//www.ikomia.ai/",
    "",
  ])("%j is refused", (address) => expect(externalLink(address)).toBeNull());
});

describe("the session", () => {
  interface Made {
    session: GuardedSession;
    handlers: Map<string, (...given: never[]) => unknown>;
  }
  function make(): Made {
    const handlers: Made["handlers"] = new Map();
    const keep =
      (name: string) =>
      (handler: unknown): void =>
        void handlers.set(name, handler as () => unknown);
    const session = {
      setPermissionRequestHandler: keep("request"),
      setPermissionCheckHandler: keep("check"),
      setDevicePermissionHandler: keep("device"),
      setDisplayMediaRequestHandler: keep("display"),
      setBluetoothPairingHandler: keep("bluetooth"),
      webRequest: { onBeforeRequest: keep("before") },
      on: (event: string, handler: unknown) => keep(event)(handler),
    } as unknown as GuardedSession;
    guardSession(session, null);
    return { session, handlers };
  }
  const PERMISSIONS = [
    "clipboard-read",
    "clipboard-sanitized-write",
    "deprecated-sync-clipboard-read",
    "display-capture",
    "fileSystem",
    "fullscreen",
    "geolocation",
    "hid",
    "idle-detection",
    "local-fonts",
    "media",
    "midi",
    "midiSysex",
    "notifications",
    "openExternal",
    "persistent-storage",
    "pointerLock",
    "serial",
    "storage-access",
    "usb",
    "web-printing",
    "window-management",
    "unknown",
  ];

  test.each(PERMISSIONS)("grants %s only if the page copies a text", (permission) => {
    const { handlers } = make();
    const expected = permission === "clipboard-sanitized-write";
    let granted: boolean | null = null;
    const ask = handlers.get("request") as (...given: unknown[]) => void;
    ask(null, permission, (is: boolean) => (granted = is), { requestingUrl: "app://ui/index.html" });
    expect(granted).toBe(expected);
    ask(null, permission, (is: boolean) => (granted = is), { requestingUrl: "https://example.com/" });
    expect(granted).toBe(false);
    const check = handlers.get("check") as (...given: unknown[]) => boolean;
    expect(check(null, permission, "app://ui/", {})).toBe(expected);
    expect(check(null, permission, "app://ui", {})).toBe(expected);
    expect(check(null, permission, "https://example.com/", {})).toBe(false);
  });

  test("gives no device, no screen, no pairing", () => {
    const { handlers } = make();
    expect((handlers.get("device") as () => boolean)()).toBe(false);
    const given: unknown[] = [];
    (handlers.get("display") as (...args: unknown[]) => void)({}, (streams: unknown) => given.push(streams));
    (handlers.get("bluetooth") as (...args: unknown[]) => void)({}, (answer: unknown) => given.push(answer));
    expect(given).toEqual([null, { confirmed: false }]);
  });

  test("lets nothing out to a network", () => {
    const { handlers } = make();
    const cancels = (url: string): boolean => {
      let cancel: boolean | undefined;
      const before = handlers.get("before") as (...args: unknown[]) => void;
      before({ url }, (answer: { cancel: boolean }) => (cancel = answer.cancel));
      return cancel ?? false;
    };
    for (const address of FOREIGN) expect(cancels(address), address).toBe(true);
    expect(cancels("app://ui/preview/1/96")).toBe(false);
    expect(cancels("blob:app://ui/5f3c")).toBe(false);
  });

  test("saves what the page made itself, and downloads nothing", () => {
    const { handlers } = make();
    const prevented: string[] = [];
    const download = handlers.get("will-download") as (...args: unknown[]) => void;
    for (const url of [
      "blob:app://ui/5f3c",
      "https://example.com/x.exe",
      "blob:https://example.com/1",
      "app://ui/x",
    ])
      download({ preventDefault: () => prevented.push(url) }, { getURL: () => url });
    expect(prevented).toEqual(["https://example.com/x.exe", "blob:https://example.com/1", "app://ui/x"]);
  });

  test("while the page is written may also reach its server, and only that", () => {
    const dev = "http://localhost:5173";
    expect(mayLoad("ws://localhost:5173/?token=1", dev)).toBe(true);
    expect(mayLoad("http://localhost:5173/@vite/client", dev)).toBe(true);
    expect(mayLoad("http://localhost:5174/", dev)).toBe(false);
    expect(mayLoad("http://localhost:5173.evil.example/", dev)).toBe(false);
    expect(isPermitted("clipboard-sanitized-write", dev)).toBe(false);
  });
});

describe("a web contents", () => {
  function make(): {
    emit: (name: string, url: string) => boolean;
    open: (url: string) => unknown;
    outside: string[];
  } {
    const listeners = new Map<string, (event: unknown) => void>();
    const outside: string[] = [];
    let opener: (details: { url: string }) => unknown = () => null;
    guardContents(
      {
        on: (name: string, listener: (event: never) => void) => listeners.set(name, listener as () => void),
        setWindowOpenHandler: (handler: unknown) => (opener = handler as typeof opener),
      },
      (address) => outside.push(address),
    );
    return {
      outside,
      open: (url) => opener({ url }),
      emit(name, url) {
        let isPrevented = false;
        listeners.get(name)?.({ url, preventDefault: () => (isPrevented = true) });
        return isPrevented;
      },
    };
  }

  test.each(["will-navigate", "will-frame-navigate", "will-redirect"])("stays on the page: %s", (name) => {
    const { emit } = make();
    for (const address of FOREIGN) expect(emit(name, address), address).toBe(true);
    expect(emit(name, "app://ui/index.html#/settings")).toBe(false);
  });

  test("embeds no page and opens no window", () => {
    const { emit, open, outside } = make();
    expect(emit("will-attach-webview", "app://ui/")).toBe(true);
    for (const address of [...FOREIGN, "app://ui/index.html"])
      expect(open(address)).toEqual({ action: "deny" });
    expect(outside).toEqual([]);
    expect(open("https://www.ikomia.ai/")).toEqual({ action: "deny" });
    expect(outside).toEqual(["https://www.ikomia.ai/"]);
  });
});

describe("the server of a page that is being written", () => {
  test.each([
    ["http://localhost:5173", false, "http://localhost:5173"],
    ["http://localhost:5173", true, null],
    ["https://example.com", false, null],
    ["http://example.com", false, null],
    ["", false, null],
    [undefined, false, null],
  ])("%s, packaged %s: %s", (address, isPackaged, expected) => {
    const env = address === undefined ? {} : { ELECTRON_RENDERER_URL: address };
    expect(devServerOf(env, isPackaged)?.origin ?? null).toBe(expected);
  });
});
