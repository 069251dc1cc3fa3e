import envPaths from "env-paths";
import { join, resolve } from "node:path";
import { describeFailure } from "../contract/describe-failure.ts";
import type { Failure } from "../contract/failure.ts";
import { fail, succeed, type Result } from "../contract/result.ts";
import { SIMULATOR } from "../contract/batch.ts";
import { systemClock } from "../engine/clock.ts";
import { parseDeploymentUrl } from "../engine/deployment/url.ts";
import type { Address, Resolve } from "../engine/deployments.ts";
import { openStore, type Store } from "../engine/store/store.ts";
import type { StoredBatch } from "../engine/store/batches.ts";
import { startSimulatorProcess, type SimulatorProcess } from "./simulator-process.ts";

export const DEFAULT_TOKEN_SERVICE = "https://scale.ikomia.ai";

/** The per-user data file, or the one that was named. */
export function dataFileOf(named: string | undefined): string {
  return named === undefined
    ? join(envPaths("nightrun", { suffix: "" }).data, "nightrun.db")
    : resolve(named);
}

/** Why a file that was named cannot be read, as `bad-file` wants it. */
export function fileProblem(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
  if (code === "ENOENT" || code === "ENOTDIR") return "there is no such file.";
  return code === "EISDIR" ? "it is a folder." : `it cannot be read (${code}).`;
}

/** A deployment's URL in canonical form, or the word `simulator`. */
export function parseDeployment(text: string): Result<string, Failure> {
  return text === SIMULATOR ? succeed(SIMULATOR) : parseDeploymentUrl(text);
}

/** The token service that IKOMIA_URL names, else Ikomia's own. */
function tokenService(env: NodeJS.ProcessEnv): Result<string, Failure> {
  const named = env.IKOMIA_URL ?? "";
  const parsed = parseDeploymentUrl(named === "" ? DEFAULT_TOKEN_SERVICE : named);
  if (parsed.ok) return parsed;
  const { what } = describeFailure(parsed.failure);
  return fail({
    reason: "usage",
    message: `IKOMIA_URL: ${what}`,
    next: "Correct the environment variable, or leave it out.",
  });
}

/** Finds deployments for the command line: the environment has the token, the simulator is started when it is wanted. */
export interface Finder {
  resolve: Resolve;
  stop(): Promise<void>;
}

export interface FinderOptions {
  env: NodeJS.ProcessEnv;
  /** Where a simulator keeps its runs between two starts; null = nowhere. */
  simulatorState: string | null;
  simulatorArgs: readonly string[];
}

export function createFinder(options: FinderOptions): Finder {
  let simulator: SimulatorProcess | null = null;
  const { env } = options;

  async function findSimulator(): Promise<Result<Address>> {
    if (simulator === null) {
      const state = options.simulatorState === null ? [] : ["--state", options.simulatorState];
      const started = await startSimulatorProcess([...state, ...options.simulatorArgs]);
      if (!started.ok) return started;
      simulator = started.value;
    }
    const { url, tokenService, token } = simulator;
    return succeed({ url, tokenService, apiToken: () => token });
  }

  return {
    async resolve(address) {
      if (address === SIMULATOR) return findSimulator();
      const parsed = parseDeploymentUrl(address);
      if (!parsed.ok) return parsed;
      const service = tokenService(env);
      if (!service.ok) return service;
      return succeed({
        url: parsed.value,
        tokenService: service.value,
        apiToken: () => env.IKOMIA_TOKEN ?? null,
      });
    },
    stop: async () => simulator?.stop(),
  };
}

/** Opens the data file for looking only; it need not be free. */
export async function openReading(dataFile: string): Promise<Result<Store, Failure>> {
  return openStore({ file: dataFile, mode: "read", clock: systemClock });
}

/** The batches that a command is about: all, or those of a folder or name. */
export async function chooseBatches(
  store: Store,
  wanted: string | undefined,
): Promise<Result<StoredBatch[], Failure>> {
  const batches = await store.call("listBatches", null);
  if (wanted === undefined) return succeed(batches);
  const folder = resolve(wanted);
  const chosen = batches.filter(
    (batch) => batch.folder === folder || batch.name === wanted || String(batch.id) === wanted,
  );
  return chosen.length === 0 ? fail({ reason: "unknown-batch", wanted }) : succeed(chosen);
}
