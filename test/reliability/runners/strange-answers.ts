import type { ScriptEntry } from "../../../electron/simulator/script.ts";
import type { SimulatorOptions } from "../../../electron/simulator/settings.ts";
import type { StoredImage } from "../../../electron/engine/store/rows.ts";
import { describeFailure } from "../../../electron/contract/describe-failure.ts";
import type { ImageFailure } from "../../../electron/contract/failure.ts";
import { openRig, type Rig } from "../../support/open-rig.ts";
import { writePictures } from "../../support/pictures.ts";
import { rowsOf } from "../support/rows.ts";
import { createNotebook, type Notebook, type Runner, type Size, type Verdict } from "../support/runner.ts";
import { within } from "../support/within.ts";
import { checkAllDone, explainedRuns } from "../support/witnesses.ts";

const SPEED = 300;
const RUN_TIMEOUT_MS = 60_000;
const PATIENCE_MS = 60_000;
/** Once, and twice again: what one image may ever be billed for by itself. */
const MOST_RUNS = 3;

/** Words for a person, or why there are none. */
function wordsOf(image: StoredImage): string {
  if (image.failureJson === null) return "";
  return describeFailure(JSON.parse(image.failureJson) as ImageFailure).what;
}

type PutFault = Extract<ScriptEntry, { on: "put" }>["fault"];
type ResultsFault = Extract<ScriptEntry, { on: "results" }>["fault"];

/** One answer that no client expects, and what is to become of its image. */
interface Strange {
  name: string;
  put?: PutFault;
  results?: ResultsFault;
  /** Each time, not only the first. */
  always?: boolean;
  end: "done" | "failed";
  /** What a failed image's reason is, and part of its words. */
  reason?: string;
  words?: string;
  runs: number;
}

const putOnce = (name: string, put: PutFault, runs: number): Strange => ({ name, put, end: "done", runs });
const kept = (result: string, words: string): Strange => ({
  name: `result: ${result}`,
  results: { kind: "odd", result } as ResultsFault,
  end: "failed",
  reason: "unexpected-result",
  words,
  runs: 1,
});
const data = (result: string): Strange => ({
  name: `result: ${result}`,
  results: { kind: "odd", result } as ResultsFault,
  end: "done",
  runs: 1,
});

/** Each with an image of its own, all in one night. */
const STRANGE: readonly Strange[] = [
  putOnce("run id without quotes", { kind: "run-id", form: "unquoted" }, 2),
  putOnce("run id in upper case", { kind: "run-id", form: "upper-case" }, 1),
  putOnce("run id of 10 MB", { kind: "run-id", form: "huge" }, 2),
  putOnce("run id that is no id", { kind: "run-id", form: "not-a-uuid" }, 2),
  putOnce("no run id", { kind: "run-id", form: "empty" }, 2),
  putOnce("run id null", { kind: "run-id", form: "null" }, 2),
  putOnce("run id given before", { kind: "run-id", form: "earlier" }, 2),
  putOnce("submission doubled by a gateway", { kind: "duplicate" }, 2),
  putOnce("web page instead of a run id", { kind: "html" }, 1),
  kept("empty-array", "0 results"),
  kept("null", "not a list"),
  kept("number", "not a list"),
  kept("string", "not a list"),
  kept("not-json", "JSON"),
  kept("half-json", "JSON"),
  kept("nan", "JSON"),
  kept("invalid-utf8", "UTF-8"),
  kept("deep", "levels deep"),
  data("proto"),
  data("two-keys"),
  data("unknown-type"),
  data("image-binary"),
  data("wrong-shape"),
  {
    name: "result: html",
    results: { kind: "odd", result: "html" },
    end: "done",
    runs: 2,
  },
  {
    name: "endless 202",
    put: { kind: "endless" },
    always: true,
    end: "failed",
    reason: "run-timeout",
    words: "no result",
    runs: MOST_RUNS,
  },
  {
    name: "504 on every submission, each billed",
    put: { kind: "status", status: 504, accepted: true },
    always: true,
    end: "failed",
    reason: "outcome-unknown",
    words: "504",
    runs: MOST_RUNS,
  },
];

function scriptFor(strange: Strange, sha256: string): ScriptEntry {
  const often = strange.always === true ? ({ times: "always" } as const) : {};
  if (strange.put !== undefined) return { on: "put", sha256, fault: strange.put, ...often };
  if (strange.results === undefined) throw new Error(`${strange.name} is not strange`);
  return { on: "results", sha256, fault: strange.results, ...often };
}

function checkOne(book: Notebook, strange: Strange, image: StoredImage | undefined, accepted: number): void {
  const { name, end, reason, words } = strange;
  if (image === undefined) {
    book.check(false, `${name}: there is no image`);
    return;
  }
  const state = image.stage === "DONE" ? "done" : image.stage === "FAILED" ? "failed" : image.stage;
  book.check(state === end, `${name}: ends ${state} (${wordsOf(image)})`);
  if (end === "failed") {
    book.check(image.reason === reason, `${name}: the reason is ${String(image.reason)}`);
    book.check(wordsOf(image).includes(words ?? ""), `${name}: the words are "${wordsOf(image)}"`);
  }
  book.check(accepted === strange.runs, `${name}: ${String(accepted)} runs were made`);
  book.check(accepted <= Math.max(explainedRuns(image), strange.runs), `${name}: a run is not explained`);
}

async function oneOfEach(book: Notebook): Promise<void> {
  await using rig = await openRig({
    speed: SPEED,
    simulator: { longPollMs: 5 },
    limits: { concurrency: 4, runTimeoutMs: RUN_TIMEOUT_MS },
  });
  // Good ones in between, so that it is one strange answer and not a broken server.
  const written = await writePictures(rig.folder, 2 * STRANGE.length);
  const pairs = [...written];
  STRANGE.forEach((strange, i) => rig.simulator.control.script(scriptFor(strange, pairs[2 * i]?.[1] ?? "")));
  const { ledger } = await rig.runToEnd();
  const images = new Map((await rig.images()).map((image) => [image.path, image]));
  const stats = rig.simulator.control.stats();
  STRANGE.forEach((strange, i) => {
    const [path = "", sha256 = ""] = pairs[2 * i] ?? [];
    checkOne(book, strange, images.get(path), stats.images[sha256]?.accepted ?? 0);
  });
  const good = pairs.filter((_, i) => i % 2 === 1);
  const done = good.filter(([path]) => images.get(path)?.stage === "DONE").length;
  book.check(
    done === good.length,
    `${String(good.length - done)} images beside the strange ones are not done`,
  );
  book.check(stats.doubleGets === 0, `${String(stats.doubleGets)} results were asked for twice at once`);
  const raw = (await rig.resultFiles()).filter((file) => file.endsWith(".raw")).length;
  const expected = STRANGE.filter(({ reason }) => reason === "unexpected-result").length;
  book.check(raw === expected, `${String(raw)} raw answers are kept, ${String(expected)} could not be read`);
  book.figure("strange answers", STRANGE.length);
  book.figure(
    "faults that struck",
    Object.values(stats.faults).reduce((sum, n) => sum + n, 0),
  );
  book.figure("images failed with a reason", ledger.failed);
}

function closings(rig: Rig, gate: string): number {
  const rows = rowsOf<{ detailJson: string }>(rig, "SELECT * FROM events WHERE kind = 'gate-closed'");
  return rows.filter((row) => JSON.stringify(row).includes(gate)).length;
}

interface Forgetting {
  name: string;
  options: SimulatorOptions;
  speed: number;
  runTimeoutMs: number;
  /** Results that a question may still get by luck. */
  luck: number;
  strike: (rig: Rig) => Promise<void>;
}

const FORGETTINGS: readonly Forgetting[] = [
  {
    name: "server restart",
    options: { longPollMs: 5 },
    speed: 60,
    runTimeoutMs: 300_000,
    luck: 0,
    async strike({ simulator: { control } }) {
      await control.forget();
      control.release();
    },
  },
  {
    name: "results dropped by the server",
    // Without long polls nobody waits at the door when a result is there for a moment.
    options: { mode: "plain" },
    speed: 20,
    runTimeoutMs: RUN_TIMEOUT_MS,
    luck: 3,
    async strike({ simulator: { control }, clock }) {
      await clock.sleep(20_000);
      control.change({ resultTtlMs: 1 });
      const { finished, outstanding } = control.stats();
      control.release();
      await control.until((stats) => stats.finished === finished + outstanding);
      control.change({ resultTtlMs: null });
    },
  },
];

/** The server forgets what it had accepted, or drops what nobody fetched: one warning, one look, and again. */
async function forget(book: Notebook, how: Forgetting, images: number): Promise<void> {
  const { name } = how;
  const atOnce = images / 2;
  await using rig = await openRig({
    speed: how.speed,
    simulator: how.options,
    limits: { concurrency: atOnce, runTimeoutMs: how.runTimeoutMs },
  });
  const { control } = rig.simulator;
  const written = await writePictures(rig.folder, images);
  control.hold();
  await rig.start({ watch: true });
  await control.until((stats) => stats.accepted === atOnce);
  await how.strike(rig);
  const puts = control.stats().requests.put;
  if (how.luck === 0) {
    const closed = await within(PATIENCE_MS, rig.untilGate("results-lost"));
    book.check(closed, `${name}: nobody noticed that the server lost its runs`);
    // Behind the gate the server is looked at, not filled again.
    const behind = control.stats().requests.put - puts;
    book.check(behind <= atOnce / 2, `${name}: ${String(behind)} submissions before it was looked at`);
  }
  const done = await within(
    PATIENCE_MS,
    rig.untilLedger((ledger) => ledger.done === images),
  );
  book.check(done, `${name}: ${JSON.stringify((await rig.runner.ledger()).ledger)} in the end`);
  const warnings = closings(rig, "results-lost");
  // Where good results come in between, the server has lost single results and not its memory.
  book.check(how.luck > 0 ? warnings <= 1 : warnings === 1, `${name}: ${String(warnings)} warnings`);
  if (done) await checkAllDone(book, rig, written);
  const lost = (await rig.images()).reduce((sum, image) => sum + image.lost, 0);
  book.check(
    lost <= atOnce && lost >= atOnce - how.luck,
    `${name}: ${String(lost)} of ${String(atOnce)} results are known to be lost`,
  );
  book.figure(`${name}: lost results`, lost);
  book.figure(`${name}: warnings`, warnings);
}

/** A server that never gives any result: it is asked less and less, and each image fails in words. */
async function stuck(book: Notebook, images: number): Promise<void> {
  await using rig = await openRig({
    speed: SPEED,
    simulator: { longPollMs: 5 },
    limits: { concurrency: 4, runTimeoutMs: RUN_TIMEOUT_MS },
  });
  await writePictures(rig.folder, images);
  rig.simulator.control.script({ on: "put", fault: { kind: "endless" }, times: "always" });
  const { ledger } = await rig.runToEnd();
  const { requests } = rig.simulator.control.stats();
  book.check(ledger.failed === images, `202 for ever for all: ${JSON.stringify(ledger)}`);
  book.check(requests.put <= MOST_RUNS * images, `202 for ever for all: ${String(requests.put)} submissions`);
  const silent = (await rig.images()).filter((image) => wordsOf(image) === "");
  book.check(
    silent.length === 0,
    `202 for ever for all: ${String(silent.length)} images failed without words`,
  );
  const warnings = closings(rig, "results-lost");
  book.check(warnings > 0, "202 for ever for all: nobody was warned");
  book.figure("202 for ever for all: submissions", requests.put);
}

async function run({ short }: Size): Promise<Verdict> {
  const book = createNotebook();
  await oneOfEach(book);
  for (const how of short ? FORGETTINGS.slice(0, 1) : FORGETTINGS) await forget(book, how, short ? 24 : 80);
  if (!short) await stuck(book, 8);
  return book.verdict();
}

export const runner: Runner = {
  promise:
    "P8: whatever the server answers (odd run ids, odd results, 202 for ever, 504 on every start, all runs forgotten), each image ends in a worded state and is never run more than three times by itself.",
  inShortForm: false,
  limitS: { short: 90, full: 150 },
  run,
  controls: [
    {
      name: "storm",
      without: "the gate that closes when results are lost one after the other",
      patches: [
        {
          file: "electron/engine/dispatch/trouble.ts",
          find: 'waitThenOne("results-lost", null);',
          replace: "",
        },
      ],
    },
    {
      name: "budget",
      without: "the limit on how often one image is sent again",
      patches: [
        {
          file: "electron/engine/transitions.ts",
          find: "uncertain: 2, lost: 2,",
          replace: "uncertain: 5, lost: 5,",
        },
      ],
    },
    {
      name: "one-warning",
      without: "the one warning for all that the server forgot at once",
      size: "full",
      patches: [
        {
          file: "electron/engine/dispatch/trouble.ts",
          find: "submittedMono < lastStormMono || ",
          replace: "",
        },
      ],
    },
    {
      name: "raw",
      without: "the raw answer that is kept when it cannot be read",
      patches: [
        {
          file: "electron/engine/dispatch/finish.ts",
          find: "await dispatch.spool.moveTo(runId, rawFile);",
          replace: "await dispatch.spool.remove(runId);",
        },
      ],
    },
  ],
};
