import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { openWriter, type Database } from "../../../electron/engine/store/database.ts";
import { createRandom, type Random } from "../../../electron/simulator/random.ts";
import type { SimulatorStats } from "../../../electron/simulator/stats.ts";
import { startEngineProcess, type EnginePlace } from "../../support/crash-loop.ts";
import { openRig, type Rig } from "../../support/open-rig.ts";
import { writePictures } from "../../support/pictures.ts";
import { lostSteps, stepsIn } from "../support/acknowledged.ts";
import { brokenFile, brokenInvariants, brokenLedger, shaInResultFile } from "../support/invariants.ts";
import { replay, type Recording } from "../support/replay.ts";
import { NO_INTENT } from "../support/no-intent.ts";
import { createNotebook, type Notebook, type Runner, type Size, type Verdict } from "../support/runner.ts";
import { ENGINE_SPEED } from "../support/start-engine.ts";
import { cannotTrace } from "../support/strace.ts";
import { readTrace, recording } from "../support/trace.ts";

/** An engine that starts on a rebuilt disk has been waited for long enough; real milliseconds. */
const LIMIT_MS = 45_000;

/** One night, recorded, with what it had told when. */
interface Proof {
  rig: Rig;
  book: Notebook;
  random: Random;
  written: Map<string, string>;
  recorded: Recording;
  /** What the server had counted when the recorded night was over. */
  served: SimulatorStats;
  acknowledged: number;
}

async function record(rig: Rig): Promise<Recording> {
  const base = dirname(rig.folder);
  const log = join(base, "trace");
  const engine = startEngineProcess(rig, {
    speed: ENGINE_SPEED,
    under: recording(log),
    orders: { tellSteps: true },
  });
  const ending = await engine.ending();
  if (ending?.kind !== "complete")
    throw new Error(`The recorded night did not end: ${engine.lines.join(" | ")}`);
  return replay(readTrace(readFileSync(log, "latin1")), base, [rig.folder, log]);
}

/** A rebuilt disk, as the places of a night. */
function placesIn(rig: Rig, base: string): EnginePlace & { resultsFolder: string } {
  const moved = (path: string): string => path.replace(dirname(rig.folder), base);
  const resultsFolder = moved(rig.resultsFolder);
  const settings = { ...rig.settings, results: { ...rig.settings.results, resultsFolder } };
  const { simulator, originAt } = rig;
  return { dataFile: moved(rig.dataFile), resultsFolder, settings, simulator, originAt };
}

/** Each image that a request was sent for, and how often. */
function sentBefore({ recorded }: Proof, moment: number): Map<number, number> {
  const counts = new Map<number, number>();
  for (const { end, text } of recorded.sent) {
    const id = Number(/idempotency-key: nightrun-\d+-(\d+)-/i.exec(text)?.[1] ?? Number.NaN);
    if (end <= moment && !Number.isNaN(id)) counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return counts;
}

function lostIntents(db: Database, sent: ReadonlyMap<number, number>): string[] {
  return [...sent].flatMap(([id, n]) => {
    const { rows } = db.sql("SELECT count(*) AS rows FROM runs WHERE imageId = ?").get(id) as {
      rows: number;
    };
    return rows >= n
      ? []
      : [`Image ${String(id)} was sent ${String(n)} times, ${String(rows)} runs are known`];
  });
}

/** Results that the data file calls safe and that cannot be read: raw answers, and files of finished images. */
async function lostResults(
  db: Database,
  place: { dataFile: string; resultsFolder: string },
  written: Map<string, string>,
) {
  const lost: string[] = [];
  const received = db
    .sql(
      "SELECT r.runId, r.bodySha256 FROM results r JOIN runs ON runs.id = r.runId WHERE runs.state = 'RECEIVED'",
    )
    .all() as { runId: number; bodySha256: Uint8Array }[];
  for (const { runId, bodySha256 } of received) {
    const file = join(`${place.dataFile}.spool`, `${String(runId)}.answer`);
    const sha = existsSync(file) ? createHash("sha256").update(readFileSync(file)).digest() : null;
    if (sha === null || !sha.equals(bodySha256))
      lost.push(`The answer of run ${String(runId)} is not what was recorded`);
  }
  const done = db.sql("SELECT path FROM images WHERE stage = 'DONE'").all() as { path: string }[];
  for (const { path } of done)
    if ((await shaInResultFile(place.resultsFolder, path)) !== written.get(path))
      lost.push(`${path} is done, but its result file is not of its bytes`);
  return lost;
}

/** One cut, looked at with the code that opens the data file at every start. */
async function look(proof: Proof, moment: number, base: string): Promise<string[]> {
  const { rig, recorded, written } = proof;
  const place = placesIn(rig, base);
  const steps = stepsIn(recorded.lines.filter(({ end }) => end <= moment).map(({ text }) => text));
  const sent = sentBefore(proof, moment);
  if (!existsSync(place.dataFile))
    return steps.length + sent.size === 0
      ? []
      : [`The data file is gone after ${String(steps.length)} steps`];
  const opened = openWriter(place.dataFile);
  if (!opened.ok) return [`The data file cannot be opened: ${JSON.stringify(opened.failure)}`];
  const db = opened.value;
  try {
    proof.acknowledged += steps.length + sent.size;
    const inFile = [
      ...brokenFile(db),
      ...brokenLedger(db),
      ...lostSteps(db, steps),
      ...lostIntents(db, sent),
    ];
    return [...inFile, ...(await lostResults(db, place, written))];
  } finally {
    db.close();
  }
}

/** One cut, after which the whole engine starts and brings everything to its end. */
async function goOn(proof: Proof, base: string): Promise<string[]> {
  const { rig, written, served } = proof;
  const place = placesIn(rig, base);
  rig.simulator.control.resetStats();
  const engine = startEngineProcess(place, { speed: ENGINE_SPEED });
  const timer = setTimeout(() => void engine.kill(), LIMIT_MS);
  const ending = await engine.ending();
  clearTimeout(timer);
  if (ending?.kind !== "complete")
    return [`Started after the cut, the engine ended with ${JSON.stringify(ending)}`];
  const stats = (): SimulatorStats => {
    const now = rig.simulator.control.stats();
    // Runs of the recorded night are known to the server too, but nobody asks for them after every cut.
    const before = Object.entries(served.runs).map(([uuid, run]) => [uuid, { ...run, gets: 0 }] as const);
    return { ...now, runs: { ...Object.fromEntries(before), ...now.runs } };
  };
  return brokenInvariants({ ...place, simulator: { control: { stats } } }, written);
}

/** Where rebuilt disks lie: in memory where that is possible, because what they are is decided by the replay alone. */
function makeRebuilt(): string {
  return mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "nightrun-cut-"));
}

async function run({ short, seed }: Size): Promise<Verdict> {
  const book = createNotebook();
  const [images, cuts, starts] = short ? [8, 30, 1] : [30, 240, 8];
  await using rig = await openRig({
    speed: ENGINE_SPEED,
    simulator: { seed, latency: { minMs: 1, maxMs: 10 } },
    limits: { concurrency: 4, runTimeoutMs: 60_000 },
  });
  const written = await writePictures(rig.folder, images);
  const recorded = await record(rig);
  const served = rig.simulator.control.stats();
  const random = createRandom(seed);
  const proof: Proof = { rig, book, random, written, recorded, served, acknowledged: 0 };
  let broken = 0;
  for (let cut = 0; cut < cuts; cut++) {
    const base = makeRebuilt();
    const moment = recorded.moments[random.between(0, recorded.moments.length - 1)] ?? 0;
    recorded.rebuild(moment, random, base);
    const isWhole = cut % Math.ceil(cuts / starts) === 0;
    const sentences = isWhole ? await goOn(proof, base) : await look(proof, moment, base);
    if (sentences.length > 0) broken++;
    for (const sentence of sentences) book.check(false, `Cut at event ${String(moment)}: ${sentence}`);
    rmSync(base, { recursive: true });
  }
  book.figure("images", images);
  book.figure("recorded changes and syncs", recorded.moments.length);
  book.figure("steps said", stepsIn(recorded.lines.map(({ text }) => text)).length);
  book.figure("submissions sent", recorded.sent.length);
  book.figure("cuts", cuts);
  book.figure("of them with a whole start", starts);
  book.figure("acknowledgements looked for", proof.acknowledged);
  book.figure("cuts that lost something", broken);
  book.check(recorded.sent.length >= images, "The recording holds too few submissions");
  book.check(proof.acknowledged > cuts * 5, "Too little was acknowledged before the cuts");
  return book.verdict();
}

export const runner: Runner = {
  promise:
    "P1, P7: after a power cut at any moment, with unsynced writes dropped and reordered, the data file is whole, nothing that was said or sent is forgotten, and every finished image has its result.",
  inShortForm: true,
  limitS: { short: 90, full: 300 },
  cannotRun: cannotTrace,
  run,
  controls: [
    {
      name: "normal",
      without: "synchronous=FULL, with SQLite's NORMAL",
      patches: [
        {
          file: "electron/engine/store/database.ts",
          find: 'connection.pragma("synchronous = FULL");',
          replace: 'connection.pragma("synchronous = NORMAL");',
        },
        { file: "electron/engine/store/database.ts", find: "if (synchronous !== 2)", replace: "if (false)" },
      ],
    },
    {
      name: "intent",
      without: "the intent that is committed before anything is sent",
      patches: NO_INTENT,
    },
    {
      name: "answer",
      without: "the fsync of a raw answer",
      patches: [
        {
          file: "electron/engine/results/spool.ts",
          find: "isOpen = false;\n      try {\n        await handle.sync();",
          replace: "isOpen = false;\n      try {",
        },
      ],
    },
    {
      name: "answer-name",
      without: "the fsync of the folder of raw answers",
      patches: [
        {
          file: "electron/engine/results/spool.ts",
          find: "await syncFolder(dirname(complete));",
          replace: "",
        },
      ],
    },
    {
      name: "result-file",
      without: "the fsync of result files",
      patches: [
        {
          file: "electron/engine/results/durable-file.ts",
          find: "await handle.writeFile(data);\n      await handle.sync();",
          replace: "await handle.writeFile(data);",
        },
      ],
    },
    {
      name: "result-name",
      without: "the fsync of the results folder",
      patches: [
        {
          file: "electron/engine/results/files.ts",
          find: "  await syncFolder(folder);",
          replace: "",
        },
      ],
    },
    {
      name: "new-folder",
      without: "the fsync of the folder that a new folder is in",
      patches: [
        {
          file: "electron/engine/make-folder.ts",
          find: "await syncFolder(dirname(folder))",
          replace: "await Promise.resolve()",
        },
      ],
    },
  ],
};
