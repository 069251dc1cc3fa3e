import { FAULT_NAMES, type FaultRates } from "../../../electron/simulator/fault-names.ts";
import { createRandom, type Random } from "../../../electron/simulator/random.ts";
import type { EngineProcess } from "../../support/crash-loop.ts";
import { openRig, type Rig } from "../../support/open-rig.ts";
import { writePictures } from "../../support/pictures.ts";
import { ENGINE_SPEED, startEngine } from "../support/start-engine.ts";
import { brokenFile, brokenInvariants, brokenLedger, lookInto } from "../support/invariants.ts";
import { NO_INTENT } from "../support/no-intent.ts";
import { createNotebook, type Notebook, type Runner, type Size, type Verdict } from "../support/runner.ts";

/** Every kind at once; each often enough to strike in the full form many times over. */
const FAULTS: Record<(typeof FAULT_NAMES)[number], number> = {
  "put-reset-before": 0.03,
  "put-reset-after": 0.02,
  "put-429": 0.02,
  "put-503": 0.02,
  "put-504": 0.01,
  "put-html": 0.01,
  "get-cut": 0.03,
  "get-lost": 0.02,
  "get-502": 0.01,
  "run-500": 0.02,
  "run-520": 0.01,
  "endless-202": 0.005,
  "jwt-short": 0.05,
};
/** A life that a gate holds up ends by itself, so that the loop goes on; milliseconds. */
const LONGEST_LIFE_MS = 6_000;
/** The promise, in real time although the engine's clock is faster: recovery is what takes time. */
const FIRST_SUBMISSION_MS = 5_000;

interface Loop {
  rig: Rig;
  book: Notebook;
  random: Random;
  looks: number;
  /** Lives that had something to submit, and how long each took to do so, in milliseconds. */
  firstSubmissions: number[];
}

const putsOf = (rig: Rig): number => rig.simulator.control.stats().requests.put;
const requestsOf = (rig: Rig): number => rig.simulator.control.stats().arrivalsMs.length;

function look(loop: Loop, when: string): void {
  loop.looks++;
  for (const sentence of lookInto(loop.rig.dataFile, brokenLedger))
    loop.book.check(false, `${when}: ${sentence}`);
}

/** Looks at the ledger again and again while the engine works, through a connection of its own. */
function keepLooking(loop: Loop): () => void {
  const timer = setInterval(() => look(loop, "While it ran"), 250);
  return () => clearInterval(timer);
}

/** Rows that can be submitted at once. */
function dueNow(rig: Rig): number {
  return lookInto(rig.dataFile, (db) => {
    const row = db
      .sql("SELECT count(*) AS n FROM images WHERE current = 1 AND stage = 'READY' AND nextAt = 0")
      .get();
    return (row as { n: number }).n;
  });
}

async function reached(
  rig: Rig,
  engine: EngineProcess,
  count: "puts" | "taken" | "requests",
  at: number,
  ms: number,
) {
  const enough = new AbortController();
  const timer = setTimeout(() => enough.abort(), ms);
  const holds = rig.simulator.control.until((stats) => {
    const now = { puts: stats.requests.put, taken: stats.taken, requests: stats.arrivalsMs.length };
    return now[count] >= at;
  }, enough.signal);
  const ended = engine.ending().then(() => enough.abort());
  const wasReached = await holds.then(
    () => true,
    () => false,
  );
  clearTimeout(timer);
  void ended;
  return wasReached;
}

/** One life: it works off its share of what is left, then meets its end at a random moment. */
async function liveAndDie(loop: Loop, share: number): Promise<void> {
  const { rig, random } = loop;
  const due = dueNow(rig);
  const { taken, requests } = rig.simulator.control.stats();
  const startedAt = performance.now();
  const engine = startEngine(rig);
  const stopLooking = keepLooking(loop);
  if (random.chance(0.15)) {
    // Anywhere in its start: while it opens, recovers, signs in.
    await new Promise((resolve) => setTimeout(resolve, random.between(50, 900)));
  } else {
    if (due > 0 && (await reached(rig, engine, "puts", requests.put + 1, LONGEST_LIFE_MS)))
      loop.firstSubmissions.push(performance.now() - startedAt);
    await reached(rig, engine, "taken", taken + random.between(0, 2 * share), LONGEST_LIFE_MS);
    // While a submission is on its way, or after any other request.
    if (random.chance(0.7)) await reached(rig, engine, "puts", putsOf(rig) + 1, 1_000);
    else await reached(rig, engine, "requests", requestsOf(rig) + random.between(1, 20), 1_000);
  }
  stopLooking();
  await engine.kill();
}

/** The last life is left alone; `limitMs` of real time is far more than it needs. */
async function liveToTheEnd(loop: Loop, limitMs: number): Promise<string> {
  const engine = startEngine(loop.rig);
  const stopLooking = keepLooking(loop);
  const timer = setTimeout(() => void engine.kill(), limitMs);
  const ending = await engine.ending();
  clearTimeout(timer);
  stopLooking();
  return ending?.kind ?? "none";
}

function seen(stats: ReturnType<Rig["simulator"]["control"]["stats"]>): string[] {
  return FAULT_NAMES.filter((name) => (stats.faults[name] ?? 0) > 0);
}

async function run({ short, seed }: Size): Promise<Verdict> {
  const book = createNotebook();
  const [images, kills] = short ? [80, 7] : [2_000, 100];
  const faults: FaultRates = FAULTS;
  await using rig = await openRig({
    speed: ENGINE_SPEED,
    simulator: { seed, latency: { minMs: 1, maxMs: 20 }, jwtSeconds: 2, faults },
    limits: { concurrency: 10, runTimeoutMs: 60_000 },
  });
  const loop: Loop = { rig, book, random: createRandom(seed), looks: 0, firstSubmissions: [] };
  // A life without pictures makes the data file that is looked into, and leaves what makes the next ones start sooner.
  await startEngine(rig).ending();
  const written = await writePictures(rig.folder, images);

  for (let killed = 0; killed < kills; killed++) {
    const { taken } = rig.simulator.control.stats();
    const left = Math.max(0, images - taken);
    await liveAndDie(loop, Math.floor(left / (kills - killed + 1)));
    look(loop, `After kill ${String(killed + 1)}`);
    for (const sentence of lookInto(rig.dataFile, brokenFile)) book.check(false, sentence);
  }
  const end = await liveToTheEnd(loop, short ? 30_000 : 120_000);
  for (const sentence of await brokenInvariants(rig, written)) book.check(false, sentence);
  book.check(end === "complete", `Left alone, it came to this end: ${end}`);
  tell(loop, { images, kills, short });
  return book.verdict();
}

/** The figures, and that the proof had something to show. */
function tell(
  { rig, book, looks, firstSubmissions }: Loop,
  size: { images: number; kills: number; short: boolean },
) {
  const stats = rig.simulator.control.stats();
  const told = lookInto(rig.dataFile, (db) => ({
    done: (db.sql("SELECT count(*) AS n FROM images WHERE stage = 'DONE'").get() as { n: number }).n,
    events: db.sql("SELECT kind, count(*) AS n FROM events GROUP BY kind").all() as {
      kind: string;
      n: number;
    }[],
  }));
  const count = (kind: string): number => told.events.find((event) => event.kind === kind)?.n ?? 0;
  const sorted = [...firstSubmissions].sort((a, b) => a - b);
  // One start in twenty may be held up by what else runs on this machine.
  const usual = sorted[Math.ceil(sorted.length * 0.95) - 1] ?? 0;
  book.figure("images", size.images);
  book.figure("kills", size.kills);
  book.figure("kills that met runs in flight", count("ended-without-word"));
  book.figure("kinds of fault", seen(stats).length);
  book.figure(
    "faults",
    Object.values(stats.faults).reduce((sum, n) => sum + n, 0),
  );
  book.figure("submissions accepted", stats.accepted);
  book.figure("sent again", count("sent-again"));
  book.figure("lost", count("result-lost"));
  book.figure("workflow errors", count("workflow-failed"));
  book.figure("done", told.done);
  book.figure("failed with a reason", size.images - told.done);
  book.figure("looks at the ledger", looks);
  book.figure("median first submission (ms)", Math.round(sorted[Math.floor(sorted.length / 2)] ?? 0));
  book.figure("first submission of 95 % within (ms)", Math.round(usual));
  book.check(
    // Of a handful of starts none is the usual one.
    size.short || usual < FIRST_SUBMISSION_MS,
    `One restart in twenty took longer than ${String(Math.round(usual))} ms to its first submission`,
  );
  book.check(firstSubmissions.length > 0, "No restart had anything to submit, so nothing is shown");
  book.check(
    count("ended-without-word") * 3 > size.kills,
    "Most kills met nothing in flight, so little is shown",
  );
  const expected = size.short ? 5 : FAULT_NAMES.length;
  book.check(seen(stats).length >= expected, `Only ${seen(stats).join(", ")} struck`);
}

export const runner: Runner = {
  promise:
    "P2, P6, P16, P20: killed at any moment and with every fault at once, each image ends with exactly one result of its own bytes or a visible failure; no submission is unexplained; work goes on within 5 s.",
  inShortForm: true,
  limitS: { short: 90, full: 600 },
  run,
  controls: [
    {
      name: "intent",
      without: "the intent that is committed before anything is sent",
      // A handful of kills may all miss the moment between the server's yes and the row.
      size: "full",
      patches: NO_INTENT,
    },
    {
      name: "adoption",
      without: "the taking up of runs that an earlier life left open",
      patches: [
        {
          file: "electron/engine/dispatch/pump.ts",
          find: 'await dispatch.store.call("openRuns", dispatch.batchId)',
          replace: "[] as OpenRun[]",
        },
      ],
    },
    {
      name: "one-question",
      without: "the list of runs that are already being followed",
      patches: [
        {
          file: "electron/engine/dispatch/pump.ts",
          find: 'held.has(run.imageId) || finishingIds.has(run.imageId) || run.state === "RECEIVED"',
          replace: 'run.state === "RECEIVED"',
        },
      ],
    },
    {
      name: "own-answer",
      without: "a file of its own for the answer of each run",
      patches: [
        {
          file: "electron/engine/results/spool.ts",
          find: "return join(root, `${runId}.${ending}`);",
          replace: "return join(root, `${Math.ceil(runId / 2)}.${ending}`);",
        },
      ],
    },
  ],
};
