import { access, constants, opendir, realpath } from "node:fs/promises";
import { dirname, isAbsolute, join, resolve } from "node:path";
import type { FolderListing, Handlers } from "../../contract/api.ts";
import type { Failure } from "../../contract/failure.ts";
import { fail, succeed, type Result } from "../../contract/result.ts";
import { isImageName } from "../intake/image-name.ts";
import type { HandlerContext } from "./context.ts";

const MOST_FOLDERS = 1000;
const MOST_IMAGES = 1000;
/** A folder with more entries than this is not looked at to its end. */
const MOST_ENTRIES = 100_000;

function failureFor(folder: string, error: unknown): Failure {
  const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
  return code === "ENOENT" || code === "ENOTDIR"
    ? { reason: "folder-missing", folder }
    : { reason: "folder-unreadable", folder, code };
}

async function isReadable(folder: string): Promise<boolean> {
  return access(folder, constants.R_OK | constants.X_OK).then(
    () => true,
    () => false,
  );
}

async function look(folder: string): Promise<{ names: string[]; images: number }> {
  const names: string[] = [];
  let images = 0;
  let entries = 0;
  for await (const entry of await opendir(folder)) {
    if (++entries > MOST_ENTRIES) break;
    if (entry.name.startsWith(".")) continue;
    if (entry.isDirectory()) names.push(entry.name);
    else if (entry.isFile() && images < MOST_IMAGES && isImageName(entry.name)) images += 1;
  }
  return { names, images };
}

/** The readable sub-folders of a folder, in the order of their names; hidden ones and links are left out. */
export async function listFolder(folder: string): Promise<Result<FolderListing>> {
  if (!isAbsolute(folder) || folder.includes("\0")) return fail({ reason: "folder-missing", folder });
  try {
    const real = await realpath(resolve(folder));
    const { names, images } = await look(real);
    names.sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
    const folders: FolderListing["folders"] = [];
    for (const name of names) {
      if (folders.length === MOST_FOLDERS) break;
      const inner = join(real, name);
      if (await isReadable(inner)) folders.push({ name, folder: inner });
    }
    const parent = dirname(real);
    return succeed({ folder: real, parent: parent === real ? null : parent, folders, images });
  } catch (error) {
    return fail(failureFor(folder, error));
  }
}

/** Calls for choosing a folder. */
export function folderHandlers({ host }: HandlerContext): Pick<Handlers, "folder:list" | "folder:choose"> {
  return {
    "folder:list": ({ folder }) => listFolder(folder ?? host.home),
    "folder:choose": async ({ title }) => ({ folder: await host.chooseFolder(title) }),
  };
}
