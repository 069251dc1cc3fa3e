import { lstat as lstatWithCallback, type BigIntStats } from "node:fs";
import { stat } from "node:fs/promises";
import { promisify } from "node:util";
import type { SetupFailure, SpecialFile } from "../../contract/failure.ts";
import { fail, succeed, type Result } from "../../contract/result.ts";
import { folderNames } from "./folder-names.ts";
import { errorCode, isGone } from "./fs-error.ts";
import { isImageName, kindByName } from "./image-name.ts";
import { isJunk } from "./junk.ts";
import { fileIdOf, observationOf, specialKind, type Observation } from "./observation.ts";
import {
  absolutePath,
  absolutePlace,
  childPath,
  encodeByteName,
  lastName,
  placeIn,
  type Place,
} from "./path.ts";
import { openScope, type Scope, type ScopeOptions } from "./scope.ts";

/** What to walk. */
export interface WalkOptions extends ScopeOptions {
  /** Absolute path of the batch's folder. It may itself be a link; below it no link is followed. */
  root: string;
  signal?: AbortSignal;
}

/** One thing found below the folder. */
export type WalkEntry =
  | { kind: "file"; observation: Observation }
  /** Named like an image, but no regular file. */
  | { kind: "special"; path: string; special: SpecialFile }
  /** A regular file whose name is no image's; `found` follows "This file is". */
  | { kind: "foreign"; observation: Observation; found: string };

/** How a walk went. */
export interface WalkSummary {
  /** False when any folder could not be read, the root changed meanwhile, or it was aborted: then absence proves nothing. */
  complete: boolean;
  /** Entries of kind "file". */
  files: number;
  /** Names left out as junk; a junk folder counts once. */
  junk: number;
  /** Left out by globs; a folder counts once. Nightrun's own folders are not counted. */
  excluded: number;
  /** Folders (relative; "" is the root) that could not be read, in whole or in part; the first 1,000. */
  unreadable: { path: string; code: string }[];
  /** "device:inode" of the root. */
  rootId: string;
}

const BATCH = 500;
/** Looks at once: two of the four threads that all file work shares, so a hanging share leaves the others free. */
const LANES = 2;
const MOST_UNREADABLE = 1000;

/** The form with promises makes an array of its own for every look, and a million of these are garbage that is found late. */
const lstat = promisify(lstatWithCallback);

interface Walk {
  options: WalkOptions;
  scope: Scope;
  summary: WalkSummary;
  pending: string[];
  onEntries: (entries: WalkEntry[]) => Promise<void>;
}

/**
 * Reports everything below the folder once, in batches of at most 500, and waits for the callback before it goes on.
 * Links are never followed; files that vanish during the walk are left out. Memory does not grow with the folder.
 */
export async function walk(
  options: WalkOptions,
  onEntries: (entries: WalkEntry[]) => Promise<void>,
): Promise<Result<WalkSummary, SetupFailure>> {
  const found = await findRoot(options.root);
  if (!found.ok) return found;
  const summary = { complete: true, files: 0, junk: 0, excluded: 0, unreadable: [], rootId: found.value };
  const scope = await openScope(options.root, options);
  const walk = { options, scope, summary, pending: [""], onEntries };
  const unreadable = await walkAll(walk);
  if (unreadable !== null) return fail(rootFailure(options.root, unreadable));
  // A drive that goes away leaves folders that look empty: only the same root at the end proves absence.
  const after = await findRoot(options.root);
  if (!after.ok || after.value !== found.value || isAborted(options)) summary.complete = false;
  return succeed(summary);
}

/** The code of the root when it cannot be read at all, else null. */
async function walkAll(walk: Walk): Promise<string | null> {
  for (let folder = walk.pending.pop(); folder !== undefined; folder = walk.pending.pop()) {
    if (isAborted(walk.options)) return null;
    const code = await walkFolder(walk, folder);
    if (code === null || (folder !== "" && isGone(code))) continue;
    if (folder === "") return code;
    noteUnreadable(walk.summary, folder, code);
  }
  return null;
}

/** The code of the error that kept the folder from being listed, else null. */
async function walkFolder(walk: Walk, folder: string): Promise<string | null> {
  const { root } = walk.options;
  const place = folder === "" ? root : absolutePlace(root, folder);
  try {
    for await (const names of folderNames(place, BATCH)) {
      if (isAborted(walk.options)) return null;
      const entries = await lookAt(walk, folder, place, names);
      if (entries.length > 0) await reported(walk.onEntries(entries));
    }
    return null;
  } catch (error) {
    if (error instanceof CallbackError) throw error.cause;
    return errorCode(error);
  }
}

/** Keeps the caller's own error apart from the disk's. */
class CallbackError extends Error {}

async function reported(callback: Promise<void>): Promise<void> {
  try {
    await callback;
  } catch (cause) {
    throw new CallbackError("the callback failed", { cause });
  }
}

async function lookAt(walk: Walk, folder: string, place: Place, names: string[]): Promise<WalkEntry[]> {
  const entries: WalkEntry[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let name = names[next++]; name !== undefined; name = names[next++]) {
      const entry = await lookAtOne(walk, folder, place, name);
      if (entry !== null) entries.push(entry);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return entries;
}

async function lookAtOne(walk: Walk, folder: string, place: Place, name: string): Promise<WalkEntry | null> {
  const { scope, summary } = walk;
  const text = encodeByteName(name);
  if (isJunk(text)) {
    summary.junk += 1;
    return null;
  }
  const path = childPath(folder, text);
  try {
    const found = judge(scope, path, await lstat(placeIn(place, name), { bigint: true }));
    if (found === "folder") walk.pending.push(path);
    else if (found === "excluded") summary.excluded += 1;
    else if (found !== "ignored") {
      if (found.kind === "file") summary.files += 1;
      return found;
    }
  } catch (error) {
    const code = errorCode(error);
    if (!isGone(code)) noteUnreadable(summary, folder, code);
  }
  return null;
}

type Judgement = WalkEntry | "folder" | "excluded" | "ignored";

function judge(scope: Scope, path: string, found: BigIntStats): Judgement {
  const isFolder = found.isDirectory();
  if (isFolder && !scope.recursive) return "ignored";
  if (scope.isOwn(path, found)) return "ignored";
  if (scope.isExcluded(path, isFolder)) return "excluded";
  if (isFolder) return "folder";
  const name = lastName(path);
  const special = specialKind(found);
  if (special !== null) return isImageName(name) ? { kind: "special", path, special } : "ignored";
  const observation = observationOf(path, found);
  return isImageName(name)
    ? { kind: "file", observation }
    : { kind: "foreign", observation, found: kindByName(name) };
}

/**
 * Looks at one path with the rules of the walk. Null = not the batch's, gone, or out of reach; only a complete
 * walk may conclude that a file is missing.
 */
export async function observe(
  root: string,
  path: string,
  options: ScopeOptions | Scope,
): Promise<WalkEntry | null> {
  const components = path.split("/");
  if (components.some(isJunk) || (!options.recursive && components.length > 1)) return null;
  const scope = "isOwn" in options ? options : await openScope(root, options);
  try {
    for (let depth = 1; depth <= components.length; depth += 1) {
      const part = components.slice(0, depth).join("/");
      const found = judge(scope, part, await lstat(absolutePath(root, part), { bigint: true }));
      const isLast = depth === components.length;
      if (isLast && typeof found === "object") return found;
      // A link on the way is no folder: what lies behind it is not the batch's.
      if (isLast || found !== "folder") return null;
    }
  } catch (error) {
    errorCode(error);
  }
  return null;
}

async function findRoot(root: string): Promise<Result<string, SetupFailure>> {
  try {
    const found = await stat(root, { bigint: true });
    return found.isDirectory() ? succeed(fileIdOf(found)) : fail({ reason: "folder-missing", folder: root });
  } catch (error) {
    return fail(rootFailure(root, errorCode(error)));
  }
}

function rootFailure(folder: string, code: string): SetupFailure {
  return isGone(code) ? { reason: "folder-missing", folder } : { reason: "folder-unreadable", folder, code };
}

function noteUnreadable(summary: WalkSummary, path: string, code: string): void {
  summary.complete = false;
  const last = summary.unreadable.at(-1);
  // A folder without the right to enter fails once for each of its files.
  if (last?.path === path && last.code === code) return;
  if (summary.unreadable.length < MOST_UNREADABLE) summary.unreadable.push({ path, code });
}

function isAborted(options: WalkOptions): boolean {
  return options.signal?.aborted === true;
}
