import type { Session, WebContents } from "electron";
import { isOwnUrl } from "./address.ts";

/** Pages that a person may reach from the window; nothing else is ever handed to the system's browser. */
const EXTERNAL_HOSTS: ReadonlySet<string> = new Set([
  "www.ikomia.ai",
  "app.ikomia.ai",
  "scale.ikomia.ai",
  "docs.ikomia.ai",
]);

/** The address to open outside, in canonical form, or null: https, a host of the list, nothing hidden in it. */
export function externalLink(address: string): string | null {
  if (/[\u0000-\u0020\\\u007f]/.test(address)) return null;
  const url = URL.parse(address);
  if (url?.protocol !== "https:" || url.port !== "" || url.username !== "" || url.password !== "")
    return null;
  return EXTERNAL_HOSTS.has(url.hostname) ? url.href : null;
}

/** What a page may load at all: itself, and what it made in memory. `devOrigin` = Vite while the page is written. */
export function mayLoad(address: string, devOrigin: string | null): boolean {
  if (isOwnUrl(address) || address.startsWith("blob:app://ui/") || address.startsWith("devtools://"))
    return true;
  if (devOrigin === null) return false;
  const url = URL.parse(address);
  return url !== null && [devOrigin, devOrigin.replace(/^http/, "ws")].includes(url.origin);
}

/** The one permission that the page uses: copying a run id, asked for by itself. */
export function isPermitted(permission: string, origin: string): boolean {
  return permission === "clipboard-sanitized-write" && isOwnUrl(`${origin.replace(/\/+$/, "")}/`);
}

export type GuardedSession = Pick<
  Session,
  | "setPermissionRequestHandler"
  | "setPermissionCheckHandler"
  | "setDevicePermissionHandler"
  | "setDisplayMediaRequestHandler"
  | "setBluetoothPairingHandler"
> & {
  webRequest: Pick<Session["webRequest"], "onBeforeRequest">;
  on(
    event: "will-download",
    listener: (event: { preventDefault(): void }, item: { getURL(): string }) => void,
  ): unknown;
};

/** Denies a session everything that the page does not need: permissions, devices, foreign requests and downloads. */
export function guardSession(session: GuardedSession, devOrigin: string | null): void {
  session.setPermissionRequestHandler((_contents, permission, decide, details) =>
    decide(isPermitted(permission, details.requestingUrl)),
  );
  session.setPermissionCheckHandler((_contents, permission, origin) => isPermitted(permission, origin));
  session.setDevicePermissionHandler(() => false);
  session.setDisplayMediaRequestHandler((_request, decide) => decide(null));
  session.setBluetoothPairingHandler((_details, decide) => decide({ confirmed: false }));
  session.webRequest.onBeforeRequest((details, decide) =>
    decide({ cancel: !mayLoad(details.url, devOrigin) }),
  );
  session.on("will-download", (event, item) => {
    // Exports that the page made itself are saved through the system's dialog.
    if (!item.getURL().startsWith("blob:app://ui/")) event.preventDefault();
  });
}

interface Refusable {
  preventDefault(): void;
}

export type GuardedContents = Pick<WebContents, "setWindowOpenHandler"> & {
  on(
    event: "will-navigate" | "will-frame-navigate" | "will-redirect",
    listener: (event: Refusable & { url: string }) => void,
  ): unknown;
  on(event: "will-attach-webview", listener: (event: Refusable) => void): unknown;
};

/** Keeps a web contents on the packaged page: no navigation, no further window, no embedded page. */
export function guardContents(contents: GuardedContents, openOutside: (address: string) => void): void {
  const stay = (event: Refusable & { url: string }): void => {
    if (!isOwnUrl(event.url)) event.preventDefault();
  };
  contents.on("will-navigate", stay);
  contents.on("will-frame-navigate", stay);
  contents.on("will-redirect", stay);
  contents.on("will-attach-webview", (event) => event.preventDefault());
  contents.setWindowOpenHandler(({ url }) => {
    const link = externalLink(url);
    if (link !== null) openOutside(link);
    return { action: "deny" };
  });
}
