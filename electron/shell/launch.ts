import { isAbsolute } from "node:path";
import process from "node:process";
import type { ProgramHost } from "../cli/simulator-process.ts";

/** What this start of the executable is meant to be. */
export type Launch =
  /** One of our own programs in a process of its own: the simulator. */
  | { kind: "program"; file: string; args: string[] }
  | { kind: "command-line"; args: string[] }
  | { kind: "window"; isHidden: boolean; folder: string | null };

/** Started at login: no window until someone asks for it. */
export const HIDDEN = "--hidden";

const COMMANDS: ReadonlySet<string> = new Set([
  "run",
  "status",
  "images",
  "runs",
  "retry",
  "export",
  "workflow",
  "simulate",
  "serve",
  "doctor",
  "pause",
  "resume",
  "report",
  "help",
  "--help",
  "-h",
  "--version",
  "-V",
]);

/**
 * Reads the arguments after the executable (and after the app's folder while it is not packaged). A program has to
 * be one of `programs`, by its exact path: no argument can have any other file run.
 */
export function readLaunch(args: readonly string[], programs: readonly string[]): Launch {
  const [first = "", ...rest] = args;
  if (programs.includes(first)) return { kind: "program", file: first, args: rest };
  if (COMMANDS.has(first)) return { kind: "command-line", args: [...args] };
  return { kind: "window", isHidden: args.includes(HIDDEN), folder: folderAmong(args) };
}

/** Electron's own and Chromium's switches stand between ours when a second instance hands over its arguments. */
export function folderAmong(args: readonly string[]): string | null {
  const folder = args.find((arg) => isAbsolute(arg) && !arg.includes("\0"));
  return folder ?? null;
}

/** What may stand before a command: for Chromium, and Electron's own sign on Windows that addresses may follow. */
const BEFORE_OURS: ReadonlySet<string> = new Set(["--no-sandbox", "--"]);

/** The arguments meant for us: without the executable and, while it is not packaged, without the app's folder. */
export function ownArguments(argv: readonly string[], isPackaged: boolean): string[] {
  const args = argv.slice(1);
  // In between stand switches of Electron and of Chromium, for example of a test driver.
  const app = isPackaged ? -1 : args.findIndex((arg) => !arg.startsWith("-"));
  if (!isPackaged && app < 0) return [];
  const ours = args.slice(app + 1);
  const first = ours.findIndex((arg) => !BEFORE_OURS.has(arg));
  return first < 0 ? [] : ours.slice(first);
}

/** How this executable runs one of our programs: as itself, in the same sandbox or lack of one, through our main file. */
export function programHost(state: {
  isPackaged: boolean;
  appFolder: string;
  hasSandbox: boolean;
  platform: NodeJS.Platform;
}): ProgramHost {
  return {
    before: [...(state.hasSandbox ? [] : ["--no-sandbox"]), ...(state.isPackaged ? [] : [state.appFolder])],
    // Electron on Windows gives every process an stdin that has ended.
    hasStdin: state.platform !== "win32",
  };
}

const STAY = "--stay-with-parent";
const LOOK_EVERY_MS = 1000;

/**
 * Arguments for a program that cannot see the end of its stdin, and whether it wanted to: then `endWithParent` looks
 * after it.
 */
export function withoutStdin(args: readonly string[]): { args: string[]; staysWithParent: boolean } {
  return { args: args.filter((arg) => arg !== STAY), staysWithParent: args.includes(STAY) };
}

/** Calls `end` once the process `parentId` is gone; looked at once a second. */
export function endWithParent(parentId: number, end: () => void): void {
  const timer = setInterval(() => {
    try {
      process.kill(parentId, 0);
    } catch {
      clearInterval(timer);
      end();
    }
  }, LOOK_EVERY_MS);
}

/** What starts the same program anew. An AppImage is mounted for one life only: its file has to be named. */
export function relaunchOptions(
  env: NodeJS.ProcessEnv,
  argv: readonly string[],
): { execPath?: string; args?: string[] } {
  return env.APPIMAGE === undefined ? {} : { execPath: env.APPIMAGE, args: argv.slice(1) };
}

/** Variables that would weaken TLS, slow the watcher, or put other code into this program. */
const UNWANTED = [
  "NODE_OPTIONS",
  "NODE_TLS_REJECT_UNAUTHORIZED",
  "SSLKEYLOGFILE",
  "CHOKIDAR_USEPOLLING",
  "CHOKIDAR_INTERVAL",
] as const;

/** Takes them out before anything is loaded that reads them. */
export function cleanEnvironment(env: NodeJS.ProcessEnv): void {
  for (const name of UNWANTED) Reflect.deleteProperty(env, name);
}
