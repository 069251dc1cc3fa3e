import type { Exchange } from "./exchange.ts";
import type { ResultsFault } from "./script.ts";

type WireFault = Extract<ResultsFault, { kind: "cut-wire" }>;

const CHUNK_BYTES = 64 * 1024;
const CONTENT_TYPE = "content-type: application/json\r\n";

function chunked(body: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  for (let at = 0; at < body.length; at += CHUNK_BYTES) {
    const chunk = body.subarray(at, at + CHUNK_BYTES);
    parts.push(Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from("\r\n"));
  }
  return [...parts, Buffer.from("0\r\n\r\n")];
}

/** A whole answer as it goes over the wire; `close` is what an HTTP/1.0 server or gateway sends. */
export function wireOf(framing: WireFault["framing"], body: Buffer): Buffer {
  switch (framing) {
    case "length":
      return Buffer.concat([
        Buffer.from(`HTTP/1.1 200 OK\r\n${CONTENT_TYPE}content-length: ${body.length}\r\n\r\n`),
        body,
      ]);
    case "chunked":
      return Buffer.concat([
        Buffer.from(`HTTP/1.1 200 OK\r\n${CONTENT_TYPE}transfer-encoding: chunked\r\n\r\n`),
        ...chunked(body),
      ]);
    case "close":
      return Buffer.concat([
        Buffer.from(`HTTP/1.0 200 OK\r\n${CONTENT_TYPE}connection: close\r\n\r\n`),
        body,
      ]);
  }
}

/** Sends the first bytes of a whole answer, head and framing included, and closes the connection. */
export function cutWire(exchange: Exchange, fault: WireFault, text: string): void {
  const { socket } = exchange.request;
  const wire = wireOf(fault.framing, Buffer.from(text));
  socket.end(wire.subarray(0, fault.afterBytes), () => socket.destroy());
}
