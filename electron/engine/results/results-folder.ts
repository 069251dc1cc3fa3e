import { constants } from "node:fs";
import { lstat, mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import { errorCode, syncFolder } from "./durable-file.ts";

/** Windows has no such flag; `lstat` before is all there is. */
const NO_FOLLOW = (constants as Partial<typeof constants>).O_NOFOLLOW ?? 0;

/** An error like those of the disk, for what the results folder itself refuses. */
export function refuse(code: string): Error {
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
export async function openFolders(root: string, folders: readonly string[]): Promise<string> {
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
export async function contentOf(path: string): Promise<Buffer | "other" | null> {
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

/** Whether anything, also a link that leads nowhere, has this name. */
export async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    (error: unknown) => {
      if (errorCode(error) === "ENOENT") return false;
      throw error;
    },
  );
}
