import { spawn, type ChildProcess, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import sharp from "sharp";
import { expect, vi } from "vitest";
import { startSimulator, type Simulator } from "../../electron/simulator/server.ts";
import type { SimulatorOptions } from "../../electron/simulator/settings.ts";

const CLI = join(import.meta.dirname, "../../electron/cli/cli.ts");

const COMPILED = join(tmpdir(), "nightrun-test-compiled");

// Many processes at once on a small machine: each test waits for what happens, so only the patience is longer.
vi.setConfig({ testTimeout: 90_000, hookTimeout: 120_000 });

/** Whatever a test that failed has left behind ends with the tests. */
const alive = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of alive) child.kill("SIGKILL");
});

/** How a command ended, and everything that it wrote. */
export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A command that is running. */
export interface Running {
  child: ChildProcessByStdio<null, Readable, Readable>;
  ended: Promise<Ended>;
  /** What it wrote until now. */
  stdout(): string;
  /** Resolves when the text was written to either stream. */
  said(text: string | RegExp): Promise<void>;
}

/** The environment of a person who has set nothing up. */
export function bareEnv(folder: string): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    HOME: folder,
    XDG_DATA_HOME: join(folder, "xdg"),
    TZ: "UTC",
    // Each test starts a process: compiled once is enough.
    NODE_COMPILE_CACHE: COMPILED,
  };
}

export interface StartOptions {
  env: NodeJS.ProcessEnv;
  cwd: string;
  /** Words in front of the command, for example to become another user. */
  through?: readonly string[];
  nodeArgs?: readonly string[];
}

/** Starts the real command line as a process. */
export function start(
  args: readonly string[],
  { env, cwd, through = [], nodeArgs = [] }: StartOptions,
): Running {
  const [program = process.execPath, ...rest] = [...through, process.execPath, ...nodeArgs, CLI, ...args];
  const child = spawn(program, rest, { env, cwd, stdio: ["ignore", "pipe", "pipe"] });
  alive.add(child);
  child.once("exit", () => alive.delete(child));
  const text = { stdout: "", stderr: "" };
  const waiting = new Set<() => void>();
  let isOver = false;
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (chunk: string) => {
      text[name] += chunk;
      for (const look of waiting) look();
    });
  }
  const ended = once(child, "close").then(([code]) => {
    isOver = true;
    for (const look of waiting) look();
    return { code: code as number | null, ...text };
  });
  return {
    child,
    ended,
    stdout: () => text.stdout,
    said: (wanted) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const all = text.stdout + text.stderr;
          const found = typeof wanted === "string" ? all.includes(wanted) : wanted.test(all);
          if (!found && !isOver) return;
          waiting.delete(look);
          if (found) resolve();
          else reject(new Error(`It ended without saying ${String(wanted)}:\n${all}`));
        };
        waiting.add(look);
        look();
      }),
  };
}

/** A temporary place with a folder of pictures, a data file and a simulated deployment of its own. */
export interface Rig extends AsyncDisposable {
  readonly place: string;
  readonly pictures: string;
  readonly results: string;
  readonly data: string;
  readonly simulator: Simulator;
  readonly env: NodeJS.ProcessEnv;
  /** Starts a command; `--data` is given, for `run` the folder, the deployment and one cheap output too. */
  start(args: readonly string[], more?: Partial<StartOptions>): Running;
  /** The same, and waits for its end. */
  run(args: readonly string[], more?: Partial<StartOptions>): Promise<Ended>;
  /** Writes pictures that all differ into the folder. */
  draw(...names: string[]): Promise<void>;
  stop(): Promise<void>;
}

export const CHEAP_OUTPUT = "image_facts:0";

let drawn = 0;

/** A small picture unlike any other. */
export async function picture(name: string): Promise<Buffer> {
  const n = ++drawn;
  const background = { r: n % 256, g: Math.floor(n / 256) % 256, b: 90 };
  const plain = sharp({ create: { width: 24 + (n % 7), height: 16, channels: 3, background } });
  return name.endsWith(".png") ? plain.png().toBuffer() : plain.jpeg().toBuffer();
}

export async function openRig(options: SimulatorOptions = {}): Promise<Rig> {
  const place = await mkdtemp(join(tmpdir(), "nightrun-cli-"));
  const simulator = await startSimulator({ latency: { minMs: 0, maxMs: 0 }, longPollMs: 500, ...options });
  const pictures = join(place, "pictures");
  const data = join(place, "night.db");
  await mkdir(pictures);
  const env = {
    ...bareEnv(place),
    IKOMIA_URL: simulator.tokenService,
    IKOMIA_TOKEN: simulator.token,
    NIGHTRUN_DEPLOYMENT: simulator.url,
  };
  const running = new Set<Running>();
  const rig: Rig = {
    place,
    pictures,
    results: join(place, "pictures-results"),
    data,
    simulator,
    env,
    start(args, more = {}) {
      const [command = "", ...rest] = args;
      const isRun = command === "run";
      const output = isRun && !args.includes("--output") ? ["--output", CHEAP_OUTPUT] : [];
      const folder = isRun && (rest[0] === undefined || rest[0].startsWith("--")) ? [pictures] : [];
      const file = args.includes("--data") ? [] : ["--data", data];
      const started = start([command, ...folder, ...rest, ...output, ...file], { env, cwd: place, ...more });
      running.add(started);
      void started.ended.then(() => running.delete(started));
      return started;
    },
    run: (args, more) => rig.start(args, more).ended,
    async draw(...names) {
      for (const name of names) {
        await mkdir(dirname(join(pictures, name)), { recursive: true });
        await writeFile(join(pictures, name), await picture(name));
      }
    },
    async stop() {
      for (const { child } of running) child.kill("SIGKILL");
      await Promise.all([...running].map((one) => one.ended));
      await simulator.close();
      await rm(place, { recursive: true, force: true });
    },
    [Symbol.asyncDispose]: () => rig.stop(),
  };
  return rig;
}

/** Exactly one line for a person: what is wrong and what to do; nothing on stdout, no stack trace. */
export function expectOneLine(ended: Ended, code: number, ...words: (string | RegExp)[]): void {
  for (const word of words) expect(ended.stderr).toMatch(word);
  expect(ended.stderr).toMatch(/^nightrun: [^\n]+\n$/);
  expect(ended.stderr).not.toMatch(/^\s+at /m);
  expect(ended.stdout).toBe("");
  expect(ended.code).toBe(code);
}

/** One object a line, and nothing else. */
export function jsonLines(text: string): Record<string, unknown>[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
