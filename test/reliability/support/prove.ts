import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Control, Runner, Size, Verdict } from "./runner.ts";
import { ORDERS_VARIABLE, type TakeOutOrders } from "./take-out.ts";

const RUNNERS = new URL("../runners/", import.meta.url);
const ONE = fileURLToPath(new URL("./one.ts", import.meta.url));
const TAKE_OUT = new URL("./take-out.ts", import.meta.url).href;

/** How a proof went. `failed` = it came to no verdict, with why. */
export type Outcome =
  ({ kind: "verdict"; seconds: number } & Verdict) | { kind: "failed"; seconds: number; why: string };

/** Names of all proofs, sorted. */
export function runnerNames(): string[] {
  return readdirSync(RUNNERS)
    .filter((file) => file.endsWith(".ts"))
    .map((file) => file.slice(0, -3))
    .sort();
}

/** Loads a proof without running it. */
export async function loadRunner(name: string): Promise<Runner> {
  return ((await import(new URL(`${name}.ts`, RUNNERS).href)) as { runner: Runner }).runner;
}

interface Finished {
  code: number | null;
  out: string;
  err: string;
  seconds: number;
}

async function runOne(name: string, size: Size, limitS: number, env: NodeJS.ProcessEnv): Promise<Finished> {
  const startedAt = performance.now();
  const args = [ONE, name, size.short ? "short" : "full", String(size.seed)];
  // A group of its own: when time is up, whatever the proof started ends with it.
  const child = spawn(process.execPath, args, { env, stdio: ["ignore", "pipe", "pipe"], detached: true });
  let out = "";
  let err = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (out += chunk));
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (err = (err + chunk).slice(-8_000)));
  const limit = setTimeout(() => {
    err += `\nThe time limit of ${String(limitS)} s was reached`;
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  }, limitS * 1_000);
  const [code] = (await once(child, "close")) as [number | null];
  clearTimeout(limit);
  return { code, out, err, seconds: (performance.now() - startedAt) / 1_000 };
}

function outcomeOf({ code, out, err, seconds }: Finished): Outcome {
  if (code !== 0 && code !== 1)
    return { kind: "failed", seconds, why: err.trim() || `exit code ${String(code)}` };
  const verdict = JSON.parse(out.trimEnd().split("\n").at(-1) ?? "") as Verdict;
  return { kind: "verdict", seconds, ...verdict };
}

/** Runs a proof in a process of its own. */
export async function prove(name: string, size: Size): Promise<Outcome> {
  const { limitS } = await loadRunner(name);
  return outcomeOf(await runOne(name, size, size.short ? limitS.short : limitS.full, process.env));
}

/** Runs a proof without one of its protections; fails when the protection was not there to be taken out. */
export async function proveWithout(name: string, control: Control, seed: number): Promise<Outcome> {
  const { limitS } = await loadRunner(name);
  const short = (control.size ?? "short") === "short";
  const folder = mkdtempSync(join(tmpdir(), "nightrun-control-"));
  const orders: TakeOutOrders = { patches: control.patches, seen: join(folder, "seen") };
  const ordersFile = join(folder, "orders.json");
  writeFileSync(ordersFile, JSON.stringify(orders));
  const options = [process.env.NODE_OPTIONS, `--import=${TAKE_OUT}`].filter(Boolean).join(" ");
  const env = { ...process.env, NODE_OPTIONS: options, [ORDERS_VARIABLE]: ordersFile };
  try {
    const outcome = outcomeOf(await runOne(name, { short, seed }, short ? limitS.short : limitS.full, env));
    const seen = existsSync(orders.seen) ? readFileSync(orders.seen, "utf8") : "";
    const unused = control.patches.filter(({ file, find }) => !seen.includes(JSON.stringify([file, find])));
    if (unused.length === 0) return outcome;
    const files = unused.map(({ file }) => file).join(", ");
    return { kind: "failed", seconds: outcome.seconds, why: `never loaded: ${files}` };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
