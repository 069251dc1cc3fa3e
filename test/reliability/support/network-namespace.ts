import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Size, Verdict } from "./runner.ts";

const ONE = fileURLToPath(new URL("./one.ts", import.meta.url));
const INSIDE_VARIABLE = "NIGHTRUN_TEST_INSIDE_NETWORK";

/** Why this process cannot have a network of its own; null = it can. */
export function cannotHaveNetwork(): string | null {
  if (process.platform !== "linux") return "it needs Linux's network namespaces";
  const tried = spawnSync("unshare", ["-n", "ip", "link", "set", "lo", "up"], { encoding: "utf8" });
  if (tried.error !== undefined) return "the command unshare is not there";
  return tried.status === 0 ? null : `a network of its own is refused: ${tried.stderr.trim()}`;
}

/** Whether this process has a network of its own. */
export function isInsideNetwork(): boolean {
  return process.env[INSIDE_VARIABLE] === "1";
}

/** Takes the only network of this process away, as a pulled cable does, or gives it back. */
export function setNetwork(state: "up" | "down"): void {
  if (!isInsideNetwork()) throw new Error("Only a network of its own may be changed by a proof");
  const ip = (...args: string[]): void => {
    const changed = spawnSync("ip", args, { encoding: "utf8" });
    if (changed.status !== 0) throw new Error(`The network cannot be set ${state}: ${changed.stderr}`);
  };
  ip("link", "set", "lo", state);
  // With its address there is still a way, which swallows everything.
  if (state === "down") ip("addr", "flush", "dev", "lo");
}

/** Runs a proof once more in a process with a network of its own, which ends with it; gives its verdict. */
export async function proveInsideNetwork(name: string, size: Size): Promise<Verdict> {
  const args = ["-n", process.execPath, ONE, name, size.short ? "short" : "full", String(size.seed)];
  const child = spawn("unshare", args, {
    env: { ...process.env, [INSIDE_VARIABLE]: "1" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let out = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (out += chunk));
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0 && code !== 1) throw new Error(`The proof inside its network ended with ${String(code)}`);
  return JSON.parse(out.trimEnd().split("\n").at(-1) ?? "") as Verdict;
}
