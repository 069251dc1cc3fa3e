import { stat } from "node:fs/promises";
import { relative, sep } from "node:path";
import { FSWatcher, type ChokidarOptions } from "chokidar";
import { errorCode } from "./fs-error.ts";
import { isJunk } from "./junk.ts";
import { fileIdOf } from "./observation.ts";
import { encodeName } from "./path.ts";
import { createLossDetector, type LossDetector } from "./watch-loss.ts";

/** A running watch. */
export interface FolderWatch {
  /** After it resolves no hint is given any more. */
  close(): Promise<void>;
}

/** What to watch and whom to tell. */
export interface WatchOptions {
  /** Absolute path of the folder; it may be missing, and may come, go and be replaced meanwhile. */
  root: string;
  recursive: boolean;
  /** Folders and files not to watch; only asked about paths below the root. */
  ignored: (absolute: string) => boolean;
  /** Something happened to this relative path; null = events may have been lost, so walk the folder. */
  onHint: (path: string | null) => void;
  /** The watch has gaps; once for each code, however many folders are affected. */
  onTrouble: (trouble: { code: string; message: string }) => void;
  /** How often to look whether the root is still the same folder. @default 15000 ms */
  rootCheckMs?: number;
}

/** A folder that takes longer to list is watched from then on anyway. */
const LONGEST_START_MS = 10_000;
const ROOT_CHECK_MS = 15_000;

/**
 * Gives hints about changes in a folder. Nothing may depend on them: systems drop events without a word, and shares
 * often send none. Resolves once changes are noticed, so a walk that starts afterwards misses nothing.
 */
export async function watchFolder(options: WatchOptions): Promise<FolderWatch> {
  const troubles = new Set<string>();
  let isClosed = false;
  let rootId = await idOf(options.root);
  const hint = (path: string | null): void => {
    if (!isClosed) options.onHint(path);
  };
  const loss = createLossDetector(() => hint(null));
  const trouble = (code: string): void => {
    if (isClosed || troubles.has(code)) return;
    troubles.add(code);
    options.onTrouble({ code, message: troubleText(code) });
  };
  const connect = (): Promise<FSWatcher | null> => openWatcher(options, { hint, trouble, loss });
  let connection = connect();

  /** The native watch stays blind after a share was unmounted and mounted again: it has to be made anew. */
  const checkRoot = async (): Promise<void> => {
    const found = await idOf(options.root);
    if (isClosed || found === rootId) return;
    rootId = found;
    connection = connection.then((old) => old?.close()).then(() => (isClosed ? null : connect()));
    await connection;
    hint(null);
  };
  let checking: Promise<void> | null = null;
  const timer = setInterval(() => {
    checking ??= checkRoot().finally(() => (checking = null));
  }, options.rootCheckMs ?? ROOT_CHECK_MS);
  timer.unref();

  await connection;
  return {
    async close() {
      isClosed = true;
      clearInterval(timer);
      loss.stop();
      await (await connection)?.close();
    },
  };
}

interface Listeners {
  hint: (path: string | null) => void;
  trouble: (code: string) => void;
  loss: LossDetector;
}

/** Null when this folder cannot be watched at all. */
async function openWatcher(options: WatchOptions, listeners: Listeners): Promise<FSWatcher | null> {
  // A backslash in a name is taken for a separator, and the watch would be silent for ever.
  if (sep === "/" && options.root.includes("\\")) {
    listeners.trouble("unwatchable-name");
    return null;
  }
  const watcher = withoutOverrides(() => new FSWatcher(settings(options)));
  // First of all: an error without a listener would end the process.
  watcher.on("error", (error) => {
    listeners.trouble(codeOf(error));
    // What lies behind the failure is not watched; it may hold something new.
    listeners.loss.suspect();
  });
  watcher.on("all", (event, path) => {
    listeners.loss.count();
    const below = relative(options.root, path);
    if (below === "") listeners.hint(null);
    else if (event !== "addDir" && event !== "unlinkDir") listeners.hint(hintedPath(below));
  });
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, LONGEST_START_MS);
    watcher.once("ready", () => {
      clearTimeout(timer);
      resolve();
    });
    watcher.add(options.root);
  });
  return watcher;
}

function settings({ root, recursive, ignored }: WatchOptions): ChokidarOptions {
  const isIgnored = (absolute: string): boolean => {
    const below = relative(root, absolute);
    if (below === "" || below === ".." || below.startsWith(`..${sep}`)) return false;
    return isJunk(below.slice(below.lastIndexOf(sep) + 1)) || ignored(absolute);
  };
  return {
    ignored: isIgnored,
    ignoreInitial: true,
    followSymlinks: false,
    // Would hide some names and hold back removals.
    atomic: false,
    // On Linux the recursive one costs a watch for every file.
    backend: process.platform === "linux" ? "native" : "auto",
    ...(recursive ? {} : { depth: 0 }),
  };
}

/** These two would override the options above from outside. */
function withoutOverrides<T>(create: () => T): T {
  const { CHOKIDAR_USEPOLLING: polling, CHOKIDAR_INTERVAL: interval } = process.env;
  delete process.env["CHOKIDAR_USEPOLLING"];
  delete process.env["CHOKIDAR_INTERVAL"];
  try {
    return create();
  } finally {
    if (polling !== undefined) process.env["CHOKIDAR_USEPOLLING"] = polling;
    if (interval !== undefined) process.env["CHOKIDAR_INTERVAL"] = interval;
  }
}

/** Null when the name reached us with bytes replaced, so that it cannot be named exactly. */
function hintedPath(below: string): string | null {
  if (below.includes("\ufffd")) return null;
  return below
    .split(sep)
    .map((name) => encodeName(Buffer.from(name, "utf8")))
    .join("/");
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "unknown";
}

async function idOf(root: string): Promise<string | null> {
  try {
    return fileIdOf(await stat(root, { bigint: true }));
  } catch (error) {
    errorCode(error);
    return null;
  }
}

const FOUND_BY_WALKING = "New files there are found a little later, by walking the folder.";

function troubleText(code: string): string {
  switch (code) {
    case "ENOSPC":
      return `The system's limit of watched folders is reached (fs.inotify.max_user_watches). ${FOUND_BY_WALKING}`;
    case "EMFILE":
    case "ENFILE":
      return `The system's limit of open files or watches is reached (${code}). ${FOUND_BY_WALKING}`;
    case "EACCES":
    case "EPERM":
      return `A folder cannot be watched for lack of permission (${code}). Give read permission to have its files found.`;
    case "unwatchable-name":
      return `A folder with a backslash in its path cannot be watched. ${FOUND_BY_WALKING}`;
    default:
      return `A folder cannot be watched (${code}). ${FOUND_BY_WALKING}`;
  }
}
