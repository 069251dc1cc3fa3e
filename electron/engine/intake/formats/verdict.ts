import type { Reader } from "./reader.ts";

/** What a header tells; `orientation` is EXIF's, 1 to 8, and 1 when there is none. */
export interface Measures {
  width: number;
  height: number;
  orientation: number;
}

/** "cut": the file ends before the picture does. "damaged": it contradicts its own format. */
export type Verdict = Measures | "cut" | "damaged";

/** Reads as little as possible of a file that has the format's signature. */
export type Inspector = (reader: Reader) => Promise<Verdict>;

/** The measures, or "damaged" when they cannot be a picture's. */
export function measured(width: number, height: number, orientation: number | null): Verdict {
  return width > 0 && height > 0 ? { width, height, orientation: orientation ?? 1 } : "damaged";
}
