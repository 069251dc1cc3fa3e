import { spawn, type ChildProcess } from "node:child_process";
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

function wait(child: ChildProcess): Promise<number> {
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill(signal));
  return new Promise((resolve) => {
    child.once("error", () => resolve(1));
    child.once("close", (code) => resolve(code ?? 1));
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
  if (plan.kind === "desktop") {
    const args = electronArguments(root, rest, process.getuid?.() ?? -1);
    process.exitCode = await wait(spawn(plan.electron, args, { stdio: "inherit" }));
    return;
  }
  process.stderr.write(`nightrun: ${plan.why}, so the same window opens in the browser.\n`);
  const cli = join(root, "out", "main", "cli.js");
  process.exitCode = await wait(
    spawn(process.execPath, [cli, "serve", "--open", ...rest], { stdio: "inherit" }),
  );
}

if (import.meta.main) await main();
