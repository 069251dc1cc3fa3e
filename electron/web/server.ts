import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Failure } from "../contract/failure.ts";
import { fail, succeed, type Result } from "../contract/result.ts";
import { isCallName } from "../engine/handlers/dispatcher.ts";
import type { WindowService } from "../engine/handlers/service.ts";
import { createEventStreams } from "./event-streams.ts";
import { refusalOf } from "./guard.ts";
import { SAFE_HEADERS } from "./headers.ts";
import { createPageFiles } from "./page-files.ts";
import { createPictureAnswers } from "./picture-answers.ts";
import { readJsonBody } from "./read-body.ts";
import { createSession } from "./session.ts";

/** The window as a page of this machine. */
export interface WebServer {
  readonly port: number;
  /** Opens the page; to be shown to nobody but the person. */
  readonly link: string;
  /** A link that is good once, within a minute. */
  linkOnce(): string;
  /** Tells open pages that the engine stops, then closes every connection. */
  close(): Promise<void>;
}

export interface WebServerOptions {
  service: WindowService;
  /** Absolute path of the built page. */
  pageFolder: string;
  /** 0 = any free one. */
  port: number;
  now: () => number;
  onProblem: (failure: Failure) => void;
  /** @default PATIENCE */
  patience?: typeof PATIENCE;
}

/** How long a connection may take to say what it wants, and to say all of it; milliseconds. */
export const PATIENCE = { headersMs: 10_000, requestMs: 30_000, lookEveryMs: 5000 };

const HOST = "127.0.0.1";
const MOST_CONNECTIONS = 64;
const KEEP_ALIVE_MS = 5000;
const MOST_HEADER_BYTES = 16_384;
const LONGEST_URL = 4096;

/** Listens on this machine only. A port that is taken is a failure, not another port. */
export async function openWebServer(options: WebServerOptions): Promise<Result<WebServer>> {
  const { service, patience = PATIENCE } = options;
  const session = createSession(options.now);
  const pages = createPageFiles(options.pageFolder, options.now);
  const streams = createEventStreams();
  const pictures = createPictureAnswers(service);
  const unsubscribe = service.on((event) => streams.send(event));
  let port = options.port;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    for (const [name, value] of Object.entries(SAFE_HEADERS)) response.setHeader(name, value);
    const url = urlOf(request);
    if (url === null) {
      say(response, 400, "This is not an address.");
      return;
    }
    const token = url.pathname === "/" && request.method === "GET" ? url.searchParams.get("token") : null;
    const isExchange = token !== null && session.accepts(token);
    const refusal = refusalOf({
      method: request.method ?? "",
      headers: request.headers,
      hosts: request.headersDistinct.host?.length ?? 0,
      port,
      isExchange,
      hasCookie: session.knows(request.headers.cookie, port),
    });
    if (refusal !== null) {
      say(response, refusal.status, refusal.sentence);
      return;
    }
    if (isExchange) {
      exchange(response);
      return;
    }
    if (url.pathname.startsWith("/api/call/")) return call(request, response, url.pathname.slice(10));
    if (request.method === "POST" || (request.method === "HEAD" && url.pathname.startsWith("/api/"))) {
      say(response, 405, "This is not answered here.");
      return;
    }
    if (url.pathname === "/api/events") {
      events(response);
      return;
    }
    if (await pictures.answer(url.pathname, request, response)) return;
    await page(request, response, url.pathname);
  }

  function exchange(response: ServerResponse): void {
    response.writeHead(303, { location: "/", "set-cookie": session.cookie(port) });
    response.end();
  }

  function events(response: ServerResponse): void {
    if (!streams.add(response)) say(response, 503, "Too many windows are open.");
  }

  async function call(request: IncomingMessage, response: ServerResponse, name: string): Promise<void> {
    if (request.method !== "POST") {
      say(response, 405, "Calls are posted.");
      return;
    }
    if (!isCallName(name)) {
      json(response, 404, fail(unknownCall(name)));
      return;
    }
    const body = await readJsonBody(request);
    if (typeof body === "number") {
      response.setHeader("connection", "close");
      json(response, body, fail(body === 413 ? TOO_LARGE : NOT_JSON));
      return;
    }
    json(response, 200, await service.call(name, body.json));
  }

  async function page(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    const file = await pages.get(path);
    if (file === null) {
      say(response, 404, "There is no such page.");
      return;
    }
    const cache = file.isImmutable ? { "cache-control": "private, max-age=31536000, immutable" } : {};
    response.writeHead(200, { "content-type": file.type, "content-length": file.bytes.length, ...cache });
    response.end(request.method === "HEAD" ? undefined : file.bytes);
  }

  const server = createServer(
    {
      maxHeaderSize: MOST_HEADER_BYTES,
      headersTimeout: patience.headersMs,
      requestTimeout: patience.requestMs,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: patience.lookEveryMs,
      requireHostHeader: true,
    },
    (request, response) => {
      response.on("error", () => response.destroy());
      answer(request, response).catch((error: unknown) => {
        // A page that went away is no problem of ours; everything else is told.
        if (!request.destroyed || response.writable) options.onProblem(defect(error));
        if (!response.headersSent) say(response, 503, "This could not be answered.");
        else response.destroy();
      });
    },
  );
  server.maxConnections = MOST_CONNECTIONS;
  const listening = await listen(server, options.port);
  if (!listening.ok) return listening;
  port = listening.value;
  const linkWith = (token: string): string => `http://${HOST}:${port}/?token=${token}`;
  return succeed({
    port,
    link: linkWith(session.token),
    linkOnce: () => linkWith(session.onceToken()),
    async close() {
      streams.send({ name: "engine:changed", data: { running: false, failure: null } });
      unsubscribe();
      streams.close();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
        // What still answers after this is cut.
        setTimeout(() => server.closeAllConnections(), 1000).unref();
      });
    },
  });
}

function urlOf(request: IncomingMessage): URL | null {
  const text = request.url ?? "";
  if (text.length > LONGEST_URL || !text.startsWith("/")) return null;
  return URL.parse(`http://${HOST}${text}`);
}

function say(response: ServerResponse, status: number, sentence: string): void {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8" });
  response.end(`${sentence}\n`);
}

function json(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { "content-type": "application/json; charset=utf-8" });
  response.end(JSON.stringify(value));
}

function listen(server: Server, port: number): Promise<Result<number>> {
  return new Promise((resolve) => {
    server.once("error", (error: NodeJS.ErrnoException) => resolve(fail(portFailure(port, error.code))));
    server.listen(port, HOST, () => {
      const bound = server.address();
      resolve(succeed(bound !== null && typeof bound === "object" ? bound.port : port));
    });
  });
}

function portFailure(port: number, code = "unknown"): Failure {
  const taken = code === "EADDRINUSE" ? "another program uses it" : code;
  return {
    reason: "usage",
    message: `Port ${port} cannot be used: ${taken}.`,
    next: "Give another with --port <n>, or none for any free one.",
  };
}

function defect(error: unknown): Failure {
  return {
    reason: "internal",
    message: error instanceof Error ? (error.stack ?? error.message) : String(error),
  };
}

function unknownCall(name: string): Failure {
  return {
    reason: "usage",
    message: `There is no call "${name.slice(0, 60)}".`,
    next: "Reload the window: it may be older than Nightrun.",
  };
}

const TOO_LARGE: Failure = {
  reason: "usage",
  message: "This is larger than 2 MB, more than Nightrun takes from a window.",
  next: "Send less at once.",
};
const NOT_JSON: Failure = { reason: "usage", message: "The call is not JSON.", next: "Reload the window." };
