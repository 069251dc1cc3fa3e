import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  DEFAULT_LIMITS,
  SIMULATOR,
  type BatchLimits,
  type BatchSettings,
} from "../../electron/contract/batch.ts";
import type { Failure } from "../../electron/contract/failure.ts";
import type { GateKind } from "../../electron/contract/gate.ts";
import { IMAGE_STATES, isBalanced, type Ledger } from "../../electron/contract/image.ts";
import { succeed } from "../../electron/contract/result.ts";
import type { BatchRunner } from "../../electron/engine/batch-runner.ts";
import type { RunEnding } from "../../electron/engine/ending.ts";
import type { Clock } from "../../electron/engine/clock.ts";
import { openEngine, type Engine } from "../../electron/engine/engine.ts";
import type { IntakeTiming } from "../../electron/engine/intake/intake.ts";
import type { StoredImage, StoredRun } from "../../electron/engine/store/rows.ts";
import { startSimulator, type Simulator } from "../../electron/simulator/server.ts";
import type { SimulatorOptions } from "../../electron/simulator/settings.ts";
import { createFastClock } from "./fast-clock.ts";

/** Short waits for tests, in milliseconds of real time. */
export const TEST_TIMING: IntakeTiming = { quietMs: 30, giveUpMs: 300, walkEveryMs: 300, healthEveryMs: 100 };

export interface RigOptions {
  /** How many times as fast the engine's clock runs. @default 20 */
  speed?: number;
  simulator?: SimulatorOptions;
  limits?: Partial<BatchLimits>;
  intake?: Partial<BatchSettings["intake"]>;
  keepRaw?: boolean;
  /** Real milliseconds. @default TEST_TIMING */
  timing?: Partial<IntakeTiming>;
  minimumFreeBytes?: () => number | null;
  isBatteryLow?: () => boolean;
  /** @default a token that the simulator accepts */
  apiToken?: () => string | null;
}

/** A folder, a simulator and an engine that are real in everything but their waits. */
export interface Rig extends AsyncDisposable {
  readonly folder: string;
  readonly resultsFolder: string;
  readonly dataFile: string;
  readonly clock: Clock;
  readonly originAt: number;
  readonly simulator: Simulator;
  /** The present engine; opened by `open`, `start` or `runToEnd`. */
  readonly engine: Engine;
  readonly runner: BatchRunner;
  /** Unexpected problems that the engine told of; a test that expects some empties the list. */
  readonly problems: Failure[];
  settings: BatchSettings;
  open(): Promise<Engine>;
  /** Prepares, saves and starts the batch. */
  start(options?: { watch?: boolean }): Promise<BatchRunner>;
  /** Runs everything to its end, collects what is paid for and closes the engine. */
  runToEnd(): Promise<{ ending: RunEnding; ledger: Ledger }>;
  /** Waits for the started batch to end, as `runToEnd` does. */
  finish(): Promise<{ ending: RunEnding; ledger: Ledger }>;
  /** Closes the engine as a good shutdown does; what is in flight stays in flight. */
  close(): Promise<void>;
  /** Resolves as soon as the ledger is as wanted; looks at every change that the engine tells of. */
  untilLedger(holds: (ledger: Ledger) => boolean): Promise<Ledger>;
  until(holds: () => boolean | Promise<boolean>): Promise<void>;
  untilGate(kind: GateKind, closed?: boolean): Promise<void>;
  images(): Promise<StoredImage[]>;
  image(path: string): Promise<StoredImage>;
  runs(): Promise<(StoredRun & { path: string })[]>;
  /** Submissions that the simulator saw since the last reset of its counters. */
  readonly puts: number;
  /** Which bytes the result file of a path tells of. */
  resultSha(path: string): Promise<string>;
  /** Relative paths of all files in the results folder, sorted. */
  resultFiles(): Promise<string[]>;
}

interface ResultFile {
  outputs: { DATA_DICT?: { sha256?: string } }[];
}

/** Scales waits so that they take `TEST_TIMING` of real time. */
export function timingFor(speed: number, change: Partial<IntakeTiming> = {}): IntakeTiming {
  const scaled = Object.entries({ ...TEST_TIMING, ...change }).map(([name, ms]: [string, number]) => [
    name,
    ms * speed,
  ]);
  return Object.fromEntries(scaled) as IntakeTiming;
}

/** Settings of a batch that asks the simulator only for the SHA-256 of what it received. */
export function cheapSettings(
  folder: string,
  resultsFolder: string,
  options: RigOptions = {},
): BatchSettings {
  return {
    name: "test",
    decision: {
      deployment: SIMULATOR,
      outputs: [{ taskName: "image_facts", taskIndex: 0, outputIndex: 0 }],
      parameters: [{ taskName: "image_facts", taskIndex: 0, name: "decode", value: "False" }],
      inputs: [],
    },
    intake: { folder, recursive: true, include: [], exclude: [], dedupe: true, ...options.intake },
    results: { resultsFolder, keepRaw: options.keepRaw ?? false },
    limits: { ...DEFAULT_LIMITS, ...options.limits },
  };
}

/** Makes a rig that somebody has to dispose of. Tests take `createRig`, which makes sure of that. */
export async function openRig(options: RigOptions = {}): Promise<Rig> {
  const base = await mkdtemp(join(tmpdir(), "nightrun-rig-"));
  const folder = join(base, "pictures");
  const resultsFolder = join(base, "results");
  const dataFile = join(base, "data", "nightrun.db");
  await mkdir(folder);
  const simulator = await startSimulator({
    latency: { minMs: 0, maxMs: 2 },
    workers: 64,
    longPollMs: 200,
    ...options.simulator,
  });
  const speed = options.speed ?? 20;
  const originAt = Date.now();
  const clock = createFastClock(speed, originAt);
  const problems: Failure[] = [];
  const waiters = new Set<() => void>();
  const wake = (): void => {
    for (const waiter of [...waiters]) waiter();
  };
  let engine: Engine | null = null;
  let runner: BatchRunner | null = null;
  let batchId: number | null = null;

  function present<T>(value: T | null): T {
    if (value === null) throw new Error("The rig's engine is not open");
    return value;
  }

  const rig: Rig = {
    folder,
    resultsFolder,
    dataFile,
    clock,
    originAt,
    simulator,
    problems,
    settings: cheapSettings(folder, resultsFolder, options),
    get engine() {
      return present(engine);
    },
    get runner() {
      return present(runner);
    },
    get puts() {
      return simulator.control.stats().requests.put;
    },
    async open() {
      if (engine !== null) return engine;
      const opened = await openEngine({
        dataFile,
        clock,
        random: Math.random,
        env: {},
        version: "test",
        resolve: () =>
          Promise.resolve(
            succeed({
              url: simulator.url,
              tokenService: simulator.tokenService,
              apiToken: options.apiToken ?? ((): string => simulator.token),
            }),
          ),
        timing: timingFor(speed, options.timing),
        minimumFreeBytes: options.minimumFreeBytes ?? ((): number => 0),
        isBatteryLow: options.isBatteryLow ?? ((): boolean => false),
        onImage: wake,
        onChange: wake,
        onProblem: (failure) => {
          problems.push(failure);
          wake();
        },
      });
      if (!opened.ok) throw new Error(`The data file could not be opened: ${JSON.stringify(opened.failure)}`);
      engine = opened.value;
      const [known] = await engine.store.call("listBatches", null);
      batchId = known?.id ?? null;
      return engine;
    },
    async start({ watch = false } = {}) {
      const on = await rig.open();
      const prepared = await on.prepare(rig.settings);
      if (!prepared.ok)
        throw new Error(`The batch could not be prepared: ${JSON.stringify(prepared.failure)}`);
      batchId = (await on.saveBatch(batchId, prepared.value)).id;
      const started = await on.start(batchId, { watch });
      if (!started.ok) throw new Error(`The batch could not be started: ${JSON.stringify(started.failure)}`);
      runner = started.value;
      return runner;
    },
    async finish() {
      const ending = await rig.runner.untilEnded(new AbortController().signal);
      await rig.runner.stop(ending.kind === "stopped" ? 0 : 10_000);
      const { ledger } = await rig.runner.ledger();
      await rig.close();
      return { ending, ledger };
    },
    async runToEnd() {
      await rig.start();
      return rig.finish();
    },
    async close() {
      const closing = engine;
      engine = null;
      runner = null;
      await closing?.close(0);
    },
    async untilLedger(holds) {
      let ledger: Ledger | null = null;
      await rig.until(async () => {
        ledger = (await rig.runner.ledger()).ledger;
        if (!isBalanced(ledger)) throw new Error(`The ledger does not balance: ${JSON.stringify(ledger)}`);
        return holds(ledger);
      });
      return present<Ledger>(ledger);
    },
    until: async (holds) => {
      for (;;) {
        const changed = new Promise<void>((resolve) => {
          const waiter = (): void => {
            waiters.delete(waiter);
            resolve();
          };
          waiters.add(waiter);
        });
        if (await holds()) return;
        await changed;
      }
    },
    untilGate: (kind, closed = true) =>
      rig.until(() => rig.runner.gates().some((gate) => gate.kind === kind) === closed),
    async images() {
      const { store } = await rig.open();
      const all: StoredImage[] = [];
      for (const batch of await store.call("listBatches", null)) {
        let after: { value: string; id: number } | null = null;
        for (;;) {
          const scope = {
            batchId: batch.id,
            states: [...IMAGE_STATES],
            reason: null,
            search: "",
            label: null,
            imageIds: null,
          };
          const page: StoredImage[] = await store.call("pageImages", {
            scope,
            sort: "path",
            descending: false,
            after,
            limit: 1000,
          });
          all.push(...page);
          const last = page.at(-1);
          if (last === undefined || page.length < 1000) break;
          after = { value: last.path, id: last.id };
        }
      }
      return all;
    },
    async image(path) {
      const found = (await rig.images()).find((image) => image.path === path);
      if (found === undefined) throw new Error(`There is no image ${path}`);
      return found;
    },
    async runs() {
      const { store } = await rig.open();
      return batchId === null ? [] : store.call("pageRuns", { batchId, afterId: 0, limit: 100_000 });
    },
    async resultSha(path) {
      const json = JSON.parse(await readFile(join(resultsFolder, `${path}.json`), "utf8")) as ResultFile;
      return json.outputs[0]?.DATA_DICT?.sha256 ?? "";
    },
    async resultFiles() {
      const entries = await readdir(resultsFolder, { recursive: true, withFileTypes: true });
      return entries
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(resultsFolder.length + 1))
        .sort();
    },
    async [Symbol.asyncDispose]() {
      await rig.close();
      await simulator.close();
      await rm(base, { recursive: true, force: true });
    },
  };
  return rig;
}
