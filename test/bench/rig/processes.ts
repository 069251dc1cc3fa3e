import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { programFile } from "./built.ts";
import type { ServerOrders, ServerStats } from "./server.ts";

/** The task whose output the bench server gives; as `nightrun run --output` takes it. */
export const TASK = "image_facts";

/** Starts a program of the bench in a process of its own; it ends with this one. */
async function start(
  program: string,
  orders: unknown,
  execArgv: readonly string[] = [],
): Promise<ChildProcess> {
  return fork(await programFile(program), [JSON.stringify(orders)], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    execArgv: [...execArgv],
  });
}

async function nextMessage(child: ChildProcess, who: string): Promise<unknown> {
  const gone = new AbortController();
  const ended = once(child, "exit", { signal: gone.signal }).then(() => {
    throw new Error(`${who} ended without an answer`);
  });
  ended.catch(() => undefined);
  const [message] = (await Promise.race([
    once(child, "message", { signal: gone.signal }),
    ended,
  ])) as unknown[];
  gone.abort();
  return message;
}

/** A bench server in a process of its own. */
export interface BenchServer {
  readonly url: string;
  stats(): Promise<ServerStats>;
  /** Counts from zero; runs that nobody fetched are forgotten. */
  reset(): Promise<void>;
  stop(): Promise<void>;
}

export async function startServer(orders: ServerOrders): Promise<BenchServer> {
  const child = await start("rig/server.ts", orders);
  const url = (await nextMessage(child, "The bench server")) as string;
  const ask = async (question: string): Promise<unknown> => {
    const answer = nextMessage(child, "The bench server");
    child.send(question);
    return answer;
  };
  return {
    url,
    stats: async () => (await ask("stats")) as ServerStats,
    reset: async () => void (await ask("reset")),
    async stop() {
      const exit = once(child, "exit");
      child.disconnect();
      await exit;
    },
  };
}

/** Runs a program to its end and gives the one message that it sends. */
export async function runProgram<T>(
  program: string,
  orders: unknown,
  execArgv: readonly string[] = [],
): Promise<T> {
  const child = await start(program, orders, execArgv);
  const exit = once(child, "exit");
  const answer = (await nextMessage(child, program)) as T;
  await exit;
  return answer;
}
