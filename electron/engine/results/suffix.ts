import { createHash } from "node:crypto";

/** Names that Windows keeps for devices, whatever follows the first dot. */
const RESERVED = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$|clock\$)[ ]*(?:\.|$)/i;

const MAX_TASK = 48;
const MAX_KEYS = 32;

export function isReservedName(name: string): boolean {
  return RESERVED.test(name);
}

function shortHash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 8);
}

/** A name from elsewhere as a safe piece of a file name: only `A-Za-z0-9._-`, at most `max` characters, never a device. */
export function safePiece(text: string, max: number): string {
  const clean = text
    .replace(/[^A-Za-z0-9._-]+/g, "_")
    .replace(/\.{2,}/g, ".")
    .replace(/^\.|\.$/g, "");
  if (clean === "") return "_";
  if (isReservedName(clean)) return `_${clean}`.slice(0, max);
  if (clean.length <= max) return clean;
  return `${clean.slice(0, max - 9)}-${shortHash(text)}`;
}

/** `detections[3].mask` reads `mask-3`; elsewhere keys are joined by dots, positions by dashes: `crops-0.image`. */
function keyText(path: readonly (string | number)[]): string {
  if (path.length === 3 && path[0] === "detections" && typeof path[1] === "number")
    return `${path[2]}-${path[1]}`;
  return path.map((key, i) => (typeof key === "number" ? `-${key}` : `${i === 0 ? "" : "."}${key}`)).join("");
}

/** Which output of which task a picture belongs to. */
export interface OutputPlace {
  taskName: string;
  taskIndex: number;
  outputIndex: number;
}

/** Makes the ends of picture file names for one answer, at most 100 characters each, no two equal in any case. */
export function createSuffixes(): (
  place: OutputPlace,
  path: readonly (string | number)[],
  extension: string,
) => string {
  const used = new Set<string>();
  return ({ taskName, taskIndex, outputIndex }, path, extension) => {
    const keys = path.length === 0 ? "" : `.${safePiece(keyText(path), MAX_KEYS)}`;
    const base = `.${safePiece(taskName, MAX_TASK)}-${taskIndex}.${outputIndex}${keys}`;
    let suffix = `${base}.${extension}`;
    for (let n = 2; used.has(suffix.toLowerCase()); n += 1) suffix = `${base}-${n}.${extension}`;
    used.add(suffix.toLowerCase());
    return suffix;
  };
}
