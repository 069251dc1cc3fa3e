/** The window's one and only address. */
export const APP_SCHEME = "app";
export const APP_HOST = "ui";
export const APP_URL = `${APP_SCHEME}://${APP_HOST}/index.html`;

/** How the scheme is registered before Electron is ready: like https, and with nothing that widens the page's rights. */
export const APP_PRIVILEGES = {
  scheme: APP_SCHEME,
  privileges: {
    standard: true,
    secure: true,
    supportFetchAPI: true,
    bypassCSP: false,
    allowServiceWorkers: false,
    corsEnabled: false,
    stream: true,
  },
} as const;

/** Whether an address lies inside the packaged page, judged by its parsed parts and never by its beginning. */
export function isOwnUrl(address: string): boolean {
  const url = URL.parse(address);
  return (
    url !== null &&
    url.protocol === `${APP_SCHEME}:` &&
    url.host === APP_HOST &&
    url.username === "" &&
    url.password === ""
  );
}

/** The page at one of its places, for example `#/batch/3/night`. */
export function addressOf(hash: string): string {
  return hash === "" ? APP_URL : `${APP_URL}${hash.startsWith("#") ? hash : `#${hash}`}`;
}

/** Vite's server while the page is being written; null in a packaged app, whatever the environment says. */
export function devServerOf(env: NodeJS.ProcessEnv, isPackaged: boolean): URL | null {
  const url = URL.parse(env.ELECTRON_RENDERER_URL ?? "");
  if (isPackaged || url?.protocol !== "http:") return null;
  return ["localhost", "127.0.0.1", "[::1]"].includes(url.hostname) ? url : null;
}
