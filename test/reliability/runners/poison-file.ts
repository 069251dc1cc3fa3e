import { IMAGE_STATES } from "../../../electron/contract/image.ts";
import { createRandom } from "../../../electron/simulator/random.ts";
import {
  startEngineProcess,
  type EngineProcess,
  type EngineProcessOptions,
} from "../../support/crash-loop.ts";
import { openRig, type Rig } from "../../support/open-rig.ts";
import { writePicture, writePictures } from "../../support/pictures.ts";
import { brokenInvariants, lookInto } from "../support/invariants.ts";
import { createNotebook, type Notebook, type Runner, type Size, type Verdict } from "../support/runner.ts";

const SPEED = 50;
const POISON = new URL("../support/poison.ts", import.meta.url).href;
/** Twice among others, twice alone; one more start sets it aside and goes on to the end. */
const MOST_DEATHS = 4;
const STEPS = ["reading", "sending", "parsing"] as const;
type Step = (typeof STEPS)[number];

const countEvents = (rig: Rig, kind: string): number =>
  lookInto(rig.dataFile, (db) => db.sql("SELECT id FROM events WHERE kind = ?").all(kind).length);

function options(step: Step, sha256: string): EngineProcessOptions {
  const order = step === "reading" ? "reading poison.png" : `parsing ${sha256}`;
  if (step === "sending") return { speed: SPEED };
  return { speed: SPEED, nodeArgs: [`--import=${POISON}`], env: { NIGHTRUN_TEST_POISON: order } };
}

/** A poison that works while it is sent: the process dies when the server has its bytes, before it answers. */
async function killWhenSent(rig: Rig, engine: EngineProcess, sha256: string): Promise<void> {
  const puts = (): number => rig.simulator.control.stats().images[sha256]?.puts ?? 0;
  const before = puts();
  const ended = new AbortController();
  void engine.ending().then(() => ended.abort());
  await rig.simulator.control.until(() => puts() > before, ended.signal).catch(() => undefined);
  await engine.kill();
}

async function liveUntilTheEnd(rig: Rig, step: Step, sha256: string): Promise<number> {
  for (let deaths = 0; deaths <= MOST_DEATHS; deaths++) {
    const engine = startEngineProcess(rig, options(step, sha256));
    if (step === "sending") void killWhenSent(rig, engine, sha256);
    if ((await engine.ending())?.kind === "complete") return deaths;
  }
  return MOST_DEATHS + 1;
}

/** One poison among others: they are done, it is set aside with words, and a retry frees it. */
async function proveStep(book: Notebook, step: Step, images: number): Promise<void> {
  await using rig = await openRig({ speed: SPEED, limits: { concurrency: 5 } });
  const written = await writePictures(rig.folder, images);
  const sha256 = await writePicture(rig.folder, "0000-poison.png", 999_999);
  if (step === "sending")
    rig.simulator.control.script({ on: "put", fault: { kind: "stall" }, sha256, times: "always" });
  const deaths = await liveUntilTheEnd(rig, step, sha256);
  book.figure(`deaths while ${step}`, deaths);
  book.check(deaths > 1, `Nothing died while ${step}`);
  book.check(deaths <= MOST_DEATHS, `A poison while ${step} kills the program for ever`);
  if (deaths > MOST_DEATHS) return;
  const found = await rig.images();
  const poison = found.find((image) => image.path === "0000-poison.png");
  book.check(
    poison?.stage === "FAILED" && poison.reason === "quarantined",
    `The poison while ${step} is ${poison?.stage ?? "gone"} (${poison?.reason ?? "no reason"})`,
  );
  const others = found.filter((image) => image.path !== "0000-poison.png");
  const done = others.filter((image) => image.stage === "DONE");
  book.check(
    done.length === images,
    `${String(images - done.length)} innocent images are not done (${step})`,
  );
  await rig.close();
  for (const sentence of await brokenInvariants(rig, new Map([...written, ["0000-poison.png", sha256]])))
    book.check(false, sentence);
  if (step === "parsing") await retryCured(book, rig, images);
}

/** The cause is mended: a retry frees it, and needs no other run because its result was safe. */
async function retryCured(book: Notebook, rig: Rig, images: number): Promise<void> {
  const { store } = await rig.open();
  const states = [...IMAGE_STATES];
  const scope = {
    batchId: 1,
    states,
    reason: "quarantined",
    search: "",
    label: null,
    imageIds: null,
  } as const;
  const puts = rig.puts;
  await store.call("retryImages", { scope, at: rig.clock.now(), mono: rig.clock.mono() });
  const { ledger } = await rig.runToEnd();
  book.check(ledger.done === images + 1, `After the retry ${String(ledger.done)} images are done`);
  book.check(rig.puts === puts, "The result of the poison was safe, and yet it was sent again");
}

/** Kills from outside, at random: nobody is set aside for them. */
async function proveInnocents(
  book: Notebook,
  size: { images: number; kills: number; seed: number },
): Promise<void> {
  const latency = { minMs: 1, maxMs: 20 };
  await using rig = await openRig({ speed: SPEED, simulator: { latency }, limits: { concurrency: 8 } });
  const random = createRandom(size.seed);
  const written = await writePictures(rig.folder, size.images);
  for (let kill = 1; kill <= size.kills; kill++) {
    const engine = startEngineProcess(rig, { speed: SPEED });
    await engine.said("open");
    await new Promise((resolve) => setTimeout(resolve, random.between(0, 450)));
    await engine.kill();
  }
  const ending = await startEngineProcess(rig, { speed: SPEED }).ending();
  book.check(ending?.kind === "complete", `After the kills it ended with ${JSON.stringify(ending)}`);
  const found = await rig.images();
  await rig.close();
  const aside = found.filter((image) => image.reason === "quarantined");
  book.figure("kills at random", size.kills);
  book.figure("kills that met runs in flight", countEvents(rig, "ended-without-word"));
  book.figure("times that innocents were suspected", countEvents(rig, "suspects-wait"));
  book.figure("innocents set aside", aside.length);
  for (const image of aside) book.check(false, `${image.path} was set aside for kills that were not its own`);
  for (const sentence of await brokenInvariants(rig, written)) book.check(false, sentence);
}

/** After three ends without a word the next start has one run outstanding, until that goes well. */
async function proveStorm(book: Notebook): Promise<void> {
  await using rig = await openRig({ speed: SPEED, limits: { concurrency: 8 } });
  await writePictures(rig.folder, 20);
  for (let kill = 1; kill <= 3; kill++) {
    const engine = startEngineProcess(rig, { speed: 1 });
    await engine.said("open");
    await engine.kill();
  }
  rig.simulator.control.hold();
  const engine = startEngineProcess(rig, { speed: 1 });
  await rig.simulator.control.until((stats) => stats.accepted > 0);
  // Long enough for all of them, were they sent at once.
  await new Promise((resolve) => setTimeout(resolve, 500));
  const { accepted } = rig.simulator.control.stats();
  book.figure("runs outstanding after a storm", accepted);
  book.check(accepted === 1, `After three crashes it started with ${String(accepted)} runs at once`);
  rig.simulator.control.release();
  await engine.ending();
  book.check(countEvents(rig, "restart-storm") > 0, "Nothing is said of the restarts");
}

async function run({ short, seed }: Size): Promise<Verdict> {
  const book = createNotebook();
  const isKept = (): boolean => book.verdict().broken.length === 0;
  await proveStorm(book);
  // What is broken is broken: each death costs a start.
  for (const step of STEPS) if (isKept()) await proveStep(book, step, short ? 12 : 60);
  if (isKept())
    await proveInnocents(book, short ? { images: 60, kills: 8, seed } : { images: 300, kills: 30, seed });
  return book.verdict();
}

export const runner: Runner = {
  promise:
    "P26: a picture that kills the program is set aside after it did so alone twice, and all others are done; kills from outside set nothing aside; after three crashes it starts with one run at a time.",
  inShortForm: false,
  limitS: { short: 240, full: 300 },
  run,
  controls: [
    {
      name: "quarantine",
      without: "the setting aside of what kills the program",
      patches: [
        {
          file: "electron/engine/transitions.ts",
          find: "const isProven = crashes >= CRASHES.proof;",
          replace: "const isProven = crashes < 0;",
        },
      ],
    },
    {
      name: "alone",
      without: "the proof that it was in hand alone",
      patches: [
        {
          file: "electron/engine/transitions.ts",
          find: "const crashes = image.crashes + (wasAlone ? 1 : 0);",
          replace: "const crashes = image.crashes + 1;",
        },
      ],
    },
    {
      name: "storm",
      without: "the careful start after crashes",
      patches: [
        {
          file: "electron/engine/batch-runner.ts",
          find: "options.isCareful ? 1 : concurrency",
          replace: "",
        },
      ],
    },
  ],
};
