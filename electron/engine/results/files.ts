import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { lstat, mkdir, open, rename } from "node:fs/promises";
import { join } from "node:path";
import type { ImageFailure } from "../../contract/failure.ts";
import { fail, type Result, succeed } from "../../contract/result.ts";
import { errorCode, replaceFile, syncFolder } from "./durable-file.ts";
import { parseGuarded } from "./json-guard.ts";
import { EARLIER, JSON_SUFFIX, resultPlace, type ResultPlace } from "./safe-path.ts";
import { safePiece } from "./suffix.ts";

export { resultFileNames } from "./safe-path.ts";

/** Everything that is written beside one image's name. */
export interface ResultFiles {
  /** Absolute path; it is made if it is not there. Below it no link is followed. */
  resultsFolder: string;
  /** Relative path of the image, "/" between folders, percent-escaped where it is not UTF-8. */
  path: string;
  /** Content of `photo.jpg.json` (`resultJson`). */
  json: string;
  /** No two suffixes may be equal; `readAnswer` sees to it. */
  pictures: readonly { suffix: string; bytes: Uint8Array }[];
}

/** What tests replace to imitate a disk that refuses. */
export interface ResultDisk {
  rename: (from: string, to: string) => Promise<void>;
  platform: NodeJS.Platform;
}

const THIS_DISK: ResultDisk = { rename, platform: process.platform };

/** Highest number in "photo.jpg (2).json"; `safe-path.ts` keeps room for two digits. */
const MAX_COPIES = 99;
const NO_FOLLOW = (constants as Partial<typeof constants>).O_NOFOLLOW ?? 0;

interface Target {
  name: string;
  data: Buffer;
}

/** An error like those of the disk, for what this module itself refuses. */
function refuse(code: string): Error {
  return Object.assign(new Error(code), { code });
}

async function isFolder(path: string): Promise<boolean> {
  try {
    const stat = await lstat(path);
    if (stat.isSymbolicLink()) throw refuse("ELOOP");
    if (!stat.isDirectory()) throw refuse("ENOTDIR");
    return true;
  } catch (error) {
    if (errorCode(error) === "ENOENT") return false;
    throw error;
  }
}

/** The folder below `root`, made where it is missing; a link or a file in its way is refused. */
async function openFolders(root: string, folders: readonly string[]): Promise<string> {
  let folder = root;
  for (const name of folders) {
    const parent = folder;
    folder = join(parent, name);
    if (await isFolder(folder)) continue;
    await mkdir(folder).catch((error: unknown) => {
      // Another image's results may have made it meanwhile.
      if (errorCode(error) !== "EEXIST") throw error;
    });
    if (!(await isFolder(folder))) throw refuse("ENOENT");
    await syncFolder(parent);
  }
  return folder;
}

/** The bytes of a regular file; null if nothing is there, "other" if it is anything else (a link, a pipe). */
async function contentOf(path: string): Promise<Buffer | "other" | null> {
  try {
    const stat = await lstat(path);
    if (stat.isDirectory()) throw refuse("EISDIR");
    if (!stat.isFile()) return "other";
    const handle = await open(path, constants.O_RDONLY | NO_FOLLOW);
    try {
      return await handle.readFile();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (errorCode(error) === "ENOENT") return null;
    throw error;
  }
}

type Standing = "same" | "other" | "missing";

async function standingOf(folder: string, { name, data }: Target): Promise<Standing> {
  const stat = await lstat(join(folder, name)).catch((error: unknown) => {
    if (errorCode(error) === "ENOENT") return null;
    throw error;
  });
  if (stat === null) return "missing";
  // Reading a file of another size would tell nothing new.
  if (stat.isFile() && stat.size !== data.length) return "other";
  const content = await contentOf(join(folder, name));
  if (content === null) return "missing";
  return content !== "other" && content.equals(data) ? "same" : "other";
}

interface EarlierResult {
  path: string | null;
  files: string[];
}

/** What an earlier result JSON says about itself; nothing, if it is not one of ours. */
async function earlierResult(file: string): Promise<EarlierResult> {
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
function siblingMark(path: string, earlier: EarlierResult): string {
  if (earlier.path === null || earlier.path === path || folded(earlier.path) !== folded(path)) return "";
  return `~${createHash("sha256").update(path).digest("hex").slice(0, 8)}`;
}

interface Move {
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

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    (error: unknown) => {
      if (errorCode(error) === "ENOENT") return false;
      throw error;
    },
  );
}

function numbered(n: number): string {
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

async function moveAside(move: Move): Promise<void> {
  const folders = [EARLIER, safePiece(move.earlier, 100), ...move.place.folders];
  const target = await openFolders(move.root, folders);
  const wanted = await freeNames(target, move);
  for (const [i, name] of move.names.entries()) {
    await move.disk.rename(join(move.folder, name), join(target, wanted[i] ?? name));
  }
  await syncFolder(target);
  await syncFolder(move.folder);
}

/** Windows refuses to move a file that another program holds open. */
function isLocked(error: unknown, { platform }: ResultDisk): boolean {
  return platform === "win32" && ["EBUSY", "EPERM", "EACCES"].includes(errorCode(error) ?? "");
}

interface Job {
  files: ResultFiles;
  earlier: string;
  disk: ResultDisk;
  place: ResultPlace;
  folder: string;
  /** Tells which file is worked on, for the failure's text. */
  at: (name: string) => void;
}

function targetsOf({ files, place }: Job, mark: string): Target[] {
  const pictures = files.pictures.map(({ suffix, bytes }) => ({
    name: place.nameOf(suffix, mark),
    data: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
  }));
  // The JSON comes last: where it is, everything it names is.
  return [...pictures, { name: place.nameOf(JSON_SUFFIX, mark), data: Buffer.from(files.json, "utf8") }];
}

/** Names that are in the way: all of an earlier result if its JSON differs, else just the files that differ. */
async function inTheWay(job: Job, mark: string, targets: readonly Target[], standings: readonly Standing[]) {
  const json = targets.at(-1)?.name ?? "";
  const different = targets.filter((_, i) => standings[i] === "other").map(({ name }) => name);
  if (!different.includes(json)) return different;
  const prefix = job.place.folders.map((folder) => `${folder}/`).join("");
  const { files } = await earlierResult(join(job.folder, json));
  const listed = files
    .filter((file) => file.startsWith(prefix))
    .map((file) => file.slice(prefix.length))
    .filter((name) => !/[/\\]/.test(name) && job.place.owns(name, mark));
  const present = targets.filter((_, i) => standings[i] !== "missing").map(({ name }) => name);
  const names = [...new Set([...listed, ...present])].filter((name) => name !== json);
  const there = await Promise.all(names.map((name) => exists(join(job.folder, name))));
  return [...names.filter((_, i) => there[i]), json];
}

/** Writes all under one mark; false if something in the way is held open by another program. */
async function writeUnder(job: Job, mark: string): Promise<string[] | null> {
  const { files, folder, place, disk, earlier } = job;
  const targets = targetsOf(job, mark);
  const lookAt = async (target: Target): Promise<Standing> => {
    job.at(target.name);
    return standingOf(folder, target);
  };
  const standings: Standing[] = [];
  for (const target of targets) standings.push(await lookAt(target));

  const names = await inTheWay(job, mark, targets, standings);
  if (names.length > 0) {
    try {
      await moveAside({ disk, root: files.resultsFolder, folder, place, names, earlier, mark });
    } catch (error) {
      if (isLocked(error, disk)) return null;
      throw error;
    }
  }
  let isChanged = false;
  for (const [i, target] of targets.entries()) {
    if (standings[i] === "same" && !names.includes(target.name)) continue;
    job.at(target.name);
    await replaceFile(join(folder, target.name), target.data);
    isChanged = true;
  }
  if (isChanged) await syncFolder(folder);
  return targets.map(({ name }) => [...place.folders, name].join("/"));
}

async function writeAll(job: Job): Promise<string[]> {
  const { files, place, folder } = job;
  const sibling = siblingMark(files.path, await earlierResult(join(folder, place.nameOf(JSON_SUFFIX))));
  for (let n = 1; n <= MAX_COPIES; n += 1) {
    const names = await writeUnder(job, sibling + numbered(n));
    // The JSON is written last and named first.
    if (names !== null) return [...names.slice(-1), ...names.slice(0, -1)];
  }
  throw refuse("EBUSY");
}

/**
 * Writes an image's result files beside each other: complete, fsynced, then named; the JSON last. Gives their names,
 * relative to the results folder, the JSON first. Doing it again with the same content changes nothing.
 *
 * An earlier result of the same image with other content is first moved to `.earlier/<earlier>/`, where nothing is
 * ever overwritten either ("photo.jpg (2).json"). A file that another program holds open (Windows) stays, and the new
 * one is called "photo.jpg (2).json". What the disk refuses is a `cannot-write-output`, and the next try goes on.
 */
export async function writeResultFiles(
  files: ResultFiles,
  earlier: string,
  disk: ResultDisk = THIS_DISK,
): Promise<Result<string[], ImageFailure>> {
  const place = resultPlace(files.path);
  const relative = (name: string): string => [...place.folders, name].join("/");
  let file = relative(place.nameOf(JSON_SUFFIX));
  try {
    await mkdir(files.resultsFolder, { recursive: true });
    const folder = await openFolders(files.resultsFolder, place.folders);
    const at = (name: string): void => {
      file = relative(name);
    };
    return succeed(await writeAll({ files, earlier, disk, place, folder, at }));
  } catch (error) {
    const code = errorCode(error);
    if (code === null) throw error;
    return fail({ reason: "cannot-write-output", file, code });
  }
}
