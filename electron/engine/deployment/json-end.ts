/** Tells whether the bytes so far are one whole JSON list or object, without keeping them. */
export interface JsonEnd {
  write(chunk: Uint8Array): void;
  isComplete(): boolean;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPENING = new Set([0x5b, 0x7b]);
const CLOSING = new Set([0x5d, 0x7d]);
const BLANK = new Set([0x20, 0x09, 0x0a, 0x0d]);

/**
 * Counts brackets outside strings: enough to see that a list or an object was cut anywhere. Bytes of UTF-8 beyond
 * ASCII cannot be mistaken for brackets or quotes.
 */
export function createJsonEnd(): JsonEnd {
  let depth = 0;
  let inString = false;
  let escaped = false;
  let state: "before" | "inside" | "after" | "odd" = "before";

  function step(byte: number): void {
    if (inString) {
      if (escaped) escaped = false;
      else if (byte === BACKSLASH) escaped = true;
      else if (byte === QUOTE) inString = false;
    } else if (BLANK.has(byte)) return;
    else if (state === "after" || (state === "before" && !OPENING.has(byte))) state = "odd";
    else if (OPENING.has(byte)) {
      depth += 1;
      state = "inside";
    } else if (CLOSING.has(byte)) {
      depth -= 1;
      if (depth === 0) state = "after";
    } else if (byte === QUOTE) inString = true;
  }

  return {
    write(chunk) {
      for (const byte of chunk) {
        if (state === "odd") return;
        step(byte);
      }
    },
    isComplete: () => state === "after",
  };
}
