import { lstat, rename } from "node:fs/promises";
import { join } from "node:path";
import type { ImageFailure } from "../../contract/failure.ts";
import { fail, type Result, succeed } from "../../contract/result.ts";
import { errorCode, replaceFile, syncFolder } from "./durable-file.ts";
import {
  type EarlierResult,
  earlierResult,
  MAX_COPIES,
  moveAside,
  numbered,
  type ResultDisk,
  siblingMark,
} from "./earlier.ts";
import { contentOf, exists, openFolders, refuse } from "./results-folder.ts";
import { JSON_SUFFIX, resultPlace, type ResultPlace } from "./safe-path.ts";
import { makeFolder } from "../make-folder.ts";

export type { ResultDisk } from "./earlier.ts";
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

const THIS_DISK: ResultDisk = { rename, platform: process.platform };

interface Target {
  name: string;
  data: Buffer;
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

/** Names of an earlier result's files. Its JSON tells them without the mark; what is not its own is not believed. */
function listedNames(place: ResultPlace, { files }: EarlierResult, mark: string): string[] {
  const prefix = place.folders.map((folder) => `${folder}/`).join("");
  const stem = place.nameOf(JSON_SUFFIX).slice(0, -JSON_SUFFIX.length);
  return files
    .filter((file) => file.startsWith(prefix))
    .map((file) => file.slice(prefix.length))
    .map((name) => (name.startsWith(`${stem}.`) ? stem + mark + name.slice(stem.length) : name))
    .filter((name) => !/[/\\]/.test(name) && place.owns(name, mark));
}

/** Names that are in the way: all of an earlier result if its JSON differs, else just the files that differ. */
async function inTheWay(job: Job, mark: string, targets: readonly Target[], standings: readonly Standing[]) {
  const json = targets.at(-1)?.name ?? "";
  const different = targets.filter((_, i) => standings[i] === "other").map(({ name }) => name);
  if (!different.includes(json)) return different;
  const listed = listedNames(job.place, await earlierResult(join(job.folder, json)), mark);
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
  for (const [i, target] of targets.entries()) {
    if (standings[i] === "same" && !names.includes(target.name)) continue;
    job.at(target.name);
    await replaceFile(join(folder, target.name), target.data);
  }
  // Also when nothing was written: a crash may have come between the names and their fsync.
  await syncFolder(folder);
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
    await makeFolder(files.resultsFolder);
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
