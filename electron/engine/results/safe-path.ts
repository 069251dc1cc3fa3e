import { createHash } from "node:crypto";
import { isReservedName, safePiece } from "./suffix.ts";

/**
 * Names of result files, safe on Linux, macOS and Windows alike.
 *
 * Distinct image paths, as `intake/path.ts` writes them, give distinct names: what cannot stand in a name is
 * percent-escaped, and so is a "%" that could be mistaken for such an escape ("%20" inside a name stays). Two things
 * one path alone cannot tell: that another image differs only in case or Unicode normal form (`writeResultFiles` sees
 * that on the disk and adds "~" and a hash), and that another name of more than 255 bytes has the same SHA-256 prefix
 * (64 bits of it are in the name).
 */

/** The folder in the results folder where results go that were replaced; no image's results go there. */
export const EARLIER = ".earlier";

/** The end of the name of an image's result JSON. */
export const JSON_SUFFIX = ".json";

/** File systems count 255 bytes or 255 UTF-16 units; bytes are never fewer. */
const MAX_NAME_BYTES = 255;
/** Room for " (99)". */
const RESERVE_BYTES = 5;
const MAX_SUFFIX = 100;
const SUFFIX = /^\.[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9_-])?$/;

/** Forbidden on Windows, control characters, lone surrogates, and a "%" that reads like the escape of one of them. */
const UNSAFE = /(?=\p{ASCII})\p{Cc}|[<>:"|?*\\/]|%(?=[01][0-9A-F]|2[2AEF]|3[ACEF]|5C|7[CF])|\p{Cs}/giu;

/** A folder of such a name could stand where the result file of another image has to go. */
const LIKE_A_RESULT = /(?:\.json|-\d+\.\d+[^/]{0,80}\.(?:jpg|png|webp|tif|bmp))$/i;

function percent(text: string): string {
  // A lone surrogate has no UTF-8; its two bytes keep it apart from all others.
  const bytes = text.isWellFormed() ? Buffer.from(text, "utf8") : Buffer.from(text, "utf16le");
  return [...bytes].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join("");
}

function escapeAt(name: string, index: number): string {
  return name.slice(0, index) + percent(name.charAt(index)) + name.slice(index + 1);
}

/** Windows drops dots and spaces at the end of a name. */
function escapeEnd(name: string): string {
  let end = name.length;
  for (;;) {
    if (end > 0 && (name[end - 1] === "." || name[end - 1] === " ")) end -= 1;
    else if (end >= 3 && name.startsWith("%20", end - 3)) end -= 3;
    else break;
  }
  const tail = name.slice(end).replaceAll("%", "%25").replace(/[. ]/g, percent);
  return name.slice(0, end) + tail;
}

/** A device's name, or a name that reads like the escape of one, with its first character escaped. */
function escapeStart(name: string): string {
  const code = /^%([4-7][0-9A-F])/i.exec(name)?.[1];
  const read = code === undefined ? name : String.fromCharCode(Number.parseInt(code, 16)) + name.slice(3);
  return isReservedName(read) ? escapeAt(name, 0) : name;
}

/** One component, escaped but not shortened. */
function escapeComponent(component: string): string {
  // A file system gives no empty name; nothing else becomes "%00".
  if (component === "") return "%00";
  return escapeStart(escapeEnd(component.replace(UNSAFE, percent)));
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

function shorten(name: string, maxBytes: number): string {
  if (Buffer.byteLength(name) <= maxBytes) return name;
  const hash = hashOf(name);
  const room = maxBytes - hash.length - 1;
  let kept = "";
  let bytes = 0;
  for (const character of name) {
    bytes += Buffer.byteLength(character);
    if (bytes > room) break;
    kept += character;
  }
  return `${kept}~${hash}`;
}

function safeFolder(component: string, isFirst: boolean): string {
  const escaped = escapeComponent(component);
  const isOurs = isFirst && escaped.toLowerCase() === EARLIER;
  const opened = isOurs ? escapeAt(escaped, 0) : escaped;
  const apart = LIKE_A_RESULT.test(opened) ? escapeAt(opened, opened.lastIndexOf(".")) : opened;
  return shorten(apart, MAX_NAME_BYTES);
}

/** The end of a file's name is ours, or made harmless: nothing in it can lead into another folder. */
function safeSuffix(suffix: string): string {
  return SUFFIX.test(suffix) ? suffix : `.${safePiece(suffix, MAX_SUFFIX)}`;
}

/** Where the results of one image go. */
export interface ResultPlace {
  /** Components below the results folder. */
  folders: string[];
  /** The name of the file with this suffix; `mark` (" (2)") stands between the image's name and the suffix. */
  nameOf(suffix: string, mark?: string): string;
  /** Whether a file of this name, in the same folder, can be a result of the same image. */
  owns(name: string, mark?: string): boolean;
}

/** Where the results of the image with this relative path ("/" between folders) go. */
export function resultPlace(path: string): ResultPlace {
  const components = path.split("/");
  const base = escapeComponent(components.at(-1) ?? "");
  return {
    folders: components.slice(0, -1).map((component, i) => safeFolder(component, i === 0)),
    nameOf(suffix, mark = "") {
      const end = safeSuffix(suffix);
      const taken = end.length + Math.max(RESERVE_BYTES, Buffer.byteLength(mark));
      return shorten(base, MAX_NAME_BYTES - taken) + mark + end;
    },
    owns: (name, mark = "") =>
      name.startsWith(`${base}${mark}.`) || name.includes(`~${hashOf(base)}${mark}.`),
  };
}

/**
 * The names of an image's result files, relative to the results folder, "/" between folders:
 * first its JSON (`sub/photo.jpg.json`), then one for each suffix (`sub/photo.jpg.infer_yolo_v8-0.1.png`).
 */
export function resultFileNames(path: string, suffixes: readonly string[]): string[] {
  const place = resultPlace(path);
  return [JSON_SUFFIX, ...suffixes].map((suffix) => [...place.folders, place.nameOf(suffix)].join("/"));
}
