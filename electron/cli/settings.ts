import { readFile } from "node:fs/promises";
import { basename, dirname, join, parse, resolve } from "node:path";
import { DEFAULT_LIMITS, OFFICIAL_CONCURRENCY_LIMIT, type BatchSettings } from "../contract/batch.ts";
import type { Failure } from "../contract/failure.ts";
import { fail, succeed, type Result } from "../contract/result.ts";
import { batchFile, type BatchFile } from "../contract/schema/batch.ts";
import { fileProblem, parseDeployment } from "./open.ts";
import {
  parseAll,
  parseCount,
  parseDuration,
  parseInput,
  parseOutput,
  parseParameter,
  parseRate,
} from "./parse.ts";

/** The flags of `run` as they were typed. */
export interface RunFlags {
  deployment?: string;
  output?: string[];
  param?: string[];
  input?: string[];
  batch?: string;
  data?: string;
  results?: string;
  include?: string[];
  exclude?: string[];
  recursive: boolean;
  dedupe: boolean;
  keepRaw?: boolean;
  concurrency?: string;
  rate?: string;
  maxRuns?: string;
  runTimeout?: string;
  giveUpAfter?: string;
  onUncertain?: string;
  watch?: boolean;
  json?: boolean;
  name?: string;
}

const MOST_RUNS = 1_000_000_000;
const MOST_RUN_DAYS = 30;

async function readBatchFile(file: string): Promise<Result<BatchFile, Failure>> {
  try {
    const parsed = batchFile.safeParse(JSON.parse(await readFile(file, "utf8")));
    if (parsed.success) return succeed(parsed.data);
    const [issue] = parsed.error.issues;
    return fail({
      reason: "bad-file",
      file,
      problem: `${issue?.path.join(".") ?? ""}: ${issue?.message ?? "not a batch file"}.`,
    });
  } catch (error) {
    const problem = error instanceof SyntaxError ? "it is not JSON." : fileProblem(error);
    return fail({ reason: "bad-file", file, problem });
  }
}

const EMPTY_FILE: BatchFile = { nightrunBatch: 1 };

/** Settings from flags, the batch file and the environment, in this order of weight. */
export async function settingsOf(
  folder: string | undefined,
  flags: RunFlags,
  env: NodeJS.ProcessEnv,
): Promise<Result<BatchSettings, Failure>> {
  const file = flags.batch === undefined ? succeed(EMPTY_FILE) : await readBatchFile(flags.batch);
  if (!file.ok) return file;
  const chosen = folder ?? file.value.intake?.folder;
  if (chosen === undefined) {
    return fail({ reason: "usage", message: "No folder is given.", next: "Write nightrun run <folder>." });
  }
  const decision = decisionOf(flags, file.value, env);
  if (!decision.ok) return decision;
  const limits = limitsOf(flags, file.value);
  if (!limits.ok) return limits;
  const absolute = resolve(chosen);
  const results = resultsFolderOf(absolute, flags.results ?? file.value.results?.resultsFolder);
  if (!results.ok) return results;
  const { intake } = file.value;
  return succeed({
    name: flags.name ?? file.value.name ?? (basename(absolute) || absolute),
    decision: decision.value,
    intake: {
      folder: absolute,
      recursive: flags.recursive && (intake?.recursive ?? true),
      include: flags.include ?? intake?.include ?? [],
      exclude: flags.exclude ?? intake?.exclude ?? [],
      dedupe: flags.dedupe && (intake?.dedupe ?? true),
    },
    results: { resultsFolder: results.value, keepRaw: flags.keepRaw ?? file.value.results?.keepRaw ?? false },
    limits: limits.value,
  });
}

function resultsFolderOf(folder: string, wanted: string | undefined): Result<string, Failure> {
  if (wanted !== undefined) return succeed(resolve(wanted));
  if (parse(folder).root === folder) {
    return fail({
      reason: "usage",
      message: `${folder} is a drive's root, so there is no place beside it for the results.`,
      next: "Name a results folder with --results <dir>.",
    });
  }
  return succeed(join(dirname(folder), `${basename(folder)}-results`));
}

function decisionOf(
  flags: RunFlags,
  file: BatchFile,
  env: NodeJS.ProcessEnv,
): Result<BatchSettings["decision"], Failure> {
  const named = flags.deployment ?? file.decision?.deployment ?? env.NIGHTRUN_DEPLOYMENT;
  if (named === undefined || named === "") {
    return fail({
      reason: "usage",
      message: "No deployment is given.",
      next: "Add --deployment <url> (or set NIGHTRUN_DEPLOYMENT); the word simulator starts the built-in one.",
    });
  }
  const deployment = parseDeployment(named);
  if (!deployment.ok) return deployment;
  const outputs =
    flags.output === undefined ? succeed(file.decision?.outputs ?? []) : parseAll(flags.output, parseOutput);
  if (!outputs.ok) return outputs;
  const parameters =
    flags.param === undefined
      ? succeed(file.decision?.parameters ?? [])
      : parseAll(flags.param, parseParameter);
  if (!parameters.ok) return parameters;
  const inputs =
    flags.input === undefined ? succeed(file.decision?.inputs ?? []) : parseAll(flags.input, parseInput);
  if (!inputs.ok) return inputs;
  return succeed({
    deployment: deployment.value,
    outputs: outputs.value,
    parameters: parameters.value,
    inputs: inputs.value,
  });
}

function limitsOf(flags: RunFlags, file: BatchFile): Result<BatchSettings["limits"], Failure> {
  const limits = { ...DEFAULT_LIMITS, ...definedOf(file.limits ?? {}) };
  const take = <T>(
    text: string | undefined,
    parseText: (text: string) => Result<T, Failure>,
    set: (value: T) => void,
  ): Failure | null => {
    if (text === undefined) return null;
    const parsed = parseText(text);
    if (!parsed.ok) return parsed.failure;
    set(parsed.value);
    return null;
  };
  const failure =
    take(
      flags.concurrency,
      (t) => parseCount(t, "--concurrency", 1, 1000),
      (v) => (limits.concurrency = v),
    ) ??
    take(flags.rate, parseRate, (v) => (limits.rate = v)) ??
    take(
      flags.maxRuns,
      (t) => parseCount(t, "--max-runs", 0, MOST_RUNS),
      (v) => (limits.maxRuns = v),
    ) ??
    take(
      flags.runTimeout,
      (t) => parseDuration(t, "--run-timeout", MOST_RUN_DAYS),
      (v) => (limits.runTimeoutMs = v),
    ) ??
    take(
      flags.giveUpAfter,
      (t) => parseDuration(t, "--give-up-after"),
      (v) => (limits.giveUpAfterMs = v),
    ) ??
    take(flags.onUncertain, parseOnUncertain, (v) => (limits.onUncertain = v));
  return failure === null ? succeed(limits) : fail(failure);
}

function parseOnUncertain(text: string): Result<"resubmit" | "hold", Failure> {
  if (text === "resubmit" || text === "hold") return succeed(text);
  return fail({
    reason: "usage",
    message: `--on-uncertain ${text} is not known.`,
    next: "Use resubmit or hold.",
  });
}

function definedOf<T extends object>(object: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

/** Things that are allowed and still worth a word before the night. */
export function warningsOf(settings: BatchSettings): string[] {
  const { concurrency } = settings.limits;
  return concurrency > OFFICIAL_CONCURRENCY_LIMIT
    ? [
        `${concurrency} runs at once is more than the official client allows itself (${OFFICIAL_CONCURRENCY_LIMIT}); the deployment may refuse some.`,
      ]
    : [];
}
