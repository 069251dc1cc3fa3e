import { readdir, readFile } from "node:fs/promises";
import { extname, join, relative, sep } from "node:path";

/** A file of the built page. */
export interface PageFile {
  type: string;
  bytes: Buffer;
  /** Its name changes with its content. */
  isImmutable: boolean;
}

/** The built page. A name is looked up in a list, never joined to a path: nothing outside can be reached. */
export interface PageFiles {
  get(path: string): Promise<PageFile | null>;
}

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".woff2": "font/woff2",
};
const LOOK_AGAIN_MS = 1000;

/** The files of this folder; it is listed anew, at most once a second, when a name is not known. */
export function createPageFiles(folder: string, now: () => number): PageFiles {
  let listed: ReadonlyMap<string, string> = new Map();
  let listedAt = Number.NEGATIVE_INFINITY;

  async function list(): Promise<void> {
    listedAt = now();
    const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
    listed = new Map(
      entries
        .filter((entry) => entry.isFile() && TYPES[extname(entry.name)] !== undefined)
        .map((entry) => join(entry.parentPath, entry.name))
        .map((file) => [`/${relative(folder, file).split(sep).join("/")}`, file]),
    );
  }

  return {
    async get(path) {
      const wanted = path === "/" ? "/index.html" : path;
      if (!listed.has(wanted) && now() - listedAt > LOOK_AGAIN_MS) await list();
      const file = listed.get(wanted);
      const bytes = file === undefined ? null : await readFile(file).catch(() => null);
      if (file === undefined || bytes === null) return null;
      return { type: TYPES[extname(file)] ?? "", bytes, isImmutable: wanted.startsWith("/assets/") };
    },
  };
}
