import { spawn, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Failure } from "../contract/failure.ts";
import { fail, succeed, type Result } from "../contract/result.ts";

/** A simulator in a process of its own; it ends with this one. */
export interface SimulatorProcess {
  url: string;
  tokenService: string;
  token: string;
  stop(): Promise<void>;
}

/** The simulator's program, as built or as source. */
export function simulatorProgram(): string {
  const beside = import.meta.url.endsWith(".ts") ? "../simulator/simulator.ts" : "./simulator.js";
  return fileURLToPath(new URL(beside, import.meta.url));
}

/** How this executable runs one of our programs. Node takes its path first; Electron has to be told more. */
export interface ProgramHost {
  /** Arguments that stand before the program's path. */
  before: readonly string[];
  /** False where a program is given an stdin that is at its end from the start, so that it cannot tell when to stop. */
  hasStdin: boolean;
}

const NODE: ProgramHost = { before: [], hasStdin: true };
const current = { host: NODE };

/** Told once, by an executable other than Node, before anything is started. */
export function runProgramsThrough(host: ProgramHost): void {
  current.host = host;
}

/** The arguments that have this executable run one of our programs. */
export function programArguments(program: string, args: readonly string[]): string[] {
  return [...current.host.before, program, ...args];
}

const START_TIMEOUT_MS = 20_000;

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const timer = setTimeout(() => reject(new Error("it did not start in time")), START_TIMEOUT_MS);
    child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
      const end = text.indexOf("\n");
      if (end < 0) return;
      clearTimeout(timer);
      resolve(text.slice(0, end));
    });
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`it ended with code ${String(code)}`)));
  });
}

/** Starts the built-in deployment and waits until it answers. `env` without the person's tokens. */
export async function startSimulatorProcess(
  args: readonly string[],
): Promise<Result<SimulatorProcess, Failure>> {
  const env = { ...process.env };
  delete env.IKOMIA_TOKEN;
  const child = spawn(
    process.execPath,
    programArguments(simulatorProgram(), ["--stay-with-parent", ...args]),
    {
      stdio: ["pipe", "pipe", "inherit"],
      // Of its own group: Ctrl-C is for Nightrun, which still wants to collect its results.
      detached: true,
      env,
    },
  );
  try {
    const told = JSON.parse(await firstLine(child)) as { url: string; tokenService: string; token: string };
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    return succeed({
      ...told,
      stop: async () => {
        // What it keeps is renamed into place, so it can be ended at any time.
        if (current.host.hasStdin) child.stdin.end();
        else child.kill();
        await ended;
      },
    });
  } catch (error) {
    child.kill();
    return fail({
      reason: "internal",
      message: `The simulator could not be started: ${error instanceof Error ? error.message : String(error)}`,
    });
  }
}
