/** What a person sets up, and the part of it that decides a result. Words: README, "Words". */

/** One output that is asked for. Wire: `outputs[]` of `PUT /api/run` (API facts, section 3.1). */
export interface OutputRequest {
  taskName: string;
  /** 0 = the first task of that name in the workflow, 1 = the second, ... */
  taskIndex: number;
  /** Zero-based; null = all outputs of the task. */
  outputIndex: number | null;
}

/** One parameter that differs from the deployed default. Ikomia takes every value as a string. */
export interface ParameterSetting {
  taskName: string;
  taskIndex: number;
  name: string;
  value: string;
}

/** A standard input sent beside every image: one key, the type name, for example `{ "DATA_DICT": {...} }`. */
export type FixedInput = Readonly<Record<string, unknown>>;

/**
 * What decides a result, and nothing else. An immutable snapshot of it is a settings revision;
 * equal decisions (see `canonicalDecision`) are the same revision.
 */
export interface ResultDecision {
  /** The word `simulator`, or the deployment's URL in canonical form. */
  deployment: string;
  outputs: readonly OutputRequest[];
  parameters: readonly ParameterSetting[];
  inputs: readonly FixedInput[];
}

/** At most `count` submissions in any sliding window of `windowMs`. */
export interface RateLimit {
  count: number;
  windowMs: number;
}

/** What happens with an image whose submission has an unknown outcome. */
export type OnUncertain = "resubmit" | "hold";

/** Everything else a batch needs: changing these never runs a finished image again. */
export interface BatchLimits {
  /** Runs outstanding at once. @default 5; the official client refuses more than 10 */
  concurrency: number;
  /** @default null: no limit of its own */
  rate: RateLimit | null;
  /** Stop submitting after this many runs of the batch's lifetime. @default null */
  maxRuns: number | null;
  /** Give up waiting for one run after this time. @default null: adaptive, at least 10 minutes */
  runTimeoutMs: number | null;
  /** Longest outage that is waited out. @default 12 hours */
  giveUpAfterMs: number;
  onUncertain: OnUncertain;
}

export interface BatchIntake {
  /** Absolute path of the watched folder. */
  folder: string;
  recursive: boolean;
  /** Globs on the relative path; empty = everything. */
  include: readonly string[];
  exclude: readonly string[];
  /** One run for files with equal bytes. @default true */
  dedupe: boolean;
}

export interface BatchResults {
  /** Absolute path. @default `<folder>-results` beside the folder */
  resultsFolder: string;
  /** Keep the raw answer bytes beside the results. @default false */
  keepRaw: boolean;
}

export interface BatchSettings {
  name: string;
  decision: ResultDecision;
  intake: BatchIntake;
  results: BatchResults;
  limits: BatchLimits;
}

/** The word that stands for the built-in deployment, whatever its port. */
export const SIMULATOR = "simulator";

export const DEFAULT_LIMITS: BatchLimits = {
  concurrency: 5,
  rate: null,
  maxRuns: null,
  runTimeoutMs: null,
  giveUpAfterMs: 12 * 60 * 60 * 1000,
  onUncertain: "resubmit",
};

/** The official client's ceiling for runs outstanding at once; above it Nightrun warns (API facts, section 4.1). */
export const OFFICIAL_CONCURRENCY_LIMIT = 10;

function byKey([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** JSON with sorted keys: equal values give equal text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === "object" && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(byKey))
      : inner,
  );
}

/**
 * The text whose hash names a settings revision. The order of outputs and inputs counts (answers come in it);
 * the order of parameters does not.
 */
export function canonicalDecision(decision: ResultDecision): string {
  const parameters = decision.parameters
    .map((p) => canonicalJson([p.taskName, p.taskIndex, p.name, p.value]))
    .sort();
  return canonicalJson({
    deployment: decision.deployment,
    outputs: decision.outputs.map((o) => [o.taskName, o.taskIndex, o.outputIndex]),
    parameters,
    inputs: decision.inputs,
  });
}
