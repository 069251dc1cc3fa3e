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
  const child = spawn(process.execPath, [simulatorProgram(), "--stay-with-parent", ...args], {
    stdio: ["pipe", "pipe", "inherit"],
    // Of its own group: Ctrl-C is for Nightrun, which still wants to collect its results.
    detached: true,
    env,
  });
  try {
    const told = JSON.parse(await firstLine(child)) as { url: string; tokenService: string; token: string };
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    return succeed({
      ...told,
      stop: async () => {
        child.stdin.end();
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
