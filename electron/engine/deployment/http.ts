import { setMaxListeners } from "node:events";
import type { Socket } from "node:net";
import { createSecureContext } from "node:tls";
import { Agent, buildConnector, type Dispatcher } from "undici";
import type { DeploymentFailure } from "../../contract/failure.ts";
import { readTrust, type Trust } from "./certificates.ts";
import { CONNECT_TIMEOUT_MS, Exchange } from "./exchange.ts";
import { openTunnel, proxyFor } from "./proxy.ts";
import { createTurnstile, type Turnstile } from "./turnstile.ts";

export interface HttpBody {
  /** Exact number of bytes that `chunks` gives. */
  length: number;
  /**
   * Called at most once, when the connection is ready and the head is about to be written. A chunk must stay as it
   * is until the next but one is asked for.
   */
  chunks: () => AsyncIterable<Uint8Array>;
}

export interface HttpRequest {
  method: "GET" | "PUT";
  /** https, or http on this machine. */
  url: string;
  headers: Record<string, string>;
  body?: HttpBody;
  /** Until the connection is ready, milliseconds. @default 15000 */
  connectTimeoutMs?: number;
  /** From the end of the body to the head of the answer, milliseconds. */
  headTimeoutMs: number;
  /** Longest time without any byte in either direction while bodies travel, milliseconds. @default 60000 */
  idleTimeoutMs?: number;
  /** Gives the request up, as long as no head of an answer has come. */
  signal?: AbortSignal;
  /** Use a new connection, or one that was idle for a second at most. @default false */
  fresh?: boolean;
}

export type HttpReply =
  | {
      kind: "response";
      status: number;
      /** Lower-case names; values of a repeated header are joined with ", ". */
      headers: Record<string, string>;
      /** How the end of the body is known; with `close` a cut looks like an end. */
      framing: "length" | "chunked" | "close";
      contentLength: number | null;
      /** To be consumed or dumped. Throws `BodyBroken` when it does not end as its framing says. */
      body: AsyncIterable<Uint8Array>;
      /** Reads on to the end, or closes the connection if that is far away. Never throws. */
      dump(): Promise<void>;
    }
  | {
      kind: "failure";
      failure: DeploymentFailure;
      /** Whether the last byte of the request may have reached the socket; false = the server surely cannot act on it. */
      bodySent: boolean;
      cause?: unknown;
    };

/** One attempt per call: no retry, no redirect, no decoding, no HTTP/2 (reliability of destructive reads). */
export interface Http {
  /** Never rejects. */
  request(request: HttpRequest): Promise<HttpReply>;
  /** Closes all connections; what still runs fails. */
  close(): Promise<void>;
}

/** Below what servers keep (uvicorn: 5 s), so that a connection is not used while the server closes it. */
const KEEP_ALIVE_MS = 4000;
const LONGEST_KEEP_ALIVE_MS = 25_000;
const YOUNG_MS = 1000;

interface Dispatchers {
  kept: Dispatcher;
  young: Dispatcher;
}

/**
 * The only way to the network. Proxies and extra certificate authorities are taken from `env`; this machine is
 * never reached through a proxy. `connections` = requests at once per origin.
 */
export function createHttp(options: {
  env: NodeJS.ProcessEnv;
  connections: number;
  userAgent: string;
}): Http {
  const trust = readTrust(options.env);
  const closing = new AbortController();
  // One listener per tunnel that is being opened: many at once are no leak.
  setMaxListeners(0, closing.signal);
  const connect = createConnector({ ...options, trust, signal: closing.signal });
  const dispatchers: Dispatchers = {
    kept: createAgent(connect, KEEP_ALIVE_MS, LONGEST_KEEP_ALIVE_MS),
    young: createAgent(connect, YOUNG_MS, YOUNG_MS),
  };
  const turnstiles = new Map<string, Turnstile>();
  const common = { "user-agent": options.userAgent, "accept-encoding": "identity" };

  return {
    async request(request) {
      const url = new URL(request.url);
      const turnstile = turnstiles.get(url.origin) ?? createTurnstile(options.connections);
      turnstiles.set(url.origin, turnstile);
      const leave = await turnstile.enter();
      const dispatcher = request.fresh === true ? dispatchers.young : dispatchers.kept;
      const headers = { ...common, ...request.headers };
      const exchange = new Exchange({ ...request, headers }, url, leave);
      if (exchange.start()) dispatch(dispatcher, exchange, { ...request, headers });
      const reply = await exchange.reply;
      return reply.kind === "failure" ? explained(reply, trust) : reply;
    },
    async close() {
      closing.abort();
      await Promise.all([dispatchers.kept.destroy(), dispatchers.young.destroy()]);
    },
  };
}

function createAgent(connect: buildConnector.connector, keepMs: number, longestKeepMs: number): Agent {
  return new Agent({
    connect,
    allowH2: false,
    pipelining: 1,
    keepAliveTimeout: keepMs,
    keepAliveMaxTimeout: longestKeepMs,
    // The watchdog keeps time: it sees both directions and knows sleep from silence.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
}

function createConnector(options: {
  env: NodeJS.ProcessEnv;
  userAgent: string;
  trust: Trust;
  signal: AbortSignal;
}): buildConnector.connector {
  const { env, userAgent, signal } = options;
  const ca = options.trust.authorities;
  // Made once: parsing all authorities takes longer than a handshake.
  const secureContext = ca === undefined ? undefined : createSecureContext({ ca: [...ca] });
  const direct = buildConnector({
    allowH2: false,
    timeout: CONNECT_TIMEOUT_MS,
    autoSelectFamilyAttemptTimeout: 1000,
    ...(secureContext === undefined ? {} : { secureContext }),
  });

  async function through(to: buildConnector.Options): Promise<Socket | null> {
    const target = new URL(`${to.protocol}//${to.host ?? to.hostname}`);
    const proxy = proxyFor(target, env);
    if (proxy === null) return null;
    const port = to.port === "" ? (to.protocol === "https:" ? "443" : "80") : to.port;
    const timeoutMs = CONNECT_TIMEOUT_MS;
    return openTunnel(proxy, `${target.hostname}:${port}`, { timeoutMs, userAgent, secureContext, signal });
  }

  return (to, callback) => {
    through(to).then(
      (tunnel) => {
        if (tunnel === null) direct(to, callback);
        else if (to.protocol === "https:") direct({ ...to, httpSocket: tunnel }, callback);
        else callback(null, tunnel);
      },
      (error: unknown) => callback(error instanceof Error ? error : new Error(String(error)), null),
    );
  };
}

/** A certificate file that could not be read is the likely cause of a TLS failure: said along with it. */
function explained(reply: HttpReply & { kind: "failure" }, trust: Trust): HttpReply {
  if (reply.failure.reason !== "tls" || trust.problems.length === 0) return reply;
  return {
    ...reply,
    failure: { ...reply.failure, code: [reply.failure.code, ...trust.problems].join("; ") },
  };
}

function dispatch(dispatcher: Dispatcher, exchange: Exchange, request: HttpRequest): void {
  const { origin, pathname, search } = new URL(request.url);
  const { method, headers, body } = request;
  const common = { origin, path: pathname + search, method };
  if (body === undefined) {
    dispatcher.dispatch({ ...common, headers }, exchange);
    return;
  }
  const stream: AsyncIterable<Uint8Array> = { [Symbol.asyncIterator]: () => exchange.send(body) };
  dispatcher.dispatch(
    {
      ...common,
      headers: { ...headers, "content-length": String(body.length) },
      // Any async iterable will do; the types name only some.
      body: stream as unknown as Uint8Array,
    },
    exchange,
  );
}
