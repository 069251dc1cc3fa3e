import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { CommonFault } from "./script.ts";

/** One HTTP request and the answer to it. */
export interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  url: URL;
  /** `http://127.0.0.1:<port>` of this server, without a slash at the end. */
  origin: string;
  /** Fires when the answer is finished or its connection is gone. */
  signal: AbortSignal;
}

export function createExchange(request: IncomingMessage, response: ServerResponse): Exchange {
  const closed = new AbortController();
  response.once("close", () => closed.abort());
  const origin = `http://127.0.0.1:${request.socket.localPort ?? 0}`;
  return { request, response, origin, url: new URL(request.url ?? "/", origin), signal: closed.signal };
}

export function send(
  exchange: Exchange,
  status: number,
  body: string | Buffer,
  headers: OutgoingHttpHeaders = {},
): void {
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  exchange.response.writeHead(status, { "content-length": bytes.length, ...headers });
  exchange.response.end(bytes);
}

export function sendJsonText(
  exchange: Exchange,
  status: number,
  json: string,
  headers: OutgoingHttpHeaders = {},
): void {
  send(exchange, status, json, { "content-type": "application/json", ...headers });
}

export function sendJson(
  exchange: Exchange,
  status: number,
  value: unknown,
  headers: OutgoingHttpHeaders = {},
): void {
  sendJsonText(exchange, status, JSON.stringify(value), headers);
}

export function sendHtml(
  exchange: Exchange,
  status: number,
  title: string,
  headers: OutgoingHttpHeaders = {},
): void {
  const page = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${title}</title></head><body><h1>${title}</h1></body></html>\n`;
  send(exchange, status, page, { "content-type": "text/html; charset=utf-8", ...headers });
}

/** Cuts the connection with a TCP reset, as a crashed server or gateway does. */
export function reset(exchange: Exchange): void {
  exchange.request.socket.resetAndDestroy();
}

const GATEWAY_TITLES: Record<number, string> = {
  413: "413 Request Entity Too Large",
  429: "429 Too Many Requests",
  500: "500 Internal Server Error",
  502: "502 Bad Gateway",
  503: "503 Service Temporarily Unavailable",
  504: "504 Gateway Time-out",
};

/** A status with the HTML body that gateways give, or with the body and headers that a script names. */
export function sendStatus(
  exchange: Exchange,
  status: number,
  told: { headers?: Record<string, string> | undefined; body?: string | undefined } = {},
): void {
  if (told.body !== undefined) {
    send(exchange, status, told.body, { "content-type": "application/json", ...told.headers });
    return;
  }
  sendHtml(exchange, status, GATEWAY_TITLES[status] ?? `Status ${status}`, told.headers);
}

/** Carries out a fault that any request can meet. `go-on`: the request is only late. */
export async function strike(exchange: Exchange, fault: CommonFault): Promise<"done" | "go-on"> {
  switch (fault.kind) {
    case "reset":
      reset(exchange);
      return "done";
    case "stall": // The caller has to give up by itself.
      return "done";
    case "html":
      sendHtml(exchange, 200, "Please sign in to this network");
      return "done";
    case "status":
      sendStatus(exchange, fault.status, fault);
      return "done";
    case "delay":
      await pause(fault.ms, exchange.signal);
      return "go-on";
  }
}

/** Resolves after the time, or as soon as the caller is gone. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}

/** The whole body; `too-large` as soon as it passes the limit, `gone` when the caller went away first. */
export async function readBody(
  request: IncomingMessage,
  maxBytes: number,
): Promise<Buffer | "too-large" | "gone"> {
  if (Number(request.headers["content-length"] ?? 0) > maxBytes) return "too-large";
  const chunks: Buffer[] = [];
  let total = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      total += chunk.length;
      if (total > maxBytes) return "too-large";
      chunks.push(chunk);
    }
  } catch {
    return "gone"; // The only error of a request stream is that its connection broke.
  }
  return Buffer.concat(chunks);
}
