import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Size, Verdict } from "./runner.ts";

const ONE = fileURLToPath(new URL("./one.ts", import.meta.url));
const INSIDE_VARIABLE = "NIGHTRUN_TEST_INSIDE";

/** What a proof can have for itself alone, with the flag of `unshare`. */
const FLAGS = { mounts: "-m", network: "-n" } as const;
export type Namespace = keyof typeof FLAGS;

/** Why nothing can be mounted here for a proof alone; null = it can. */
export function cannotMount(): string | null {
  if (process.platform !== "linux") return "it needs Linux's mount namespaces";
  const tried = spawnSync("unshare", ["-m", "sh", "-c", "mount -t tmpfs -o size=1m none /mnt"], {
    encoding: "utf8",
  });
  if (tried.error !== undefined) return "the command unshare is not there";
  return tried.status === 0 ? null : `mounting a small disk is refused: ${tried.stderr.trim()}`;
}

/** Whether this process has mounts, or a network, of its own. */
export function isInside(namespace: Namespace): boolean {
  return process.env[INSIDE_VARIABLE] === namespace;
}

/** Runs a proof once more in a process with mounts, or a network, of its own, which end with it; gives its verdict. */
export async function proveInside(namespace: Namespace, name: string, size: Size): Promise<Verdict> {
  const proof = [process.execPath, ONE, name, size.short ? "short" : "full", String(size.seed)];
  const child = spawn("unshare", [FLAGS[namespace], ...proof], {
    env: { ...process.env, [INSIDE_VARIABLE]: namespace },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let out = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (out += chunk));
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0 && code !== 1)
    throw new Error(`The proof inside its ${namespace} ended with ${String(code)}`);
  return JSON.parse(out.trimEnd().split("\n").at(-1) ?? "") as Verdict;
}
