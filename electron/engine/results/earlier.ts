import { createHash } from "node:crypto";
import { join } from "node:path";
import { syncFolder } from "./durable-file.ts";
import { parseGuarded } from "./json-guard.ts";
import { contentOf, exists, openFolders, refuse } from "./results-folder.ts";
import { EARLIER, JSON_SUFFIX, type ResultPlace } from "./safe-path.ts";
import { safePiece } from "./suffix.ts";

/** Highest number in "photo.jpg (2).json"; `safe-path.ts` keeps room for two digits. */
export const MAX_COPIES = 99;

/** What tests replace to imitate a disk that refuses. */
export interface ResultDisk {
  rename: (from: string, to: string) => Promise<void>;
  platform: NodeJS.Platform;
}

/** What is known of a result JSON that stands where a new one has to go. */
export interface EarlierResult {
  path: string | null;
  files: string[];
}

/** What an earlier result JSON says about itself; nothing, if it is not one of ours. */
export async function earlierResult(file: string): Promise<EarlierResult> {
  const content = await contentOf(file);
  const parsed = content === null || content === "other" ? null : parseGuarded(content);
  if (parsed?.ok !== true || parsed.value === null || typeof parsed.value !== "object")
    return { path: null, files: [] };
  const { path, files } = parsed.value as { path?: unknown; files?: unknown };
  return {
    path: typeof path === "string" ? path : null,
    files: Array.isArray(files) ? files.filter((name): name is string => typeof name === "string") : [],
  };
}

/** How a disk compares names that does not tell upper from lower case or normal forms apart. */
function folded(path: string): string {
  return path.normalize("NFC").toLowerCase();
}

/** On such a disk another image can hold our name: its JSON says so, and then ours carries a hash of the path. */
export function siblingMark(path: string, earlier: EarlierResult): string {
  if (earlier.path === null || earlier.path === path || folded(earlier.path) !== folded(path)) return "";
  return `~${createHash("sha256").update(path).digest("hex").slice(0, 8)}`;
}

/** What has to go to `.earlier`, and from where. */
export interface Move {
  disk: ResultDisk;
  root: string;
  folder: string;
  place: ResultPlace;
  /** Names in `folder`; the JSON last, so that a crash in between finds it again and goes on. */
  names: readonly string[];
  /** The folder under `.earlier`. */
  earlier: string;
  mark: string;
}

/** The mark between an image's name and the suffix: nothing, " (2)", " (3)" ... */
export function numbered(n: number): string {
  return n === 1 ? "" : ` (${n})`;
}

/** The first number under which none of these names is taken in the folder. */
async function freeNames(folder: string, { place, names, mark }: Move): Promise<string[]> {
  for (let n = 1; n <= MAX_COPIES; n += 1) {
    const wanted = names.map((name) => {
      const stem = place.nameOf(JSON_SUFFIX, mark).slice(0, -JSON_SUFFIX.length);
      return name.startsWith(stem)
        ? `${stem}${numbered(n)}${name.slice(stem.length)}`
        : `${name}${numbered(n)}`;
    });
    const taken = await Promise.all(wanted.map((name) => exists(join(folder, name))));
    if (!taken.includes(true)) return wanted;
  }
  throw refuse("EEXIST");
}

/** Moves files to `.earlier`, all under one number, and makes that durable. */
export async function moveAside(move: Move): Promise<void> {
  const folders = [EARLIER, safePiece(move.earlier, 100), ...move.place.folders];
  const target = await openFolders(move.root, folders);
  const wanted = await freeNames(target, move);
  for (const [i, name] of move.names.entries()) {
    await move.disk.rename(join(move.folder, name), join(target, wanted[i] ?? name));
  }
  await syncFolder(target);
  await syncFolder(move.folder);
}
