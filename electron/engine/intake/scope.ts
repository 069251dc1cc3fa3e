import type { BigIntStats } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { errorCode } from "./fs-error.ts";
import { createGlobMatcher } from "./glob.ts";
import { fileIdOf } from "./observation.ts";

/** Which files below a folder belong to the batch. */
export interface ScopeOptions {
  recursive: boolean;
  /** Globs (`createGlobMatcher`); none = everything. */
  include: readonly string[];
  /** Globs, as above; a folder that matches is not entered. */
  exclude: readonly string[];
  /** Absolute: the results folder, the data folder. Never entered, under whatever spelling they are met. */
  excludedFolders: readonly string[];
  /** Absolute: the data file and its companions. */
  excludedFiles?: readonly string[];
}

/** `ScopeOptions`, ready to be asked. */
export interface Scope {
  recursive: boolean;
  /** Left out by the person's globs. */
  isExcluded(path: string, isFolder: boolean): boolean;
  /** Nightrun's own folder or file. */
  isOwn(path: string, found: BigIntStats): boolean;
}

type Matcher = (path: string) => boolean;
interface Globs {
  included: Matcher;
  excluded: Matcher;
}

/** Globs are compiled once per options object: watcher hints ask for every file. */
const compiledGlobs = new WeakMap<ScopeOptions, Globs>();

/** Looks up where the excluded folders are now; they may come into being or move between two calls. */
export async function openScope(root: string, options: ScopeOptions): Promise<Scope> {
  const globs = globsOf(options);
  const own = [...options.excludedFolders, ...(options.excludedFiles ?? [])];
  const ownPaths = new Set(own.map((path) => resolve(path)));
  const ownIds = new Set<string>();
  for (const path of own) {
    const id = await idOf(path);
    if (id !== null) ownIds.add(id);
  }
  const roots = ownPaths.size === 0 ? [] : await spellings(root);
  return {
    recursive: options.recursive,
    isExcluded: (path, isFolder) => globs.excluded(path) || (!isFolder && !globs.included(path)),
    isOwn: (path, found) =>
      ownIds.has(fileIdOf(found)) || roots.some((spelling) => ownPaths.has(join(spelling, path))),
  };
}

function globsOf(options: ScopeOptions): Globs {
  const known = compiledGlobs.get(options);
  if (known !== undefined) return known;
  const globs = {
    included: options.include.length === 0 ? () => true : createGlobMatcher(options.include),
    excluded: createGlobMatcher(options.exclude),
  };
  compiledGlobs.set(options, globs);
  return globs;
}

async function idOf(path: string): Promise<string | null> {
  try {
    return fileIdOf(await stat(path, { bigint: true }));
  } catch (error) {
    // Not there yet, or not ours to look at: then its path alone has to do.
    errorCode(error);
    return null;
  }
}

async function spellings(root: string): Promise<string[]> {
  const given = resolve(root);
  try {
    const real = await realpath(given);
    return real === given ? [given] : [given, real];
  } catch (error) {
    errorCode(error);
    return [given];
  }
}
