import { describeFailure, type Failure } from "../contract/failure.ts";
import type { Gate } from "../contract/gate.ts";
import { stateOf, unfinished, type ImageState, type Ledger } from "../contract/image.ts";
import type { BatchSettings } from "../contract/batch.ts";
import type { BatchRunner, RunEnding } from "../engine/batch-runner.ts";
import { systemClock } from "../engine/clock.ts";
import { openEngine, ownPlaces, type Engine } from "../engine/engine.ts";
import { sha256Hex } from "../engine/intake/identity.ts";
import type { Scope } from "../engine/store/queries.ts";
import { failureLine, grouped, oneLine, shown, type Console } from "./console.ts";
import { EXIT, exitCodeFor, type ExitCode } from "./exit-code.ts";
import { ledgerLine } from "./ledger-line.ts";
import { createFinder, dataFileOf } from "./open.ts";
import { createProgress, type Progress } from "./progress.ts";
import { settingsOf, warningsOf, type RunFlags } from "./settings.ts";
import { version } from "./version.ts";
import { openWriterControl } from "./writer-control.ts";

/** What is paid for is still collected for this long after the first Ctrl-C. */
const COLLECT_ON_STOP_MS = 10_000;
const SHOW_EVERY_MS = 250;

interface RunContext {
  console: Console;
  env: NodeJS.ProcessEnv;
  /** Aborts at the first Ctrl-C or SIGTERM. */
  interrupted: AbortSignal;
}

/** `nightrun run`: process the folder, then exit. */
export async function runCommand(
  folder: string | undefined,
  flags: RunFlags,
  context: RunContext,
): Promise<ExitCode> {
  const { console, env } = context;
  const report = (failures: readonly Failure[]): ExitCode => {
    for (const failure of failures) {
      console.say(failureLine(failure));
      if (flags.json === true)
        console.data(
          JSON.stringify({ event: "failure", ...failure, sentence: describeFailure(failure).what }),
        );
    }
    const [first] = failures;
    return first === undefined ? EXIT.usage : exitCodeFor(first);
  };
  const settings = await settingsOf(folder, flags, env);
  if (!settings.ok) return report([settings.failure]);
  for (const warning of warningsOf(settings.value)) console.say(`nightrun: ${warning}`);
  const dataFile = dataFileOf(flags.data);
  const finder = createFinder({ env, simulatorState: `${dataFile}.simulator`, simulatorArgs: [] });
  const changed = new Set<number>();
  const opened = await openEngine({
    dataFile,
    clock: systemClock,
    random: Math.random,
    env,
    version,
    resolve: (address) => finder.resolve(address),
    onImage: (_batch, imageId) => void changed.add(imageId),
    onProblem: (failure) => console.say(failureLine(failure)),
  });
  if (!opened.ok) return report([opened.failure]);
  const engine = opened.value;
  try {
    const prepared = await firstContact(engine, settings.value, context);
    if (prepared === "interrupted") return EXIT.stoppedEarly;
    if (!prepared.ok) return report(prepared.failure);
    if (flags.json !== true) console.say(startLine(prepared.value.settings));
    const batch = await engine.saveBatch(await knownBatch(engine, prepared.value.settings), prepared.value);
    const control = await openWriterControl(engine, ownPlaces(engine.dataFile).control);
    try {
      const started = await engine.start(batch.id, { watch: flags.watch === true });
      if (!started.ok) return report([started.failure]);
      return await follow({
        ...context,
        flags,
        engine,
        runner: started.value,
        settings: batch.settings,
        changed,
      });
    } finally {
      await control.close();
    }
  } finally {
    await engine.close(0);
    await finder.stop();
  }
}

const PATIENCE_MS = 4000;

/** Asks the deployment, and says so when that takes long; Ctrl-C ends the waiting. */
async function firstContact(
  engine: Engine,
  settings: BatchSettings,
  { console, interrupted }: RunContext,
): Promise<Awaited<ReturnType<Engine["prepare"]>> | "interrupted"> {
  const waiting = new AbortController();
  const stop = AbortSignal.any([interrupted, waiting.signal]);
  void systemClock.sleep(PATIENCE_MS, stop).then(() => {
    if (!stop.aborted)
      console.say(
        "nightrun: Waiting for the deployment to answer; one that sleeps needs up to two minutes to wake up.",
      );
  });
  const ended = new Promise<"interrupted">((resolve) => {
    if (interrupted.aborted) resolve("interrupted");
    interrupted.addEventListener("abort", () => resolve("interrupted"), { once: true });
  });
  const outcome = await Promise.race([engine.prepare(settings), ended]);
  waiting.abort();
  if (outcome === "interrupted") console.say("nightrun: Stopped before anything was submitted.");
  return outcome;
}

function startLine({ intake, decision, results }: BatchSettings): string {
  return `Running ${shown(intake.folder)} through ${decision.deployment}; results go to ${shown(results.resultsFolder)}.`;
}

/** The same folder is the same batch, so that the same command resumes it. */
async function knownBatch(engine: Engine, settings: BatchSettings): Promise<number | null> {
  const batches = await engine.store.call("listBatches", null);
  const same = batches.filter((batch) => batch.folder === settings.intake.folder);
  return (same.find((batch) => batch.name === settings.name) ?? same.at(-1))?.id ?? null;
}

interface Following extends RunContext {
  flags: RunFlags;
  engine: Engine;
  runner: BatchRunner;
  settings: BatchSettings;
  changed: Set<number>;
}

async function follow(f: Following): Promise<ExitCode> {
  const { console, runner, flags, engine } = f;
  const progress = flags.json === true ? null : createProgress(console, () => systemClock.now());
  const watchStop = new AbortController();
  const shower = showLoop(f, progress, watchStop.signal);
  if (flags.json === true) {
    const { folder } = f.settings.intake;
    console.data(
      JSON.stringify({
        event: "started",
        batch: runner.batchId,
        folder,
        deployment: f.settings.decision.deployment,
        resultsFolder: f.settings.results.resultsFolder,
        at: new Date().toISOString(),
      }),
    );
  }
  await engine.store.call("addEvent", {
    at: systemClock.now(),
    event: { batchId: runner.batchId, kind: "run-started", detail: { folder: f.settings.intake.folder } },
  });
  const ending = await runner.untilEnded(f.interrupted);
  if (f.interrupted.aborted)
    progress?.note(
      "Stopping: nothing more is submitted; results already paid for are collected for up to 10 s.",
    );
  await runner.stop(ending.kind === "stopped" && ending.gate !== null ? 0 : COLLECT_ON_STOP_MS);
  watchStop.abort();
  await shower;
  progress?.stop();
  return conclude(f, ending);
}

/** Nothing happens for so long that a person wonders. */
const WONDER_AFTER_MS = 4000;

/** Tells once, when nothing else is left to do, which files are waited for because they look unfinished. */
function createUnsettledNote(f: Following, progress: Progress): (ledger: Ledger) => Promise<void> {
  let since: number | null = null;
  let told = false;
  return async ({ waiting, inFlight }) => {
    const isIdle = waiting > 0 && inFlight === 0 && f.runner.gates().length === 0 && !f.runner.walking;
    if (!isIdle || told) {
      since = null;
      return;
    }
    since ??= systemClock.now();
    if (systemClock.now() - since < WONDER_AFTER_MS) return;
    const scope = scopeOf(f.runner.batchId, ["waiting"]);
    const rows = await f.engine.store.call("pageImages", { ...PATH_ORDER, scope, limit: MOST_EXPLAINED });
    if (rows.length === 0 || rows.some((row) => row.stage !== "SEEN")) return;
    told = true;
    const names = rows.map((row) => shown(row.path)).join(", ");
    const them = waiting === 1 ? "1 file that is" : `${grouped(waiting)} files that are`;
    progress.note(
      `Waiting up to 30 s for ${them} unfinished or cannot be read: ${names}${waiting > rows.length ? ", ..." : ""}`,
    );
  };
}

/** Shows progress and, with `--json`, one event for each image that came to its end. */
async function showLoop(f: Following, progress: Progress | null, stop: AbortSignal): Promise<void> {
  let gatesShown = "";
  const noteUnsettled = progress === null ? null : createUnsettledNote(f, progress);
  for (;;) {
    const { ledger } = await f.runner.ledger();
    if (f.flags.watch !== true) await noteUnsettled?.(ledger);
    const gates = f.runner.gates();
    const [gate] = gates;
    progress?.update({
      ledger,
      gates,
      gateSentence: gate === undefined ? null : gateSentence(gate),
      walking: f.runner.walking,
    });
    if (f.flags.json === true) {
      const key = gates.map((g) => g.kind).join();
      if (key !== gatesShown) {
        gatesShown = key;
        f.console.data(
          JSON.stringify({
            event: "gates",
            closed: gates.map((g) => ({ gate: g.kind, sentence: gateSentence(g) })),
            at: new Date().toISOString(),
          }),
        );
      }
      await tellImages(f);
    }
    if (stop.aborted) return;
    await systemClock.sleep(SHOW_EVERY_MS, stop);
  }
}

const ENDED = new Set(["done", "failed", "skipped", "missing"]);

async function tellImages(f: Following): Promise<void> {
  const ids = [...f.changed];
  f.changed.clear();
  for (const id of ids) {
    const image = await f.engine.store.call("imageById", id);
    if (image?.current !== 1) continue;
    const state = stateOf(image.stage);
    if (!ENDED.has(state)) continue;
    const failure = image.failureJson === null ? null : (JSON.parse(image.failureJson) as Failure);
    f.console.data(
      JSON.stringify({
        event: "image",
        path: image.path,
        sha256: image.sha256 === null ? null : sha256Hex(image.sha256),
        state,
        reason: image.reason,
        sentence: failure === null ? null : describeFailure(failure).what,
        summary: image.summary,
        at: new Date(image.updatedAt).toISOString(),
      }),
    );
  }
}

/** Why nothing is submitted right now, in words. */
function gateSentence(gate: Gate): string {
  if (gate.failure !== null) {
    const { what, next } = describeFailure(gate.failure);
    return oneLine(`${what} ${next}`);
  }
  if (gate.kind === "run-limit") return "The limit of runs is reached; give a larger --max-runs to go on.";
  if (gate.kind === "paused") return "Paused; `nightrun resume` goes on.";
  return `Nothing is submitted right now (${gate.kind}).`;
}

async function conclude(f: Following, ending: RunEnding): Promise<ExitCode> {
  const { console, runner, flags, engine, settings } = f;
  const { ledger, runs } = await runner.ledger();
  const noImages = ledger.seen === ledger.skipped && ending.kind === "complete";
  const code = noImages ? EXIT.usage : endingCode(f, ending, ledger);
  await engine.store.call("addEvent", {
    at: systemClock.now(),
    event: {
      batchId: runner.batchId,
      kind: "run-ended",
      detail: { done: ledger.done, failed: ledger.failed },
    },
  });
  if (flags.json === true) {
    console.data(
      JSON.stringify({
        event: "ended",
        exitCode: code,
        ledger,
        runs,
        resultsFolder: settings.results.resultsFolder,
        at: new Date().toISOString(),
      }),
    );
  }
  if (noImages) {
    console.say(failureLine({ reason: "no-images", folder: settings.intake.folder }));
    if (ledger.skipped > 0) await explain(f);
    return code;
  }
  if (flags.json !== true) {
    console.say(ledgerLine(ledger));
    await explain(f);
    if (ledger.done > 0) console.say(`Results: ${settings.results.resultsFolder}`);
  }
  if (code === EXIT.stoppedEarly) console.say(stoppedLine(f, ending, ledger));
  return code;
}

function endingCode(f: Following, ending: RunEnding, ledger: Ledger): ExitCode {
  const waits = unfinished(ledger) > 0;
  if (waits) return EXIT.stoppedEarly;
  if (ending.kind !== "complete" && !f.interrupted.aborted) return EXIT.stoppedEarly;
  return ledger.failed + ledger.missing > 0 ? EXIT.someFailed : EXIT.done;
}

function stoppedLine(f: Following, ending: RunEnding, ledger: Ledger): string {
  const waiting = unfinished(ledger);
  const rest = `${waiting} ${waiting === 1 ? "image waits" : "images wait"} in the data file; the same command resumes.`;
  if (ending.kind === "gave-up") return `nightrun: Gave up waiting. ${rest}`;
  if (f.interrupted.aborted) return `nightrun: Stopped. ${rest}`;
  if (ending.kind === "stopped" && ending.gate !== null)
    return `nightrun: ${gateSentence(ending.gate)} ${rest}`;
  return `nightrun: ${ledger.uncertain} ${ledger.uncertain === 1 ? "image is" : "images are"} held because the outcome is unknown; \`nightrun retry --state uncertain\` sends ${ledger.uncertain === 1 ? "it" : "them"} again.`;
}

const MOST_EXPLAINED = 10;

/** Every image that is not done, with its reason; a long list is cut with a word on how to see the rest. */
async function explain(f: Following): Promise<void> {
  // What was skipped needs no one: it must not push a failure off the list.
  for (const states of [["failed", "missing", "uncertain"], ["skipped"]] as const) {
    const scope = scopeOf(f.runner.batchId, states);
    const limit = MOST_EXPLAINED + 1;
    const rows = await f.engine.store.call("pageImages", { ...PATH_ORDER, scope, limit });
    for (const row of rows.slice(0, MOST_EXPLAINED)) {
      const failure = row.failureJson === null ? null : (JSON.parse(row.failureJson) as Failure);
      const text = failure === null ? { what: "", next: "" } : describeFailure(failure);
      f.console.say(oneLine(`  ${stateOf(row.stage)}  ${row.path}: ${text.what} ${text.next}`));
    }
    if (rows.length > MOST_EXPLAINED)
      f.console.say(`  ... and more: see \`nightrun images --state ${states.join(",")}\`.`);
  }
}

const PATH_ORDER = { sort: "path", descending: false, after: null } as const;

function scopeOf(batchId: number, states: readonly ImageState[]): Scope {
  return { batchId, states, reason: null, search: "", label: null, imageIds: null };
}
