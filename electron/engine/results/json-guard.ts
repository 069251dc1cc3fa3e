import { isAscii, isUtf8 } from "node:buffer";
import { fail, type Result, succeed } from "../../contract/result.ts";

/** Why an answer cannot be read, in words that go into a sentence. */
export interface Misfit {
  what: string;
}

/** Larger answers are kept, not read (faults F28, F31): the text of one has to fit into memory several times. */
export const MAX_ANSWER_BYTES = 256 * 1024 * 1024;
export const MAX_DEPTH = 100;
/** A few bytes can stand for a value of 50: without this, a small answer could fill the memory. */
export const MAX_VALUES = 8_000_000;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SHORT_STRING = 48;

/** Position of the quote that ends the string begun before `from`; the end of the bytes if there is none. */
function endOfString(bytes: Buffer, from: number): number {
  const end = Math.min(from + SHORT_STRING, bytes.length);
  let i = from;
  while (i < end) {
    const byte = bytes[i];
    if (byte === QUOTE) return i;
    i += byte === BACKSLASH ? 2 : 1;
  }
  // Long strings are pictures: let the native search run over them.
  let quote = bytes.indexOf(QUOTE, i);
  while (quote !== -1) {
    let backslashes = 0;
    while (quote - 1 - backslashes >= i && bytes[quote - 1 - backslashes] === BACKSLASH) backslashes += 1;
    if (backslashes % 2 === 0) return quote;
    quote = bytes.indexOf(QUOTE, quote + 1);
  }
  return bytes.length;
}

function whyTooComplex(bytes: Buffer): string | null {
  let depth = 0;
  let values = 1;
  for (let i = 0; i < bytes.length; i += 1) {
    const byte = bytes[i];
    if (byte === QUOTE) i = endOfString(bytes, i + 1);
    else if (byte === 0x5b || byte === 0x7b) {
      depth += 1;
      values += 1;
      if (depth > MAX_DEPTH) return `it is nested more than ${MAX_DEPTH} levels deep`;
    } else if (byte === 0x5d || byte === 0x7d) depth -= 1;
    else if (byte === 0x2c) {
      values += 1;
      if (values > MAX_VALUES) return `it holds more than ${MAX_VALUES} values`;
    }
  }
  return null;
}

/** What is said of an answer of more than `MAX_ANSWER_BYTES`. */
export function tooLarge(bytes: number): string {
  return `it is too large to read (${bytes} bytes)`;
}

/** JSON with limits on size, depth and number of values; never throws, whatever the bytes. */
export function parseGuarded(body: Uint8Array): Result<unknown, Misfit> {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  if (bytes.length === 0) return fail({ what: "it is empty" });
  if (bytes.length > MAX_ANSWER_BYTES) return fail({ what: tooLarge(bytes.length) });
  if (!isUtf8(bytes)) return fail({ what: "it is not UTF-8 text" });
  const complexity = whyTooComplex(bytes);
  if (complexity !== null) return fail({ what: complexity });
  // One byte a character where possible: half the memory for answers full of base64.
  const text = isAscii(bytes) ? bytes.toString("latin1") : bytes.toString("utf8");
  try {
    return succeed(JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text));
  } catch {
    // The parser's own words quote the text, which may be megabytes of base64.
    return fail({ what: "it is not complete, valid JSON" });
  }
}
