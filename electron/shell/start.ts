import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import process from "node:process";

/**
 * `npm start`: the desktop app, or the same window in the browser where Electron cannot be had or shown. Runs under
 * Node, before and beside Electron; it is no part of the package.
 */
export interface StartParts {
  env: NodeJS.ProcessEnv;
  platform: NodeJS.Platform;
  /** Path of Electron's executable; null when it is not there. */
  electron: () => Promise<string | null>;
  /** Downloads Electron; null when it is there now, else why not, in a few words. */
  install: () => Promise<string | null>;
}

export type StartPlan = { kind: "desktop"; electron: string } | { kind: "browser"; why: string };

/** Without one there is nothing to show a window on. */
export function hasDisplay(env: NodeJS.ProcessEnv, platform: NodeJS.Platform): boolean {
  if (platform !== "linux") return true;
  return (env.DISPLAY ?? "") !== "" || (env.WAYLAND_DISPLAY ?? "") !== "";
}

/** Decides what is started; downloads Electron only where its window could be seen. */
export async function planStart(parts: StartParts): Promise<StartPlan> {
  if (!hasDisplay(parts.env, parts.platform)) return { kind: "browser", why: "There is no display" };
  const there = await parts.electron();
  if (there !== null) return { kind: "desktop", electron: there };
  const problem = await parts.install();
  const electron = problem === null ? await parts.electron() : null;
  if (electron !== null) return { kind: "desktop", electron };
  return {
    kind: "browser",
    why: `Electron could not be downloaded (${problem ?? "it is not where it should be"})`,
  };
}

const INSTALL_LIMIT_MS = 180_000;

/** Downloads Electron's executable through its own program, within a time; says in a few words why it cannot. */
export function installElectron(program: string, limitMs: number = INSTALL_LIMIT_MS): Promise<string | null> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [program], { stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      child.kill();
    }, limitMs);
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => (said += chunk));
    child.once("error", (error) => {
      clearTimeout(timer);
      resolve(error.message);
    });
    child.once("close", (code) => {
      clearTimeout(timer);
      if (code === 0) resolve(null);
      else resolve(isLate ? `nothing came within ${limitMs / 1000} s` : reasonIn(said));
    });
  });
}

/** The telling part of a stack trace, for one line. */
function reasonIn(said: string): string {
  const code = /\b(E[A-Z]{3,}|ERR_[A-Z_]+)\b/.exec(said)?.[0];
  if (code === undefined && said.includes("fetch failed")) return "its server does not answer";
  const line =
    said
      .split("\n")
      .find((text) => /error/i.test(text))
      ?.trim() ?? "";
  return code ?? (line === "" ? "the download failed" : line.slice(0, 120));
}

async function electronPath(folder: string): Promise<string | null> {
  const name = await readFile(join(folder, "path.txt"), "utf8").catch(() => null);
  if (name === null) return null;
  const dist = process.env.ELECTRON_OVERRIDE_DIST_PATH ?? join(folder, "dist");
  const version = await readFile(join(dist, "version"), "utf8").catch(() => null);
  return version === null ? null : join(dist, name);
}

/** Chromium refuses its sandbox to root, and some kernels refuse it to everybody else. */
export function electronArguments(appFolder: string, rest: readonly string[], userId: number): string[] {
  return [...(userId === 0 ? ["--no-sandbox"] : []), appFolder, ...rest];
}

/** How a program that was started came to its end. */
export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** Why it could not even be started. */
  error: string | null;
  afterMs: number;
  /** Someone pressed Ctrl-C, or the system asked for the end. */
  wasAsked: boolean;
}

/** Electron's own parts are up, or have given up, within this time. */
const UP_WITHIN_MS = 10_000;
const LIBRARY_MISSING = 127;
/** The desktop app has told the person itself that it cannot use the data file. */
const DATA_FILE_UNUSABLE = 4;

/** Why Electron's window never came up, in a few words; null = it did, or nobody wants it any more. */
export function startProblem({ code, signal, error, afterMs, wasAsked }: Ended): string | null {
  if (wasAsked || afterMs > UP_WITHIN_MS) return null;
  if (error !== null) return error;
  // So ends Chromium where a system forbids its sandbox.
  if (signal !== null) return `it ended with ${signal}`;
  if (code === LIBRARY_MISSING) return "a library of the system is missing";
  return code === 0 || code === DATA_FILE_UNUSABLE ? null : `it ended with code ${String(code)}`;
}

/** Starts a program with this terminal, and hands it the signals that end it. */
export function runToEnd(program: string, args: readonly string[]): Promise<Ended> {
  const startedAt = performance.now();
  const child = spawn(program, args, { stdio: "inherit" });
  let wasAsked = false;
  const pass = (signal: NodeJS.Signals): void => {
    wasAsked = true;
    child.kill(signal);
  };
  process.on("SIGINT", pass).on("SIGTERM", pass);
  return new Promise((resolve) => {
    const end = (ended: Pick<Ended, "code" | "signal" | "error">): void => {
      process.off("SIGINT", pass).off("SIGTERM", pass);
      resolve({ ...ended, afterMs: performance.now() - startedAt, wasAsked });
    };
    child.once("error", (error: NodeJS.ErrnoException) =>
      end({ code: null, signal: null, error: error.code ?? error.message }),
    );
    child.once("close", (code, signal) => end({ code, signal, error: null }));
  });
}

async function main(): Promise<void> {
  const root = join(import.meta.dirname, "..", "..");
  const electronFolder = dirname(createRequire(import.meta.url).resolve("electron/package.json"));
  const rest = process.argv.slice(2);
  const plan = await planStart({
    env: process.env,
    platform: process.platform,
    electron: () => electronPath(electronFolder),
    install: () => {
      process.stderr.write("nightrun: Downloading Electron, once; this can take a minute.\n");
      return installElectron(join(electronFolder, "install.js"));
    },
  });
  let why = plan.kind === "browser" ? plan.why : "";
  if (plan.kind === "desktop") {
    const ended = await runToEnd(plan.electron, electronArguments(root, rest, process.getuid?.() ?? -1));
    const problem = startProblem(ended);
    process.exitCode = ended.code ?? 1;
    if (problem === null) return;
    why = `Electron could not start here (${problem})`;
  }
  process.stderr.write(`nightrun: ${why}, so the same window opens in the browser.\n`);
  const cli = join(root, "out", "main", "cli.js");
  const { code } = await runToEnd(process.execPath, [cli, "serve", "--open", ...rest]);
  process.exitCode = code ?? 1;
}

if (import.meta.main) await main();
