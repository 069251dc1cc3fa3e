import { isUtf8 } from "node:buffer";
import { sep } from "node:path";

/** A literal "%" that reads like an escape and therefore has to be escaped itself. */
const LOOKS_ESCAPED = /%(?=25|[89A-Fa-f][0-9A-Fa-f])/g;
const ESCAPE = /%(25|[89A-Fa-f][0-9A-Fa-f])/g;
const SLASH = Buffer.from("/");

/**
 * One file name as text: ordinary names unchanged, bytes that are not UTF-8 as %XX, so that
 * `decodePath(encodeName(name))` gives back exactly the same bytes and no two names share a text.
 */
export function encodeName(name: Buffer): string {
  if (isUtf8(name)) return escapeLiterals(name.toString("utf8"));
  let text = "";
  let validFrom = 0;
  let at = 0;
  while (at < name.length) {
    const length = sequenceLength(name, at);
    if (length > 0) {
      at += length;
      continue;
    }
    text += escapeLiterals(name.toString("utf8", validFrom, at));
    text += `%${name.toString("hex", at, at + 1).toUpperCase()}`;
    at += 1;
    validFrom = at;
  }
  return text + escapeLiterals(name.toString("utf8", validFrom, at));
}

function escapeLiterals(text: string): string {
  return text.includes("%") ? text.replace(LOOKS_ESCAPED, "%25") : text;
}

/** Bytes of the UTF-8 character that starts at `at`; 0 when none does. */
function sequenceLength(name: Buffer, at: number): number {
  const lead = name[at] ?? 0;
  const length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  return at + length <= name.length && isUtf8(name.subarray(at, at + length)) ? length : 0;
}

/** The bytes of a relative path, as the file system knows it. */
export function decodePath(path: string): Buffer {
  if (!path.includes("%")) return Buffer.from(path, "utf8");
  const pieces: Buffer[] = [];
  let from = 0;
  for (const match of path.matchAll(ESCAPE)) {
    pieces.push(Buffer.from(path.slice(from, match.index), "utf8"));
    pieces.push(Buffer.from([Number.parseInt(match[1] ?? "", 16)]));
    from = match.index + match[0].length;
  }
  pieces.push(Buffer.from(path.slice(from), "utf8"));
  return Buffer.concat(pieces);
}

/**
 * The absolute path, for file system calls. Throws when `path` could lead out of `root`:
 * paths come from the walk, so an odd component means that something else wrote it.
 */
export function absolutePath(root: string, path: string): Buffer {
  for (const component of path.split("/")) {
    if (!isPlainComponent(component)) {
      throw new Error(
        `Internal error: expected a relative path inside the folder, found ${JSON.stringify(path)}`,
      );
    }
  }
  return joinBytes(Buffer.from(root, "utf8"), decodePath(path));
}

/** The same as text, where text says it exactly. */
export function absolutePlace(root: string, path: string): Place {
  const bytes = absolutePath(root, path);
  return isUtf8(bytes) ? bytes.toString("utf8") : bytes;
}

function isPlainComponent(component: string): boolean {
  if (component === "" || component === "." || component === ".." || component.includes("\0")) return false;
  // On Windows these would start another path, a drive or an alternate stream.
  return sep !== "\\" || !/[\\:]/.test(component);
}

/** Joins a folder and a name, both as bytes, with one separator. */
export function joinBytes(folder: Buffer, name: Buffer): Buffer {
  const last = folder.at(-1);
  const ends = last === SLASH[0] || (sep === "\\" && last === 0x5c);
  return ends ? Buffer.concat([folder, name]) : Buffer.concat([folder, SLASH, name]);
}

/** A place for file system calls: text where that says it exactly, which takes no memory outside the heap; else bytes. */
export type Place = string | Buffer;

const ASCII = /^[\0-\x7f]*$/;

/** `encodeName` of a name that has one character for each byte. */
export function encodeByteName(name: string): string {
  return ASCII.test(name) ? escapeLiterals(name) : encodeName(Buffer.from(name, "latin1"));
}

/** Where a name that has one character for each byte is in a folder. */
export function placeIn(folder: Place, name: string): Place {
  if (typeof folder !== "string" || !ASCII.test(name))
    return joinBytes(Buffer.from(folder), Buffer.from(name, "latin1"));
  const last = folder.at(-1);
  return last === "/" || last === sep ? folder + name : `${folder}/${name}`;
}

/** The relative path of `name` in the relative folder `folder`; "" is the root. */
export function childPath(folder: string, name: string): string {
  return folder === "" ? name : `${folder}/${name}`;
}

/** The last component of a relative path. */
export function lastName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
