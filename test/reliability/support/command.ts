import { spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";

const CLI = fileURLToPath(new URL("../../../electron/cli/cli.ts", import.meta.url));

/** A command line of Nightrun that runs as a process. */
export interface Command {
  readonly child: ChildProcessByStdio<null, Readable, Readable>;
  /** All that it wrote until now, both streams. */
  text(): string;
  /** Exit code; null = ended by a signal. */
  readonly ended: Promise<number | null>;
}

/** The environment of a person who has set nothing up, with what the proof's controls need. */
export function personsEnv(home: string): NodeJS.ProcessEnv {
  const { PATH, NODE_OPTIONS, NIGHTRUN_TEST_TAKE_OUT } = process.env;
  const control = NIGHTRUN_TEST_TAKE_OUT === undefined ? {} : { NODE_OPTIONS, NIGHTRUN_TEST_TAKE_OUT };
  return { PATH, HOME: home, XDG_DATA_HOME: join(home, "xdg"), TZ: "UTC", ...control };
}

/** Starts `nightrun` with these arguments. */
export function startCommand(
  args: readonly string[],
  { env, cwd, nodeArgs = [] }: { env: NodeJS.ProcessEnv; cwd: string; nodeArgs?: readonly string[] },
): Command {
  const child = spawn(process.execPath, [...nodeArgs, CLI, ...args], {
    env,
    cwd,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  return { child, text: () => text, ended: once(child, "close").then(([code]) => code as number | null) };
}
