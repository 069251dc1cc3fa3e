import { join, sep } from "node:path";
import type { WindowService } from "../engine/handlers/service.ts";
import type { PictureAnswer } from "../engine/previews/previews.ts";
import { APP_HOST, APP_SCHEME } from "./address.ts";

/** Pictures by id, as the engine gives them. */
export type Pictures = Pick<WindowService, "preview" | "file" | "trial">;

/** What an address of the page's scheme asks for. */
export type AppRequest =
  | { kind: "file"; path: string[]; type: string }
  | { kind: "preview"; imageId: number; edge: number }
  | { kind: "picture"; imageId: number; suffix: string }
  | { kind: "trial"; trialId: string; suffix: string }
  | { kind: "bad" }
  | { kind: "none" };

const LONGEST_ADDRESS = 2000;
const EDGES: ReadonlySet<number> = new Set([96, 480, 2048]);

/** What a bundle of the window consists of; anything else is not served, wherever it lies. */
const TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
  woff2: "font/woff2",
  png: "image/png",
};

const PICTURE_TYPES: ReadonlySet<string> = new Set(["image/jpeg", "image/png", "image/webp"]);

/**
 * Reads an address. Every segment must be a plain name once it is decoded, so that nothing leads out of the bundle:
 * no separator, no dot segment, no drive, no NUL, whatever it was encoded as.
 */
export function readAddress(address: string): AppRequest {
  if (address.length > LONGEST_ADDRESS) return { kind: "bad" };
  const url = URL.parse(address);
  if (url?.protocol !== `${APP_SCHEME}:` || url.host !== APP_HOST) return { kind: "bad" };
  if (url.username !== "" || url.password !== "") return { kind: "bad" };
  const segments = plainSegments(url.pathname);
  if (segments === null) return { kind: "bad" };
  const [room, first = "", second = "", ...rest] = segments;
  if (room === "preview" || room === "file" || room === "trial") {
    if (rest.length > 0) return { kind: "bad" };
    return readPicture(room, first, second);
  }
  const path = segments.length === 1 && room === "" ? ["index.html"] : segments;
  if (path.includes("")) return { kind: "bad" };
  const type = typeOf(path.at(-1) ?? "");
  return type === null ? { kind: "none" } : { kind: "file", path, type };
}

function plainSegments(pathname: string): string[] | null {
  const segments: string[] = [];
  for (const segment of pathname.replace(/^\//, "").split("/")) {
    const name = decoded(segment);
    if (name === null || /[/\\:\u0000-\u001f\u007f]/.test(name) || /^\.+$/.test(name)) return null;
    segments.push(name);
  }
  return segments;
}

function decoded(segment: string): string | null {
  try {
    return decodeURIComponent(segment);
  } catch {
    return null; // A broken escape asks for nothing that exists.
  }
}

function typeOf(name: string): string | null {
  const extension = /[^.]\.([a-z0-9]+)$/.exec(name)?.[1] ?? "";
  return Object.hasOwn(TYPES, extension) ? (TYPES[extension] ?? null) : null;
}

function readPicture(room: "preview" | "file" | "trial", first: string, second: string): AppRequest {
  if (room === "trial") {
    return /^[A-Za-z0-9-]{1,64}$/.test(first)
      ? { kind: "trial", trialId: first, suffix: second }
      : { kind: "bad" };
  }
  const imageId = /^[1-9]\d{0,15}$/.test(first) ? Number(first) : 0;
  if (!Number.isSafeInteger(imageId) || imageId === 0 || second === "") return { kind: "bad" };
  if (room === "file") return { kind: "picture", imageId, suffix: second };
  const edge = Number(second);
  return EDGES.has(edge) && String(edge) === second ? { kind: "preview", imageId, edge } : { kind: "bad" };
}

/**
 * The page's policy, sent with every answer of the scheme: it can load itself and its pictures, run nothing that was
 * not shipped, and speak to nobody. `devServer` widens it for the hot reload of a page that is being written.
 */
export function contentSecurityPolicy(devServer: URL | null): string {
  const rules = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": devServer === null ? "'self'" : "'self' 'unsafe-inline'",
    "img-src": "'self' blob:",
    "font-src": "'self'",
    "connect-src":
      devServer === null ? "'none'" : `'self' ${devServer.origin} ${devServer.origin.replace("http", "ws")}`,
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
    "frame-src": "'none'",
    "object-src": "'none'",
    "worker-src": "'none'",
    "require-trusted-types-for": "'script'",
    // Svelte's own policy: it turns the compiled templates into nodes.
    "trusted-types": devServer === null ? "svelte-trusted-html" : "*",
  };
  return Object.entries(rules)
    .map(([name, value]) => `${name} ${value}`)
    .join("; ");
}

export interface AppProtocolOptions {
  /** Absolute path of the built page. */
  folder: string;
  pictures: Pictures;
  readFile: (path: string) => Promise<Uint8Array>;
  devServer: URL | null;
  /** Fetches from the dev server only. */
  fetch: (address: string) => Promise<Response>;
}

/** Answers every request of the page's scheme. Never rejects. */
export function createAppProtocol(options: AppProtocolOptions): (request: Request) => Promise<Response> {
  const policy = contentSecurityPolicy(options.devServer);
  const reply = (status: number, type: string, body: Uint8Array | string, keepMs = 0): Response =>
    new Response(body as ConstructorParameters<typeof Response>[0], {
      status,
      headers: {
        "content-type": type,
        "content-security-policy": policy,
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "cache-control": keepMs === 0 ? "no-store" : `private, max-age=${Math.floor(keepMs / 1000)}`,
      },
    });
  const refuse = (status: number): Response => reply(status, "text/plain; charset=utf-8", String(status));
  const picture = (found: PictureAnswer): Response => {
    if (found.kind !== "picture") return refuse(found.kind === "none" ? 404 : 415);
    return PICTURE_TYPES.has(found.type) ? reply(200, found.type, found.bytes, found.keepMs) : refuse(415);
  };

  async function file(asked: AppRequest & { kind: "file" }): Promise<Response> {
    const path = join(options.folder, ...asked.path);
    if (!path.startsWith(options.folder + sep)) return refuse(400);
    return reply(200, asked.type, await options.readFile(path));
  }

  async function fromDevServer(devServer: URL, address: string): Promise<Response> {
    const { pathname, search } = new URL(address);
    const answer = await options.fetch(new URL(pathname + search, devServer).href);
    const type = answer.headers.get("content-type") ?? "text/plain";
    return reply(answer.status, type, new Uint8Array(await answer.arrayBuffer()));
  }

  return async (request) => {
    if (request.method !== "GET") return refuse(405);
    const asked = readAddress(request.url);
    try {
      switch (asked.kind) {
        case "bad":
          return refuse(400);
        case "preview":
          return picture(await options.pictures.preview(asked.imageId, asked.edge, request.signal));
        case "picture":
          return picture(await options.pictures.file(asked.imageId, asked.suffix));
        case "trial":
          return picture(options.pictures.trial(asked.trialId, asked.suffix));
        case "none":
        case "file":
          if (options.devServer !== null) return await fromDevServer(options.devServer, request.url);
          return asked.kind === "none" ? refuse(404) : await file(asked);
      }
    } catch {
      return refuse(404); // What cannot be read is not there for the page.
    }
  };
}
