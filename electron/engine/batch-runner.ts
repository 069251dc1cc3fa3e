import type { BatchSettings } from "../contract/batch.ts";
import type { DeploymentFailure, Failure } from "../contract/failure.ts";
import { gateSentence } from "../contract/gate-sentence.ts";
import type { Gate } from "../contract/gate.ts";
import type { Ledger } from "../contract/image.ts";
import { fail } from "../contract/result.ts";
import type { Workflow } from "../contract/workflow.ts";
import { findTask } from "../contract/workflow.ts";
import { createClockWatch } from "./clock-watch.ts";
import type { Clock } from "./clock.ts";
import type { Deployment } from "./deployment/client.ts";
import { createDiskGuard } from "./disk.ts";
import type { Dispatch } from "./dispatch/context.ts";
import { createGates, type Gates } from "./dispatch/gates.ts";
import { createPump, type Pump } from "./dispatch/pump.ts";
import { createRate, type Rate } from "./dispatch/rate.ts";
import { createRunTimes, uncertainWaitMs, type RunTimes } from "./dispatch/run-times.ts";
import { createTrouble, type Trouble } from "./dispatch/trouble.ts";
import { createWindow } from "./dispatch/window.ts";
import { endingOf, type RunEnding } from "./ending.ts";
import type { Hands } from "./hands.ts";
import { createIntake, type Intake, type IntakeTiming } from "./intake/intake.ts";
import type { Spool } from "./results/spool.ts";
import type { StoredBatch } from "./store/batches.ts";
import type { Store } from "./store/store.ts";

/** What one batch needs to run; everything is given, nothing is looked up. */
export interface BatchRunnerOptions {
  batch: StoredBatch;
  sessionId: number;
  hands: Hands;
  /** Starts with one run at a time, and goes on as that goes well. */
  isCareful: boolean;
  bootId: string;
  store: Store;
  spool: Spool;
  clock: Clock;
  random: () => number;
  /** Keep going when everything found is done. */
  watch: boolean;
  deploymentOf: (address: string) => Deployment | null;
  /** The last known workflow of the batch's deployment, and its hash. */
  workflow: { workflow: Workflow; hash: string } | null;
  own: { folders: readonly string[]; files: readonly string[] };
  timing: IntakeTiming;
  minimumFreeBytes: () => number | null;
  /** The machine runs on a battery that is below the person's level: nothing more is submitted. */
  isBatteryLow: () => boolean;
  onImage: (batchId: number, imageId: number) => void;
  onChange: (batchId: number) => void;
  onProblem: (failure: Failure) => void;
}

export interface BatchRunner {
  readonly batchId: number;
  start(): Promise<void>;
  /** Resolves when everything found is done, failed, skipped or missing, or when nothing can move on. */
  untilEnded(signal: AbortSignal): Promise<RunEnding>;
  gates(): Gate[];
  ledger(): Promise<{ ledger: Ledger; runs: number }>;
  pause(): Promise<void>;
  resume(): Promise<void>;
  tryNow(): void;
  rescan(): Promise<void>;
  /** Other limits or settings of the same batch. */
  update(batch: StoredBatch, workflow: BatchRunnerOptions["workflow"]): Promise<void>;
  poke(): void;
  readonly walking: boolean;
  readonly outstanding: number;
  readonly times: RunTimes;
  /** Submits nothing more; collects what is paid for until `deadlineMs` have passed, then stops asking. */
  stop(deadlineMs: number): Promise<void>;
}

const HOUSEKEEPING_MS = 1000;
const REVISE_PAGE = 500;
/** While images settle, those that are ready are claimed this often. */
const POKE_EVERY_MS = 100;

export function createBatchRunner(options: BatchRunnerOptions): BatchRunner {
  const { store, clock, random, spool } = options;
  const batchId = options.batch.id;
  let batch = options.batch;
  let workflow = options.workflow;
  const settings = (): BatchSettings => batch.settings;
  const draining = new AbortController();
  const stopped = new AbortController();
  const gates: Gates = createGates(() => clock.now());
  const { concurrency } = settings().limits;
  const window = createWindow(concurrency, options.isCareful ? 1 : concurrency);
  const decisions = new Map<number, ReturnType<Dispatch["decisionOf"]>>();
  let rate: Rate = createRate({ limit: null, earlier: [], mono: () => clock.mono(), now: () => clock.now() });
  let times: RunTimes = createRunTimes();
  let pump: Pump;
  let intake: Intake;
  let trouble: Trouble;
  let startedPaused = false;
  const loops: Promise<void>[] = [];
  const waiters = new Set<() => void>();

  function changed(): void {
    for (const wake of [...waiters]) wake();
    options.onChange(batchId);
  }

  function lookAtBattery(): void {
    if (options.isBatteryLow()) gates.close("battery-low", null);
    else gates.open("battery-low");
  }

  function ownDeployment(): Deployment | null {
    return options.deploymentOf(settings().decision.deployment);
  }

  const noDeployment: DeploymentFailure = {
    reason: "unreachable",
    host: settings().decision.deployment,
    code: "ENOTFOUND",
  };

  function onGate({ gate, closed }: { gate: Gate; closed: boolean }): void {
    const sentence = gateSentence(gate);
    const at = clock.now();
    const event = closed
      ? ({ batchId, kind: "gate-closed", detail: { gate: gate.kind, sentence } } as const)
      : ({ batchId, kind: "gate-opened", detail: { gate: gate.kind, forMs: at - gate.since } } as const);
    void store.call("addEvent", { at, event }).catch(onError);
    if (!closed) pump.poke();
    changed();
  }

  function onError(error: unknown): void {
    if (stopped.signal.aborted) return;
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    options.onProblem({ reason: "internal", message });
  }

  async function makeRate(): Promise<void> {
    const { rate: limit } = settings().limits;
    const earlier =
      limit === null
        ? []
        : await store.call("lastStarts", {
            batchId,
            bootId: options.bootId,
            limit: limit.count + settings().limits.concurrency,
          });
    rate = createRate({ limit, earlier, mono: () => clock.mono(), now: () => clock.now() });
  }

  /** Rows of an earlier revision may be left: looked for once, and then as long as some are in flight. */
  let isRevising = true;
  async function revise(): Promise<void> {
    if (!isRevising) return;
    isRevising = false;
    for (let left = true; left && !stopped.signal.aborted;) {
      const page = await store.call("reviseImages", {
        batchId,
        limit: REVISE_PAGE,
        dedupe: settings().intake.dedupe,
        at: clock.now(),
      });
      if (page.waiting > 0) isRevising = true;
      if (page.revised > 0) changed();
      left = page.revised === REVISE_PAGE;
    }
  }

  let pokedMono = Number.NEGATIVE_INFINITY;
  /** The first settled image is not to wait for the last one of its page, which on a slow share is minutes away. */
  function pokeSoon(): void {
    if (clock.mono() - pokedMono < POKE_EVERY_MS) return;
    pokedMono = clock.mono();
    pump.poke();
  }

  function build(): void {
    trouble = createTrouble({
      gates,
      window,
      clock,
      random,
      stopped: stopped.signal,
      probe: async () => (await ownDeployment()?.probe()) ?? fail(noDeployment),
      signIn: async () => {
        const deployment = ownDeployment();
        deployment?.auth.forget();
        return (await deployment?.auth.jwt()) ?? fail(noDeployment);
      },
    });
    intake = createIntake({
      batchId,
      hands: options.hands,
      settings,
      store,
      clock,
      gates,
      watch: options.watch,
      own: options.own,
      rootId: batch.rootId,
      timing: options.timing,
      onImage: (imageId) => {
        options.onImage(batchId, imageId);
        pokeSoon();
      },
      onProgress: () => {
        pump.poke();
        void pump.finishReceived().catch(onError);
        changed();
      },
      onProblem: options.onProblem,
    });
    pump = createPump(makeDispatch(), onError);
    gates.onChange(onGate);
  }

  function makeDispatch(): Dispatch {
    return {
      batchId,
      sessionId: options.sessionId,
      hands: options.hands,
      settings,
      limits: () => settings().limits,
      store,
      clock,
      random,
      gates,
      window,
      rate: () => rate,
      times,
      trouble,
      spool,
      disk: createDiskGuard({
        folders: [settings().results.resultsFolder, ...options.own.folders],
        clock,
        minimumFreeBytes: options.minimumFreeBytes,
      }),
      decisionOf: (revisionId) => {
        let decision = decisions.get(revisionId);
        if (decision === undefined) {
          decision = store.call("revisionDecision", revisionId);
          decisions.set(revisionId, decision);
        }
        return decision;
      },
      deploymentOf: options.deploymentOf,
      outputCount: (name, index) =>
        workflow === null ? null : (findTask(workflow.workflow, name, index)?.outputs?.length ?? null),
      workflowHash: () => workflow?.hash ?? null,
      draining: draining.signal,
      stopped: stopped.signal,
      onImage: (imageId) => {
        options.onImage(batchId, imageId);
        changed();
      },
      onIdle: changed,
      recheck: (path) => intake.recheck(path),
    };
  }

  /** Rows wait by the wall clock; where it was set back while nothing ran, they would wait that much longer. */
  function bringForward(): Promise<void> {
    return store.call("bringForward", { batchId, notAfter: clock.now() + uncertainWaitMs(times) });
  }

  /** What has to be looked at now and then: room on disk, raised limits, late results, a machine that slept. */
  async function housekeeping(): Promise<void> {
    const disk = createDiskGuard({
      folders: [settings().results.resultsFolder, ...options.own.folders],
      clock,
      minimumFreeBytes: options.minimumFreeBytes,
    });
    const clockWatch = createClockWatch({ batchId, store, clock, mostMs: () => uncertainWaitMs(times) });
    while (!stopped.signal.aborted) {
      await clock.sleep(HOUSEKEEPING_MS, stopped.signal);
      await clockWatch.look(HOUSEKEEPING_MS);
      if (gates.isClosed("disk-low") && (await disk.lack(0)) === null) gates.open("disk-low");
      lookAtBattery();
      await pump.adopt();
      await pump.finishReceived();
      await revise();
      pump.poke();
    }
  }

  const isAtRest = (): boolean => pump.idle && intake.quiet && !isRevising;

  const canEnd = (): Promise<RunEnding | null> =>
    endingOf({
      batchId,
      store,
      gates,
      watch: options.watch,
      startedPaused,
      outageMs: trouble.outageMs(),
      giveUpAfterMs: settings().limits.giveUpAfterMs,
      isAtRest,
      hasWalked: () => intake.hasWalked,
    });

  return {
    batchId,
    async start() {
      times = createRunTimes(await store.call("recentRunTimes", { batchId, limit: 500 }));
      await bringForward();
      build();
      await makeRate();
      startedPaused = batch.paused;
      if (startedPaused) gates.close("paused", null);
      lookAtBattery();
      await revise();
      await pump.adopt();
      await pump.finishReceived();
      intake.start();
      if (!options.watch) loops.push(intake.walkNow().catch(onError));
      loops.push(housekeeping().catch(onError));
      pump.poke();
    },
    async untilEnded(signal) {
      let walkedAgain = false;
      for (;;) {
        const ending = signal.aborted ? { kind: "stopped" as const, gate: null } : await canEnd();
        if (ending?.kind === "complete" && !walkedAgain && !options.watch) {
          // What came while the last images ran, and what went.
          walkedAgain = true;
          await intake.walkNow();
          continue;
        }
        if (ending !== null && !(options.watch && ending.kind === "complete")) return ending;
        await new Promise<void>((resolve) => {
          const wake = (): void => {
            clearTimeout(timer);
            waiters.delete(wake);
            signal.removeEventListener("abort", wake);
            resolve();
          };
          const timer = setTimeout(wake, HOUSEKEEPING_MS);
          waiters.add(wake);
          signal.addEventListener("abort", wake, { once: true });
        });
      }
    },
    gates: () => gates.list(),
    ledger: () => store.call("ledgerOf", batchId),
    async pause() {
      await store.call("setBatchFlags", { batchId, paused: true });
      gates.close("paused", null);
    },
    async resume() {
      await store.call("setBatchFlags", { batchId, paused: false });
      for (const kind of ["paused", "all-refused", "run-limit"] as const) gates.open(kind);
      trouble.tryNow();
      pump.poke();
    },
    tryNow: () => trouble.tryNow(),
    rescan: () => intake.walkNow(),
    async update(next, nextWorkflow) {
      batch = next;
      workflow = nextWorkflow;
      window.setLimit(next.settings.limits.concurrency);
      await makeRate();
      gates.open("run-limit");
      isRevising = true;
      await revise();
      pump.poke();
      changed();
    },
    poke: () => {
      pump.poke();
      void pump.finishReceived().catch(onError);
    },
    get walking() {
      return intake.walking;
    },
    get outstanding() {
      return pump.outstanding;
    },
    get times() {
      return times;
    },
    async stop(deadlineMs) {
      draining.abort();
      const timer = setTimeout(() => stopped.abort(), deadlineMs);
      await pump.drain();
      clearTimeout(timer);
      stopped.abort();
      await intake.stop();
      await Promise.all(loops);
    },
  };
}
