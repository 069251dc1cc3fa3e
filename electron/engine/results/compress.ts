import { constants, deflateSync, inflateSync } from "node:zlib";

/** A JSON value for the database: as text when it is short, deflated (zlib form) when it is not. */
export type PackedJson = { encoding: "text"; data: string } | { encoding: "deflate"; data: Buffer };

/** Up to this length, in characters, packing is not worth the trouble. */
const PLAIN_CHARS = 4096;
/** Bound on what a damaged or hostile data file can make of a few bytes. */
const MAX_BYTES = 512 * 1024 * 1024 - 64;

/** `undefined` is packed as null; key order is kept. */
export function packJson(value: unknown): PackedJson {
  const text = value === undefined ? "null" : JSON.stringify(value);
  if (text.length <= PLAIN_CHARS) return { encoding: "text", data: text };
  // Speed over size: polygons shrink to a tenth on the fastest level already.
  return { encoding: "deflate", data: deflateSync(text, { level: constants.Z_BEST_SPEED }) };
}

/** The value that was packed. @throws if the data is damaged */
export function unpackJson(packed: { encoding: "text" | "deflate"; data: string | Uint8Array }): unknown {
  const { encoding, data } = packed;
  if (encoding === "text")
    return JSON.parse(typeof data === "string" ? data : Buffer.from(data).toString("utf8"));
  if (typeof data === "string") throw new Error("Internal error: deflated JSON was kept as text");
  return JSON.parse(inflateSync(data, { maxOutputLength: MAX_BYTES }).toString("utf8"));
}
