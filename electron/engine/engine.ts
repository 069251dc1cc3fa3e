import { dirname, resolve } from "node:path";
import type { BatchSettings } from "../contract/batch.ts";
import type { Failure, SetupFailure } from "../contract/failure.ts";
import { fail, succeed, type Result } from "../contract/result.ts";
import type { Workflow } from "../contract/workflow.ts";
import { createBatchRunner, type BatchRunner } from "./batch-runner.ts";
import { ballastFile, createBallast, type Ballast } from "./ballast.ts";
import { backUpDaily, backupFolder } from "./backup.ts";
import { beginSession } from "./begin-session.ts";
import { bootId } from "./boot-id.ts";
import { checkDataFile } from "./check-data-file.ts";
import type { Clock } from "./clock.ts";
import { createDeployments, type Deployments, type Resolve } from "./deployments.ts";
import type { Deployment } from "./deployment/client.ts";
import { createHands } from "./hands.ts";
import { openLog, type NightLog } from "./log.ts";
import { INTAKE_TIMING, type IntakeTiming } from "./intake/intake.ts";
import { errorCode } from "./results/durable-file.ts";
import { openSpool, type Spool } from "./results/spool.ts";
import { removeBatch } from "./remove-batch.ts";
import { checkPlaces, prepare, type Prepared } from "./setup.ts";
import type { StoredBatch } from "./store/batches.ts";
import { openDataFile, tellWhatWasLost } from "./open-data-file.ts";
import type { Store } from "./store/store.ts";
import { makeFolder } from "./make-folder.ts";
import { keepYoungGenerationSmall } from "./young-generation.ts";

export interface EngineOptions {
  /** Absolute path of the data file; its folder is made. */
  dataFile: string;
  clock: Clock;
  /** [0, 1) */
  random: () => number;
  /** For proxies and certificates. */
  env: NodeJS.ProcessEnv;
  version: string;
  resolve: Resolve;
  /** @default INTAKE_TIMING */
  timing?: Partial<IntakeTiming>;
  /** null = the usual. */
  minimumFreeBytes?: () => number | null;
  /** Tokens that the host keeps, so that no log ever holds one. @default none */
  secrets?: () => readonly string[];
  /** @default never */
  isBatteryLow?: () => boolean;
  onImage?: (batchId: number, imageId: number) => void;
  onChange?: (batchId: number) => void;
  onProblem?: (failure: Failure) => void;
}

/** The whole product without a face: one data file, its batches, their runs. Made here, and only here. */
export interface Engine {
  readonly store: Store;
  readonly dataFile: string;
  readonly deployments: Deployments;
  /** Checks places and names; the deployment is asked. All problems at once. */
  prepare(settings: BatchSettings): Promise<Result<Prepared, Failure[]>>;
  /** Makes a batch, or changes the one with that id. */
  saveBatch(batchId: number | null, prepared: Prepared): Promise<StoredBatch>;
  /** Starts (or gives) the runner of a batch. */
  start(batchId: number, options: { watch: boolean }): Promise<Result<BatchRunner>>;
  runner(batchId: number): BatchRunner | null;
  /** Stops one batch's runner, if it runs. */
  stop(batchId: number, deadlineMs: number): Promise<void>;
  /** Stops a batch and forgets it and its run log; the results folder stays. */
  remove(batchId: number): Promise<void>;
  /** Submits nothing more, collects up to the deadline, closes everything. */
  close(deadlineMs: number): Promise<void>;
}

/** Nightrun's own files beside the data file. */
export function ownPlaces(dataFile: string): {
  spool: string;
  control: string;
  logs: string;
  folders: string[];
  files: string[];
} {
  const spool = `${dataFile}.spool`;
  const control = `${dataFile}.control`;
  const files = ["", "-wal", "-shm", "-journal", ".lock", ".lock-journal", ".simulator", ".damage"].map(
    (end) => dataFile + end,
  );
  files.push(ballastFile(dataFile), `${ballastFile(dataFile)}.part`);
  const logs = `${dataFile}.logs`;
  return { spool, control, logs, folders: [spool, logs, backupFolder(dataFile)], files: [...files, control] };
}

/** Events reach the log within this time. */
const LOG_EVERY_MS = 1000;
/** Whether there is room again for the ballast. */
const BALLAST_EVERY_MS = 60 * 1000;
const BALLAST_AFTER_MS = 10 * 1000;
/** Whether a day has passed since the last backup. */
const BACKUP_LOOK_EVERY_MS = 10 * 60 * 1000;

/** Opens the data file for writing (refused while another process does), recovers, and is ready to start batches. */
export async function openEngine(options: EngineOptions): Promise<Result<Engine, SetupFailure>> {
  keepYoungGenerationSmall();
  const dataFile = resolve(options.dataFile);
  const { clock } = options;
  try {
    await makeFolder(dirname(dataFile), 0o700);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    return fail({ reason: "data-file-unwritable", file: dataFile, code });
  }
  const ballast = createBallast(dataFile, options.minimumFreeBytes ?? (() => null));
  const { onProblem } = options;
  const opened = await openDataFile({ dataFile, clock, ballast, onProblem });
  if (!opened.ok) return opened;
  const { store } = opened.value;
  const places = ownPlaces(dataFile);
  const spooled = await openSpoolFolder(places.spool);
  if (!spooled.ok) {
    await store.close();
    return spooled;
  }
  const spool = spooled.value;
  const secrets = (): string[] => [options.env.IKOMIA_TOKEN ?? "", ...(options.secrets?.() ?? [])];
  const log = await openLog({ folder: places.logs, store, clock, secrets });
  const boot = bootId();
  const begun = await beginSession({ store, spool, clock, boot, dataFile });
  if (!begun.ok) {
    await log.close();
    await store.close();
    return begun;
  }
  const { sessionId, isStorm } = begun.value;
  await tellWhatWasLost(opened.value, dataFile, clock);
  // That a session was begun is known even where the write-ahead file vanishes.
  await store.checkpoint();
  const deployments = createDeployments({
    resolve: options.resolve,
    env: options.env,
    clock,
    userAgent: `nightrun/${options.version}`,
  });
  return succeed(
    createEngine(options, { store, ballast, spool, log, deployments, sessionId, isStorm, boot, dataFile }),
  );
}

/** The folder of raw answers is as needed as the data file: without it no result could be taken in. */
async function openSpoolFolder(folder: string): Promise<Result<Spool, SetupFailure>> {
  try {
    return succeed(await openSpool(folder));
  } catch (error) {
    const code = errorCode(error);
    if (code === null) throw error;
    return fail({ reason: "data-file-unwritable", file: folder, code });
  }
}

interface Parts {
  store: Store;
  ballast: Ballast;
  spool: Spool;
  log: NightLog;
  deployments: Deployments;
  sessionId: number;
  /** Earlier sessions ended again and again without a word. */
  isStorm: boolean;
  boot: string;
  dataFile: string;
}

function createEngine(options: EngineOptions, parts: Parts): Engine {
  const { store, spool, log, deployments, sessionId, dataFile } = parts;
  const { clock } = options;
  const places = ownPlaces(dataFile);
  const hands = createHands(store, sessionId, clock);
  const check = checkDataFile({
    dataFile,
    clock,
    onDamage: (detail) => options.onProblem?.({ reason: "data-file-damaged", file: dataFile, detail }),
  });
  /** A damaged file must not push the good backups out. */
  async function backUp(): Promise<void> {
    if (check.isSound) await backUpDaily(store, dataFile, clock).catch(() => undefined);
  }
  const backingUp = setInterval(() => void backUp(), BACKUP_LOOK_EVERY_MS).unref();
  const closing = new AbortController();
  async function keepBallast(): Promise<void> {
    // Not before the first submissions, which want the disk too.
    await clock.sleep(BALLAST_AFTER_MS, closing.signal);
    while (!closing.signal.aborted) {
      await parts.ballast.keep();
      await clock.sleep(BALLAST_EVERY_MS, closing.signal);
    }
  }
  const keepingBallast = keepBallast();
  const following = setInterval(() => void log.follow().catch(() => undefined), LOG_EVERY_MS).unref();
  const runners = new Map<number, BatchRunner>();
  const starting = new Map<number, Promise<Result<BatchRunner>>>();

  async function lastWorkflow(address: string): Promise<{ workflow: Workflow; hash: string } | null> {
    const known = await store.call("lastWorkflow", address);
    return known === null ? null : { workflow: JSON.parse(known.json) as Workflow, hash: known.hash };
  }

  /** Runs of an earlier revision may wait at another deployment: it is asked for them where that is possible. */
  async function connectForOpenRuns(batch: StoredBatch): Promise<void> {
    for (const run of await store.call("openRuns", batch.id)) {
      const decision = await store.call("revisionDecision", run.image.revisionId);
      if (deployments.get(decision.deployment) === null) await deployments.connect(decision.deployment);
    }
  }

  async function startRunner(batchId: number, watch: boolean): Promise<Result<BatchRunner>> {
    const batch = await store.call("getBatch", batchId);
    if (batch === null) return fail({ reason: "unknown-batch", wanted: String(batchId) });
    const connected = await deployments.connect(batch.settings.decision.deployment);
    if (!connected.ok) return connected;
    await connectForOpenRuns(batch);
    await store.call("setBatchFlags", { batchId, started: true });
    const runner = createBatchRunner({
      batch,
      sessionId,
      hands,
      isCareful: parts.isStorm,
      bootId: parts.boot,
      store,
      spool,
      clock,
      random: options.random,
      watch,
      deploymentOf: (address): Deployment | null => deployments.get(address),
      workflow: await lastWorkflow(batch.settings.decision.deployment),
      own: { folders: places.folders, files: places.files },
      timing: { ...INTAKE_TIMING, ...options.timing },
      minimumFreeBytes: options.minimumFreeBytes ?? (() => null),
      isBatteryLow: options.isBatteryLow ?? (() => false),
      onImage: (id, imageId) => options.onImage?.(id, imageId),
      onChange: (id) => options.onChange?.(id),
      onProblem: (failure) => {
        log.problem(failure);
        options.onProblem?.(failure);
      },
    });
    await runner.start();
    runners.set(batchId, runner);
    return succeed(runner);
  }

  return {
    store,
    dataFile,
    deployments,
    async prepare(settings) {
      const places = await checkPlaces(settings, clock);
      if (places.length > 0) return fail(places);
      const connected = await deployments.connect(settings.decision.deployment);
      if (!connected.ok) return fail([connected.failure]);
      return prepare(settings, connected.value);
    },
    async saveBatch(batchId, { settings, workflow }) {
      const at = clock.now();
      const saved = await store.call("saveBatch", { batchId, settings, at });
      if (workflow !== null) {
        const address = settings.decision.deployment;
        const json = JSON.stringify(workflow.workflow);
        const { before } = await store.call("saveWorkflow", { address, hash: workflow.hash, json, at });
        if (before !== null && before !== workflow.hash) {
          const detail = { before: before.slice(0, 8), now: workflow.hash.slice(0, 8) };
          await store.call("addEvent", {
            at,
            event: { batchId: saved.batch.id, kind: "workflow-changed", detail },
          });
        }
      }
      const running = runners.get(saved.batch.id);
      if (running !== undefined) {
        await deployments.connect(settings.decision.deployment);
        await running.update(saved.batch, workflow ?? (await lastWorkflow(settings.decision.deployment)));
      }
      return saved.batch;
    },
    async start(batchId, { watch }) {
      const running = runners.get(batchId);
      if (running !== undefined) return succeed(running);
      // Two windows may ask at once: a batch has one runner.
      let pending = starting.get(batchId);
      if (pending === undefined) {
        pending = startRunner(batchId, watch).finally(() => starting.delete(batchId));
        starting.set(batchId, pending);
      }
      return pending;
    },
    runner: (batchId) => runners.get(batchId) ?? null,
    async stop(batchId, deadlineMs) {
      await runners.get(batchId)?.stop(deadlineMs);
      runners.delete(batchId);
    },
    async remove(batchId) {
      const runner = runners.get(batchId);
      runners.delete(batchId);
      await removeBatch({ store, spool, clock }, batchId, runner ?? null);
    },
    async close(deadlineMs) {
      await Promise.all(starting.values());
      await Promise.all([...runners.values()].map((runner) => runner.stop(deadlineMs)));
      runners.clear();
      await deployments.close();
      await store.call("endSession", { sessionId, at: clock.now() });
      clearInterval(following);
      clearInterval(backingUp);
      closing.abort();
      await keepingBallast;
      await log.follow();
      await log.close();
      await check.stop();
      await backUp();
      await store.close();
    },
  };
}
