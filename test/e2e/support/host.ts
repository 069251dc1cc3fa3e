import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const PROJECT = fileURLToPath(new URL("../../..", import.meta.url));
/** The built program; another build can be named. */
const CLI = join(process.env.NIGHTRUN_OUT ?? join(PROJECT, "out"), "main/cli.js");
const START_TIMEOUT_MS = 30_000;

/** `nightrun serve` in a process of its own. */
export interface Host {
  /** Signs a browser in. */
  readonly link: string;
  readonly port: number;
  readonly dataFile: string;
  /** Everything it said so far, for a person. */
  readonly said: string;
  /** Ends it at once, as a power cut would. */
  kill(): Promise<void>;
  /** Ends it as Ctrl-C does; resolves when it has ended. */
  stop(): Promise<void>;
}

export interface HostOptions {
  dataFile: string;
  /** What the folder picker calls home. */
  home: string;
  port?: number;
  readOnly?: boolean;
  env?: Readonly<Record<string, string>>;
}

function argumentsOf({ dataFile, port, readOnly }: HostOptions): string[] {
  const ports = port === undefined ? [] : ["--port", String(port)];
  return [CLI, "serve", "--data", dataFile, ...ports, ...(readOnly === true ? ["--read-only"] : [])];
}

/** Resolves with the first line; rejects with everything that was said when the program ends before. */
function firstLine(child: ChildProcess, said: () => string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const late = setTimeout(() => reject(new Error(`No link in time. ${said()}`)), START_TIMEOUT_MS);
    child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
      if (!text.includes("\n")) return;
      clearTimeout(late);
      resolve(text.slice(0, text.indexOf("\n")));
    });
    child.once("exit", (code) => reject(new Error(`serve ended with ${String(code)}. ${said()}`)));
  });
}

/** Starts it and waits for its link. */
export async function startHost(options: HostOptions): Promise<Host> {
  const { PATH = "" } = process.env;
  const env = { PATH, HOME: options.home, XDG_DATA_HOME: options.home, TZ: "UTC", ...options.env };
  const child = spawn(process.execPath, argumentsOf(options), { stdio: ["ignore", "pipe", "pipe"], env });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (said += chunk));
  const ended = once(child, "exit");
  const link = await firstLine(child, () => said);
  async function end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    child.kill(signal);
    await ended;
  }
  return {
    link,
    port: Number(new URL(link).port),
    dataFile: options.dataFile,
    get said() {
      return said;
    },
    kill: () => end("SIGKILL"),
    stop: () => end("SIGTERM"),
  };
}
