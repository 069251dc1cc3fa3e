import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { RunEnding } from "../../electron/engine/ending.ts";
import type { EngineOrders } from "./engine-process.ts";
import { timingFor, type Rig } from "./open-rig.ts";

const PROGRAM = fileURLToPath(new URL("./engine-process.ts", import.meta.url));

/** The rig's engine in a process of its own. */
export interface EngineProcess {
  readonly child: ChildProcess;
  /** Lines that it has said so far. */
  readonly lines: string[];
  /** Resolves with the first line that starts like this; rejects when the process ends without one. */
  said(start: string): Promise<string>;
  /** As a power cut would: no handler runs. */
  kill(): Promise<void>;
  /** How everything came to its end; null = the process ended otherwise. */
  ending(): Promise<RunEnding | null>;
}

export interface EngineProcessOptions {
  speed: number;
  /** Before the file of the program, such as `--import=<module>`. */
  nodeArgs?: readonly string[];
  /** What runs the program, such as strace with its options. */
  under?: readonly string[];
  /** Beside the environment of this process. */
  env?: NodeJS.ProcessEnv;
  /** Beside those that the rig gives. */
  orders?: Pick<EngineOrders, "minimumFreeBytes" | "tellLoopDelay" | "tellSteps">;
}

/** What a tracer started has to go before it, or it would go on untraced. */
function killWithChildren(child: ChildProcess): void {
  const { pid } = child;
  if (pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    const list = readFileSync(`/proc/${String(pid)}/task/${String(pid)}/children`, "utf8");
    for (const each of list.split(" ").filter(Boolean)) process.kill(Number(each), "SIGKILL");
  } catch {
    // No such file (not Linux), or it ended by itself just now.
  }
  child.kill("SIGKILL");
}

/** What an engine process works with; a rig has it. */
export type EnginePlace = Pick<Rig, "dataFile" | "settings" | "simulator" | "originAt">;

/** Starts an engine over the rig's folder, data file and simulator. */
export function startEngineProcess(rig: EnginePlace, options: EngineProcessOptions): EngineProcess {
  const orders: EngineOrders = {
    dataFile: rig.dataFile,
    settings: rig.settings,
    simulatorUrl: rig.simulator.url,
    apiToken: rig.simulator.token,
    speed: options.speed,
    originAt: rig.originAt,
    timing: timingFor(options.speed),
    ...options.orders,
  };
  const command = [...(options.under ?? []), process.execPath, ...(options.nodeArgs ?? []), PROGRAM];
  const [program = "", ...args] = command;
  const child = spawn(program, [...args, JSON.stringify(orders)], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, ...options.env },
  });
  const lines: string[] = [];
  const waiters = new Set<() => void>();
  const closed = once(child, "close");
  let rest = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    const parts = (rest + chunk).split("\n");
    rest = parts.pop() ?? "";
    lines.push(...parts);
    for (const wake of waiters) wake();
  });
  void closed.then(() => {
    for (const wake of waiters) wake();
  });
  return {
    child,
    lines,
    async said(start) {
      for (;;) {
        const line = lines.find((said) => said.startsWith(start));
        if (line !== undefined) return line;
        if (child.exitCode !== null || child.signalCode !== null)
          throw new Error(`The engine ended without "${start}": ${lines.join(" | ")}`);
        await new Promise<void>((resolve) => {
          const wake = (): void => {
            waiters.delete(wake);
            resolve();
          };
          waiters.add(wake);
        });
      }
    },
    async kill() {
      killWithChildren(child);
      await closed;
    },
    async ending() {
      await closed;
      const line = lines.find((said) => said.startsWith("ended "));
      return line === undefined ? null : (JSON.parse(line.slice(6)) as RunEnding);
    },
  };
}
