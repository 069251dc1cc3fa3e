import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";

function codeOf(error: unknown): string | null {
  return error instanceof Error && "code" in error ? String(error.code) : null;
}

/**
 * Makes a folder and those above it that are missing. Node's own recursive form never ends below places that refuse
 * new folders with "not found", such as /proc; this one tries each level once.
 *
 * @throws the file system's error, ENOTDIR when a file is in its place
 */
export async function makeFolder(folder: string, mode = 0o777): Promise<void> {
  // Nearly always it is there: one question instead of an error and a question.
  if (await isFolder(folder)) return;
  try {
    await mkdir(folder, { mode });
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
  }
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
