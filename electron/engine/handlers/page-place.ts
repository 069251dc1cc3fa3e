import type { ImageSort } from "../../contract/api.ts";

/** The sort value and id of the last row of a page. */
export interface PagePlace {
  value: string | number;
  id: number;
}

/** A place in a list as opaque text. */
export function writePlace({ value, id }: PagePlace, sort: ImageSort): string {
  return Buffer.from(JSON.stringify([sort, value, id])).toString("base64url");
}

/** The place, if the text is one for this order; else null. */
export function readPlace(text: string, sort: ImageSort): PagePlace | null {
  try {
    const parts: unknown = JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
    if (!Array.isArray(parts) || parts.length !== 3 || parts[0] !== sort) return null;
    const [, value, id] = parts as unknown[];
    const fits = sort === "path" ? typeof value === "string" : Number.isSafeInteger(value);
    return fits && Number.isSafeInteger(id) ? { value: value as string | number, id: id as number } : null;
  } catch {
    return null; // Not JSON: no place of ours.
  }
}
