import { describeFailure } from "../contract/describe-failure.ts";
import type { Failure } from "../contract/failure.ts";
import { unfinished, type Ledger } from "../contract/image.ts";
import type { BatchSettings } from "../contract/batch.ts";
import type { BatchRunner } from "../engine/batch-runner.ts";
import type { RunEnding } from "../engine/ending.ts";
import { systemClock } from "../engine/clock.ts";
import { openEngine, ownPlaces, type Engine } from "../engine/engine.ts";
import { failureLine, shown, type Console } from "./console.ts";
import { EXIT, exitCodeFor, type ExitCode } from "./exit-code.ts";
import { createUnsettledNote, explain, gateSentence } from "./explain.ts";
import { ledgerLine } from "./ledger-line.ts";
import { eventSentence } from "./listing.ts";
import { createFinder, dataFileOf } from "./open.ts";
import { createProgress, type Progress } from "./progress.ts";
import { createRunEvents, type RunEvents } from "./run-events.ts";
import { settingsOf, warningsOf, type RunFlags } from "./settings.ts";
import { version } from "./version.ts";
import { openWriterControl } from "./writer-control.ts";

/** What is paid for is still collected for this long after the first Ctrl-C. */
/** Winding up takes a moment, too: within 10 s the program is gone. */
const COLLECT_ON_STOP_MS = 9_000;
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
  const openedAt = systemClock.now();
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
  await tellWhatWasLost(engine, openedAt, console);
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
        events: flags.json === true ? createRunEvents(console, engine.store, batch.id, openedAt) : null,
      });
    } finally {
      await control.close();
    }
  } finally {
    await engine.close(0);
    await finder.stop();
  }
}

/** A data file that was damaged and restored is nothing to find out by chance. */
async function tellWhatWasLost(engine: Engine, openedAt: number, console: Console): Promise<void> {
  const query = { batchId: null, before: null, after: null, limit: 10 };
  const events = await engine.store.call("listEvents", query);
  for (const event of events)
    if (event.batchId === null && event.at >= openedAt) console.say(`nightrun: ${eventSentence(event)}`);
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
  /** null without --json. */
  events: RunEvents | null;
}

async function follow(f: Following): Promise<ExitCode> {
  const { console, runner, flags, engine } = f;
  const progress = flags.json === true ? null : createProgress(console, () => systemClock.now());
  const watchStop = new AbortController();
  f.events?.tell("started", {
    batch: runner.batchId,
    folder: f.settings.intake.folder,
    deployment: f.settings.decision.deployment,
    resultsFolder: f.settings.results.resultsFolder,
  });
  const shower = showLoop(f, progress, watchStop.signal);
  await engine.store.call("addEvent", {
    at: systemClock.now(),
    event: { batchId: runner.batchId, kind: "run-started", detail: { folder: f.settings.intake.folder } },
  });
  const ending = await runner.untilEnded(f.interrupted);
  if (f.interrupted.aborted) (progress?.note ?? console.say)(STOPPING);
  await runner.stop(ending.kind === "stopped" && ending.gate !== null ? 0 : COLLECT_ON_STOP_MS);
  watchStop.abort();
  await shower;
  progress?.stop();
  return conclude(f, ending);
}

const STOPPING =
  "Stopping: nothing more is submitted; results already paid for are collected for up to 10 s.";

/** Shows progress and, with `--json`, one event for each image that came to its end. */
async function showLoop(f: Following, progress: Progress | null, stop: AbortSignal): Promise<void> {
  const { store } = f.engine;
  const isWaiting = f.flags.watch !== true && progress !== null;
  const noteUnsettled = isWaiting ? createUnsettledNote(store, f.runner.batchId, progress.note) : null;
  for (;;) {
    const { ledger } = await f.runner.ledger();
    const gates = f.runner.gates();
    await noteUnsettled?.(ledger, gates.length > 0 || f.runner.walking);
    const [gate] = gates;
    progress?.update({
      ledger,
      gates,
      gateSentence: gate === undefined ? null : gateSentence(gate),
      walking: f.runner.walking,
    });
    f.events?.gates(gates);
    const changed = [...f.changed];
    f.changed.clear();
    await f.events?.images(changed);
    if (stop.aborted) return;
    await systemClock.sleep(SHOW_EVERY_MS, stop);
  }
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
  await f.events?.rest();
  f.events?.tell("ended", { exitCode: code, ledger, runs, resultsFolder: settings.results.resultsFolder });
  if (noImages) {
    console.say(failureLine({ reason: "no-images", folder: settings.intake.folder }));
    if (ledger.skipped > 0) await explain(engine.store, runner.batchId, console);
    return code;
  }
  if (flags.json !== true) {
    console.say(ledgerLine(ledger));
    await explain(engine.store, runner.batchId, console);
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
