import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { syncFolder } from "./results/durable-file.ts";

function codeOf(error: unknown): string | null {
  return error instanceof Error && "code" in error ? String(error.code) : null;
}

/**
 * Makes a folder and those above it that are missing, so that their names survive a power cut. Node's own recursive form never ends below places that refuse
 * new folders with "not found", such as /proc; this one tries each level once.
 *
 * @throws the file system's error, ENOTDIR when a file is in its place
 */
export async function makeFolder(folder: string, mode = 0o777): Promise<void> {
  // Nearly always it is there: one question instead of an error and a question.
  if (await isFolder(folder)) return;
  try {
    await mkdir(folder, { mode });
    await syncParent(folder);
  } catch (error) {
    const code = codeOf(error);
    if (code === "EEXIST") return requireFolder(folder);
    const parent = dirname(folder);
    if (code !== "ENOENT" || parent === folder) throw error;
    if (!(await isThere(parent))) await makeFolder(parent, mode);
    await mkdir(folder, { mode }).catch(async (again: unknown) => {
      // Someone else made it in the meantime.
      if (codeOf(again) !== "EEXIST") throw again;
      await requireFolder(folder);
    });
    await syncParent(folder);
  }
}

/** A folder that may be written but not listed cannot be synced; its disk decides then. */
async function syncParent(folder: string): Promise<void> {
  await syncFolder(dirname(folder)).catch((error: unknown) => {
    if (codeOf(error) !== "EACCES" && codeOf(error) !== "EPERM") throw error;
  });
}

async function requireFolder(folder: string): Promise<void> {
  if ((await stat(folder)).isDirectory()) return;
  throw Object.assign(new Error(`ENOTDIR: a file is in the place of ${folder}`), { code: "ENOTDIR" });
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch {
    return false;
  }
}
