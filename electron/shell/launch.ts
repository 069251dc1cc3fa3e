import { isAbsolute } from "node:path";

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

/** The arguments meant for us: without the executable and, while it is not packaged, without the app's folder. */
export function ownArguments(argv: readonly string[], isPackaged: boolean): string[] {
  const args = argv.slice(1);
  if (isPackaged) return args;
  // In between stand switches of Electron and of Chromium, for example of a test driver.
  const app = args.findIndex((arg) => !arg.startsWith("-"));
  return app < 0 ? [] : args.slice(app + 1);
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
