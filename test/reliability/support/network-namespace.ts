import { spawnSync } from "node:child_process";
import { isInside } from "./namespace.ts";

/** Why this process cannot have a network of its own; null = it can. */
export function cannotHaveNetwork(): string | null {
  if (process.platform !== "linux") return "it needs Linux's network namespaces";
  const tried = spawnSync("unshare", ["-n", "ip", "link", "set", "lo", "up"], { encoding: "utf8" });
  if (tried.error !== undefined) return "the command unshare is not there";
  return tried.status === 0 ? null : `a network of its own is refused: ${tried.stderr.trim()}`;
}

/** Takes the only network of this process away, as a pulled cable does, or gives it back. */
export function setNetwork(state: "up" | "down"): void {
  if (!isInside("network")) throw new Error("Only a network of its own may be changed by a proof");
  const ip = (...args: string[]): void => {
    const changed = spawnSync("ip", args, { encoding: "utf8" });
    if (changed.status !== 0) throw new Error(`The network cannot be set ${state}: ${changed.stderr}`);
  };
  ip("link", "set", "lo", state);
  // With its address there is still a way, which swallows everything.
  if (state === "down") ip("addr", "flush", "dev", "lo");
}
