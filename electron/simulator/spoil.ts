import { once } from "node:events";
import { createGzip } from "node:zlib";
import type { Writable } from "node:stream";
import { cutWire } from "./cut-wire.ts";
import { pause, reset, send, sendHtml, type Exchange } from "./exchange.ts";
import type { OddResult, ResultsFault } from "./script.ts";

/** The faults that take a result and hand it out broken. */
type SpoilingFault = Extract<
  ResultsFault,
  { kind: "lost" | "cut" | "cut-wire" | "drip" | "odd" | "body" | "large" }
>;

const JSON_HEADERS = { "content-type": "application/json" };
const DEEP_LEVELS = 5_000;
const BLOCK = Buffer.alloc(1024 * 1024, "A");

export function isSpoiling(fault: ResultsFault): fault is SpoilingFault {
  return ["lost", "cut", "cut-wire", "drip", "odd", "body", "large"].includes(fault.kind);
}

function cut(exchange: Exchange, fault: SpoilingFault & { kind: "cut" }, text: string): void {
  const bytes = Buffer.from(text);
  const part = bytes.subarray(0, Math.min(fault.afterBytes, bytes.length - 1));
  const { response } = exchange;
  if (fault.framing === "close") {
    // HTTP/1.0 style: the end of the connection is the end of the body, so a cut looks like an end.
    response.useChunkedEncodingByDefault = false;
    response.removeHeader("transfer-encoding");
    response.writeHead(200, { ...JSON_HEADERS, connection: "close" });
    response.end(part);
    return;
  }
  response.writeHead(
    200,
    fault.framing === "length" ? { ...JSON_HEADERS, "content-length": bytes.length } : JSON_HEADERS,
  );
  response.flushHeaders();
  if (part.length === 0) exchange.request.socket.end(() => exchange.request.socket.destroy());
  else response.write(part, () => exchange.request.socket.destroy());
}

async function drip(
  exchange: Exchange,
  fault: SpoilingFault & { kind: "drip" },
  text: string,
): Promise<void> {
  const bytes = Buffer.from(text);
  exchange.response.writeHead(200, { ...JSON_HEADERS, "content-length": bytes.length });
  for (let at = 0; at < bytes.length && !exchange.signal.aborted; at += fault.bytes) {
    exchange.response.write(bytes.subarray(at, at + fault.bytes));
    await pause(fault.everyMs, exchange.signal);
  }
  exchange.response.end();
}

function gzipInto(exchange: Exchange): Writable {
  const gzip = createGzip();
  gzip.on("error", () => undefined); // The caller hung up; the signal ends the writing.
  gzip.pipe(exchange.response);
  return gzip;
}

/** What stands around the letters of a picture in a well-formed answer. */
function aroundPicture(advice: boolean): readonly [string, string] {
  return advice ? ['{"eta":[0,0],"results":[{"image":"', '"}],"state":"SUCCESS"}'] : ['[{"image":"', '"}]'];
}

/** A well-formed answer of this size: one picture that is all `A`. */
async function large(
  exchange: Exchange,
  fault: SpoilingFault & { kind: "large" },
  advice: boolean,
): Promise<void> {
  const [head, tail] = aroundPicture(advice);
  exchange.response.writeHead(200, {
    ...JSON_HEADERS,
    ...(fault.gzip ? { "content-encoding": "gzip" } : {}),
  });
  const out = fault.gzip ? gzipInto(exchange) : exchange.response;
  out.write(head);
  for (let left = fault.bytes; left > 0 && !exchange.signal.aborted; left -= BLOCK.length) {
    if (out.write(left >= BLOCK.length ? BLOCK : BLOCK.subarray(0, left))) continue;
    await once(out, "drain", { signal: exchange.signal }).catch(() => undefined);
  }
  out.end(tail);
}

const ODD_ARRAYS: Partial<Record<OddResult, string>> = {
  "empty-array": "[]",
  null: "null",
  number: "17",
  string: '"done"',
  nan: '[{"OBJECT_DETECTION":{"detections":[{"confidence":NaN}]}}]',
  deep: `[{"DATA_DICT":${"[".repeat(DEEP_LEVELS)}${"]".repeat(DEEP_LEVELS)}}]`,
  proto:
    '[{"DATA_DICT":{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},"html":"<img src=x onerror=alert(1)>","formula":"=1+1"}}]',
  "two-keys": '[{"OBJECT_DETECTION":{"detections":[]},"TEXT":{"fields":[]}}]',
  "unknown-type": '[{"HOLOGRAM":{"rays":[1,2,3]}}]',
  "image-binary":
    '[{"image_binary":"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="}]',
  "wrong-shape": '[{"OBJECT_DETECTION":{"detections":"none","referenceImageIndex":"zero"}}]',
};

function odd(exchange: Exchange, result: OddResult, text: string, advice: boolean): void {
  if (result === "html") {
    sendHtml(exchange, 200, "Please sign in to this network");
    return;
  }
  if (result === "not-json") {
    send(exchange, 200, "Traceback (most recent call last)", JSON_HEADERS);
    return;
  }
  if (result === "half-json") {
    send(exchange, 200, text.slice(0, Math.floor(text.length / 2)), JSON_HEADERS);
    return;
  }
  if (result === "invalid-utf8") {
    const bytes = Buffer.concat([
      Buffer.from('[{"DATA_DICT":{"name":"'),
      Buffer.from([0xc3, 0x28, 0xff]),
      Buffer.from('"}}]'),
    ]);
    send(exchange, 200, bytes, JSON_HEADERS);
    return;
  }
  const array = ODD_ARRAYS[result] ?? "[]";
  send(exchange, 200, advice ? `{"eta":[0,0],"results":${array},"state":"SUCCESS"}` : array, JSON_HEADERS);
}

/** Hands a result out that was taken from the book, in the way the fault says. `text` is the good answer. */
export async function spoil(
  exchange: Exchange,
  fault: SpoilingFault,
  text: string,
  advice: boolean,
): Promise<void> {
  switch (fault.kind) {
    case "lost": {
      reset(exchange);
      return;
    }
    case "cut": {
      cut(exchange, fault, text);
      return;
    }
    case "cut-wire": {
      const { bodyBytes } = fault;
      cutWire(
        exchange,
        fault,
        bodyBytes === undefined ? text : aroundPicture(advice).join("A".repeat(bodyBytes)),
      );
      return;
    }
    case "drip":
      return drip(exchange, fault, text);
    case "odd": {
      odd(exchange, fault.result, text, advice);
      return;
    }
    case "body": {
      send(exchange, 200, fault.body, { ...JSON_HEADERS, ...fault.headers });
      return;
    }
    case "large":
      return large(exchange, fault, advice);
  }
}
