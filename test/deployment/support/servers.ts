import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { createServer as createNetServer, type AddressInfo, type Server, type Socket } from "node:net";
import { onTestFinished } from "vitest";

/** A request as a server got it; `body` may be incomplete. */
export interface Seen {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: Buffer;
}

export interface WebServer {
  url: string;
  port: number;
  /** In order of arrival of their heads. */
  seen: Seen[];
}

export type Answer = (seen: Seen, response: ServerResponse, request: IncomingMessage) => unknown;

/** An HTTP (or, with `tls`, HTTPS) server on loopback that reads each request to its end and then asks `answer`. */
export async function startWebServer(
  answer: Answer,
  tls?: { key: string; cert: string },
): Promise<WebServer> {
  const seen: Seen[] = [];
  const listener: RequestListener = (request, response) => {
    const entry: Seen = {
      method: request.method ?? "",
      path: request.url ?? "",
      headers: request.headers as Record<string, string>,
      body: Buffer.alloc(0),
    };
    seen.push(entry);
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("error", () => undefined);
    request.on("end", () => {
      entry.body = Buffer.concat(chunks);
      answer(entry, response, request);
    });
  };
  const server = tls === undefined ? createServer(listener) : createSecureServer(tls, listener);
  const port = await listen(server);
  return { url: `${tls === undefined ? "http" : "https"}://127.0.0.1:${port}`, port, seen };
}

/** What has come over one connection so far. */
export interface RawRequest {
  socket: Socket;
  /** The request line and headers. */
  head: string;
  /** Bytes of body that came, and that were announced. */
  bodyBytes: number;
  announcedBytes: number;
}

export interface RawServer {
  url: string;
  port: number;
  /** Request lines, one per request whose head came. */
  requests: string[];
  connections: number;
}

/**
 * A server that is scripted to the byte. `onHead` runs when the head of a request is there, `onData` for each piece
 * of its body, `onEnd` when all of it is there.
 */
export async function startRawServer(script: {
  onConnect?: (socket: Socket) => void;
  onHead?: (request: RawRequest) => void;
  onData?: (request: RawRequest) => void;
  onEnd?: (request: RawRequest) => void;
}): Promise<RawServer> {
  const raw: RawServer = { url: "", port: 0, requests: [], connections: 0 };
  const server = createNetServer((socket) => {
    raw.connections += 1;
    socket.on("error", () => undefined);
    script.onConnect?.(socket);
    let buffered = Buffer.alloc(0);
    let current: RawRequest | null = null;
    socket.on("data", (chunk: Buffer) => {
      if (current === null) {
        buffered = Buffer.concat([buffered, chunk]);
        const end = buffered.indexOf("\r\n\r\n");
        if (end < 0) return;
        const head = buffered.subarray(0, end).toString("latin1");
        chunk = buffered.subarray(end + 4);
        buffered = Buffer.alloc(0);
        const announcedBytes = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
        current = { socket, head, bodyBytes: 0, announcedBytes };
        raw.requests.push(head.split("\r\n", 1)[0]!);
        script.onHead?.(current);
      }
      const request = current;
      request.bodyBytes += chunk.length;
      if (chunk.length > 0) script.onData?.(request);
      if (request.bodyBytes >= request.announcedBytes) {
        current = null;
        script.onEnd?.(request);
      }
    });
  });
  raw.port = await listen(server);
  raw.url = `http://127.0.0.1:${raw.port}`;
  return raw;
}

/** A port on which nothing listens. */
export async function freePort(): Promise<number> {
  const server = createNetServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

async function listen(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  const track = (socket: Socket): void => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  };
  server.on("connection", track);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    server.close();
    for (const socket of sockets) socket.destroy();
    await once(server, "close");
  });
  return (server.address() as AddressInfo).port;
}
