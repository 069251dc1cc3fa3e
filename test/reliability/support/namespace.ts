import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Size, Verdict } from "./runner.ts";

const ONE = fileURLToPath(new URL("./one.ts", import.meta.url));
const INSIDE_VARIABLE = "NIGHTRUN_TEST_INSIDE_MOUNTS";

/** Why nothing can be mounted here for a proof alone; null = it can. */
export function cannotMount(): string | null {
  if (process.platform !== "linux") return "it needs Linux's mount namespaces";
  const tried = spawnSync("unshare", ["-m", "sh", "-c", "mount -t tmpfs -o size=1m none /mnt"], {
    encoding: "utf8",
  });
  if (tried.error !== undefined) return "the command unshare is not there";
  return tried.status === 0 ? null : `mounting a small disk is refused: ${tried.stderr.trim()}`;
}

/** Whether this process has mounts of its own. */
export function isInsideMounts(): boolean {
  return process.env[INSIDE_VARIABLE] === "1";
}

/** Runs a proof once more in a process with mounts of its own, which end with it; gives its verdict. */
export async function proveInsideMounts(name: string, size: Size): Promise<Verdict> {
  const args = ["-m", process.execPath, ONE, name, size.short ? "short" : "full", String(size.seed)];
  const child = spawn("unshare", args, {
    env: { ...process.env, [INSIDE_VARIABLE]: "1" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let out = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (out += chunk));
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0 && code !== 1) throw new Error(`The proof inside its mounts ended with ${String(code)}`);
  return JSON.parse(out.trimEnd().split("\n").at(-1) ?? "") as Verdict;
}
