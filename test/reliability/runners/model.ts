import fc from "fast-check";
import { IMAGE_STAGES, type ImageStage } from "../../../electron/contract/image.ts";
import {
  BUDGET,
  isInFlight,
  step,
  type ImageFacts,
  type RunEvent,
} from "../../../electron/engine/transitions.ts";
import { openRig } from "../../support/open-rig.ts";
import {
  deleteStep,
  holdStep,
  judgeNight,
  makeGood,
  NIGHT_SPEED,
  nightSteps,
  passStep,
  pauseStep,
  writeStep,
  type NightModel,
  type NightStep,
  type RealNight,
} from "../support/night-model.ts";
import { createNotebook, type Notebook, type Runner, type Size, type Verdict } from "../support/runner.ts";

const FAILURE = { reason: "refused-input", status: 422, detail: "" } as const;
const anyEvent: fc.Arbitrary<RunEvent> = fc.oneof(
  fc.constant<RunEvent>({ kind: "intent" }),
  fc.constantFrom<RunEvent>({ kind: "accepted", uuid: "u" }, { kind: "sent-other-bytes", uuid: "u" }),
  fc.constant<RunEvent>({ kind: "not-accepted", note: "busy" }),
  fc.constant<RunEvent>({ kind: "refused", failure: FAILURE }),
  fc.option(fc.nat(10_000)).map((retryAt): RunEvent => ({ kind: "unknown", last: "reset", retryAt })),
  fc.constantFrom<RunEvent>(
    { kind: "file-changed" },
    { kind: "head" },
    { kind: "received" },
    { kind: "done" },
  ),
  fc.constantFrom<1 | 2>(1, 2).map((level): RunEvent => ({ kind: "doubt", level })),
  fc.option(fc.nat(10_000)).map((waitedMs): RunEvent => ({ kind: "lost", waitedMs, retryAt: 7 })),
  fc.constant<RunEvent>({ kind: "workflow-error", status: 520, message: "no", retryAt: 9 }),
  fc.constantFrom<RunEvent>(
    { kind: "unexpected", failure: FAILURE },
    { kind: "unwritable", failure: FAILURE },
  ),
);

/** Runs that ended: nothing may follow for them. */
const ENDED = ["DONE", "REJECTED", "ORPHANED", "LOST", "FAILED"];
/** Only a file or a person moves these. */
const AT_REST: readonly ImageStage[] = ["SEEN", "FOLLOWING", "DONE", "FAILED", "SKIPPED", "MISSING"];

/** Walks one history through the state machine, with the file settling again whenever it must; null = all holds. */
function brokenHistory(first: ImageStage, events: readonly RunEvent[]): string | null {
  let now: ImageFacts & { failure: unknown } = {
    stage: first,
    uncertain: 0,
    lost: 0,
    workflowErrors: 0,
    failure: null,
  };
  let paid = 0;
  let open = isInFlight(first);
  let safeResults = first === "RECEIVED" ? 1 : 0;
  for (const event of events) {
    const before = now;
    const next = step(now, event);
    if (next === null) continue;
    const said = `${before.stage} with ${event.kind} became ${next.stage}`;
    if (AT_REST.includes(before.stage)) return `${said}: nothing was under way`;
    if (event.kind === "intent" && open) return `${said}: another run was still open`;
    if (event.kind === "intent") paid += 1;
    if (next.run === "REJECTED") paid -= 1;
    open = !ENDED.includes(next.run) && next.stage !== "FAILED";
    if (open !== isInFlight(next.stage)) return `${said}: its run is ${next.run}`;
    if (event.kind === "received") safeResults += 1;
    if (safeResults > 1) return `${said}: a second result`;
    if (next.stage === "DONE" && (safeResults !== 1 || event.kind !== "done"))
      return `${said} without a safe result`;
    if (next.stage === "FAILED" && next.failure === null) return `${said} without a reason`;
    if (event.kind === "not-accepted" && next.uncertain + next.lost > before.uncertain + before.lost)
      return `${said}: an attempt was spent on what never arrived`;
    const held = event.kind === "unknown" && event.retryAt === null;
    if (!held && next.stage === "UNCERTAIN" && next.uncertain > BUDGET.uncertain)
      return `${said}: sent too often`;
    if (next.stage === "READY" && (next.lost > BUDGET.lost || next.workflowErrors > BUDGET.workflowErrors))
      return `${said}: run too often`;
    now = next.stage === "SEEN" ? { ...next, stage: "READY" } : next;
  }
  const explained = 1 + now.uncertain + now.lost + now.workflowErrors;
  const carried = isInFlight(first) ? 1 : 0;
  return paid + carried <= explained
    ? null
    : `${String(paid)} runs are paid, ${String(explained)} are explained`;
}

function walkMachine(book: Notebook, { short, seed }: Size): void {
  const histories = short ? 5_000 : 40_000;
  const property = fc.property(
    fc.constantFrom(...IMAGE_STAGES),
    fc.array(anyEvent, { maxLength: 80, size: "max" }),
    (first, events) => {
      const broken = brokenHistory(first, events);
      if (broken !== null) throw new Error(broken);
    },
  );
  const found = fc.check(property, { seed, numRuns: histories });
  book.figure("histories of the state machine", found.numRuns);
  if (found.failed)
    book.check(false, `${messageOf(found.errorInstance)} (history: ${JSON.stringify(found.counterexample)})`);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The longest search for a shorter history, real milliseconds. */
const SHRINK_MS = 15_000;
const LANES = 3;

async function liveNight(steps: Iterable<NightStep>, done: Map<string, number>): Promise<void> {
  let real: RealNight | null = null;
  await using rig = await openRig({
    speed: NIGHT_SPEED,
    timing: { healthEveryMs: 60, walkEveryMs: 120 },
    limits: { concurrency: 3, runTimeoutMs: 90_000 },
    simulator: { latency: { minMs: 0, maxMs: 40 }, jwtSeconds: 5 },
    minimumFreeBytes: () => (real?.isDiskLow === true ? Number.MAX_SAFE_INTEGER : 0),
  });
  const { batchId } = await rig.start({ watch: true });
  const model: NightModel = { files: new Map(), isAway: false };
  const night: RealNight = { rig, place: rig.folder, batchId, isDiskLow: false, retries: 0, done };
  real = night;
  await fc.asyncModelRun(() => ({ model, real: night }), steps);
  await makeGood(model, night);
  const broken = await judgeNight(model, night);
  if (broken.length > 0) throw new Error(broken.join("; "));
}

function saidOf(history: { toString(): string } | undefined): string {
  return history?.toString() ?? "";
}

/** Histories that chance meets too seldom. */
const KNOWN_NIGHTS: NightStep[][] = [
  // Two files of equal bytes wait, and the one that would be sent goes away.
  [
    pauseStep(true),
    writeStep("a.png", 1),
    passStep(400),
    writeStep("b.png", 1),
    passStep(400),
    deleteStep("a.png"),
    passStep(400),
  ],
  // A file changes while its run is computed.
  [
    holdStep(true),
    writeStep("a.png", 1),
    passStep(500),
    writeStep("a.png", 2),
    passStep(500),
    holdStep(false),
  ],
];

async function liveNights(book: Notebook, { short, seed }: Size): Promise<void> {
  const nights = short ? 6 : 54;
  const done = new Map<string, number>();
  let ran = 0;
  const lane = async (number: number): Promise<void> => {
    const property = fc.asyncProperty(
      fc.commands(nightSteps, { maxCommands: 30, size: "max" }),
      async (steps) => {
        ran += 1;
        await liveNight(steps, done);
      },
    );
    const found = await fc.check(property, {
      seed: seed * 100 + number,
      numRuns: nights / LANES,
      interruptAfterTimeLimit: short ? 3 * SHRINK_MS : 200_000,
      endOnFailure: short,
    });
    if (found.failed)
      book.check(
        false,
        `${messageOf(found.errorInstance)} (seed ${String(found.seed)}, path ${found.counterexamplePath ?? ""}, history: ${saidOf(found.counterexample?.[0])})`,
      );
  };
  for (const steps of KNOWN_NIGHTS)
    await liveNight(steps, done).catch((error: unknown) => {
      book.check(false, `${messageOf(error)} (history: ${steps.map((step) => step.toString()).join(",")})`);
    });
  await Promise.all(Array.from({ length: LANES }, (_, number) => lane(number)));
  book.figure("histories of a real night", ran);
  book.figure("seed", seed);
  for (const [name, times] of [...done].sort()) book.figure(name, times);
  book.check(ran >= nights || ran === 0, `Only ${String(ran)} of ${String(nights)} nights were lived`);
}

async function run(size: Size): Promise<Verdict> {
  const book = createNotebook();
  walkMachine(book, size);
  if (book.verdict().broken.length === 0) await liveNights(book, size);
  return book.verdict();
}

const TRANSITIONS = "electron/engine/transitions.ts";

export const runner: Runner = {
  promise:
    "G1-G5: whatever people, files, servers and crashes do in whatever order, the ledger balances at each step, and in the end each file has one result of its own bytes, with each further submission explained.",
  inShortForm: false,
  limitS: { short: 120, full: 300 },
  run,
  controls: [
    {
      name: "order",
      without: "the rule that an event only counts in the stages in which it can happen",
      patches: [
        { file: TRANSITIONS, find: "if (!FROM[event.kind].includes(image.stage)) return null;", replace: "" },
      ],
    },
    {
      name: "uncertain-budget",
      without: "the limit of submissions after an unknown outcome",
      patches: [
        { file: TRANSITIONS, find: "if (before < BUDGET.uncertain)", replace: "if (before < 1_000)" },
      ],
    },
    {
      name: "lost-budget",
      without: "the limit of runs after a lost result",
      patches: [{ file: TRANSITIONS, find: "if (before < BUDGET.lost)", replace: "if (before < 1_000)" }],
    },
    {
      name: "lost-count",
      without: "the count of lost results",
      patches: [
        {
          file: TRANSITIONS,
          find: 'return to("READY", "LOST", { lost, nextAt: retryAt });',
          replace: 'return to("READY", "LOST", { nextAt: retryAt });',
        },
      ],
    },
    {
      name: "ended-runs",
      without: "the rule that nothing follows for a run that has ended",
      patches: [
        {
          file: TRANSITIONS,
          find: 'done: ["RECEIVED"],',
          replace: 'done: ["RECEIVED", "FAILED"],',
        },
      ],
    },
    {
      name: "in-flight",
      without: "the rule that a row in flight is left alone until its run has ended",
      patches: [
        {
          file: "electron/engine/store/images.ts",
          find: "if (isInFlight(row.stage)) continue;\n    changed++;",
          replace: "changed++;",
        },
      ],
    },
    {
      name: "followers",
      without: "a new leader for those who wait when theirs will not be run any more",
      patches: [
        {
          file: "electron/engine/store/images.ts",
          find: "  if (first === undefined) return;\n  db.sql(",
          replace: "  if (first === undefined || first.id > 0) return;\n  db.sql(",
        },
      ],
    },
  ],
};
