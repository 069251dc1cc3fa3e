import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { temporaryPath } from "../../../electron/engine/results/durable-file.ts";
import { createRandom, type Random } from "../../../electron/simulator/random.ts";
import type { EngineProcess } from "../../support/crash-loop.ts";
import { openRig, type Rig } from "../../support/open-rig.ts";
import { writePicture } from "../../support/pictures.ts";
import { lostSteps, stepsIn } from "../support/acknowledged.ts";
import { brokenFile, brokenInvariants, brokenLedger, lookInto } from "../support/invariants.ts";
import { createNotebook, type Notebook, type Runner, type Size, type Verdict } from "../support/runner.ts";
import { ENGINE_SPEED, startEngine } from "../support/start-engine.ts";
import { cannotTrace, injecting, noting, ONE_FILE_THREAD, type Injection } from "../support/strace.ts";

/** Pictures that each life finds anew, besides what the last one left. */
const PICTURES_A_LIFE = 2;
/** An engine that neither goes on nor ends has been waited for long enough; real milliseconds. */
const LIMIT_MS = 30_000;

/** One data folder through many lives. */
interface Chain {
  rig: Rig;
  book: Notebook;
  written: Map<string, string>;
  lives: number;
}

async function openChain(book: Notebook): Promise<Chain> {
  const rig = await openRig({
    speed: ENGINE_SPEED,
    limits: { concurrency: 3, runTimeoutMs: 60_000 },
    simulator: { latency: { minMs: 0, maxMs: 2 } },
  });
  return { rig, book, written: new Map(), lives: 0 };
}

const count = (rig: Rig): number => rig.simulator.control.stats().requests.put;

async function addPictures(chain: Chain): Promise<void> {
  for (let n = 0; n < PICTURES_A_LIFE; n++) {
    const number = chain.written.size + 1;
    const path = `${String(number).padStart(4, "0")}.png`;
    chain.written.set(path, await writePicture(chain.rig.folder, path, number));
  }
}

/** Files that SQLite writes, and the folder that names them. */
function dataPaths({ dataFile }: Rig): string[] {
  return [dataFile, `${dataFile}-wal`, dirname(dataFile)];
}

/** Files of raw answers and of results, and their folders. */
function filePaths({ rig, written }: Chain): string[] {
  const spool = `${rig.dataFile}.spool`;
  const lastRun = count(rig) + 30;
  const parts = Array.from({ length: lastRun }, (_, i) => join(spool, `${String(i + 1)}.part`));
  const results = [...written.keys()].map((path) =>
    String(temporaryPath(join(rig.resultsFolder, `${path}.json`))),
  );
  return [spool, ...parts.slice(-60), rig.resultsFolder, ...results.slice(-30)];
}

/** An engine neither went on nor ended. */
class Stuck extends Error {}

type Ending = "killed" | "complete" | "refused" | "silent" | "stuck";

async function endingOf(engine: EngineProcess): Promise<Ending> {
  const tooLong = new AbortController();
  const timer = setTimeout(() => {
    tooLong.abort();
    void engine.kill();
  }, LIMIT_MS);
  const ending = await engine.ending();
  clearTimeout(timer);
  if (tooLong.signal.aborted) return "stuck";
  if (ending !== null) return ending.kind === "complete" ? "complete" : "silent";
  if (engine.child.signalCode === "SIGKILL") return "killed";
  return engine.lines.some((line) => /^(refused|unprepared) /.test(line)) ? "refused" : "silent";
}

/** What holds at every moment: a whole file, a true ledger, and everything that was said. */
function look({ rig, book }: Chain, engine: EngineProcess, what: string): void {
  // Killed before the file was made: then nothing was said either.
  if (!existsSync(rig.dataFile) || !engine.lines.includes("open")) return;
  const broken = lookInto(rig.dataFile, (db) => [
    ...brokenFile(db),
    ...brokenLedger(db),
    ...lostSteps(db, stepsIn(engine.lines)),
  ]);
  for (const sentence of broken) book.check(false, `${what}: ${sentence}`);
}

async function live(chain: Chain, injection: Injection): Promise<Ending> {
  const { rig, book } = chain;
  await addPictures(chain);
  const log = join(dirname(rig.folder), `strace-${String(++chain.lives)}`);
  const engine = startEngine(rig, {
    env: ONE_FILE_THREAD,
    under: injecting(injection, log),
    orders: { tellSteps: true },
  });
  const ending = await endingOf(engine);
  const what = `${injection.fault} at ${injection.call} ${String(injection.when)}`;
  look(chain, engine, what);
  const isTold = ending === "killed" || ending === "complete" || ending === "refused";
  book.check(isTold, `${what}: the engine is ${ending}; it said ${engine.lines.slice(-2).join(" | ")}`);
  for (const line of engine.lines.filter(
    (said) => said.startsWith("problem ") && said.includes('"internal"'),
  ))
    book.check(false, `${what}: ${line.slice(0, 300)}`);
  if (ending === "stuck") throw new Stuck();
  return ending;
}

/** A life without any fault: everything comes to its end. */
async function endWell(chain: Chain): Promise<void> {
  await addPictures(chain);
  const engine = startEngine(chain.rig);
  const ending = await endingOf(engine);
  for (const sentence of await brokenInvariants(chain.rig, chain.written)) chain.book.check(false, sentence);
  chain.book.check(ending === "complete", `Left alone, the engine is ${ending}`);
  if (ending === "stuck") throw new Stuck();
}

interface Counts {
  killed: number;
  errors: number;
  refused: number;
}

/** SIGKILL at the n-th call; false when the life came to its end before. */
async function killAt(chain: Chain, counts: Counts, injection: Omit<Injection, "fault">): Promise<boolean> {
  const ending = await live(chain, { ...injection, fault: "SIGKILL" });
  if (ending === "killed") counts.killed++;
  return ending === "killed";
}

/** At each call from the first to the last; short: at some. */
async function killAtEach(
  chain: Chain,
  counts: Counts,
  { short, paths }: { short: boolean; paths: (chain: Chain) => string[] },
): Promise<number> {
  let when = 1;
  while (await killAt(chain, counts, { call: "fsync", when, paths: paths(chain) })) {
    if (short && when >= 10) return when;
    when += short ? 3 : 1;
  }
  return when - 1;
}

/** The making of the data file, which happens once: each kill meets a folder of its own. */
async function killWhileMade(book: Notebook, counts: Counts, kills: readonly number[]): Promise<void> {
  for (const when of kills) {
    const chain = await openChain(book);
    await using rig = chain.rig;
    await killAt(chain, counts, { call: "fsync", when, paths: dataPaths(rig) });
    await endWell(chain);
  }
}

/** Errors in place of calls, the same again after so many, so that what is tried again can succeed. */
function errors(chain: Chain, random: Random, short: boolean): Injection[] {
  const files = filePaths(chain);
  const [, wal = ""] = dataPaths(chain.rig);
  const each = (["EIO", "ENOSPC"] as const).flatMap((fault): Injection[] => [
    { call: "fsync", fault, when: random.between(1, 4), every: 4 },
    { call: "fsync", fault, when: random.between(1, 3), every: 3, paths: files },
    { call: "pwrite64", fault, when: random.between(1, 90), every: 97, paths: [wal, chain.rig.dataFile] },
    { call: "write", fault, when: random.between(1, 3), every: 3, paths: files },
  ]);
  return short
    ? each.filter((_, i) => [1, 2, 4].includes(i))
    : [...each, ...each.map((one) => ({ ...one, when: one.when + 1 }))];
}

const injectedIn = (chain: Chain): number =>
  readFileSync(join(dirname(chain.rig.folder), `strace-${String(chain.lives)}`), "utf8").split("(INJECTED)")
    .length - 1;

async function failAtSome(chain: Chain, counts: Counts, random: Random, short: boolean): Promise<void> {
  for (const injection of errors(chain, random, short)) {
    const ending = await live(chain, { ...injection });
    counts.errors += injectedIn(chain);
    if (ending === "refused") counts.refused++;
  }
}

/** How many calls a short batch makes. */
async function countCalls(chain: Chain): Promise<Record<string, number>> {
  await addPictures(chain);
  const log = join(dirname(chain.rig.folder), "strace-count");
  const calls = ["fsync", "pwrite64", "write", "writev"];
  await endingOf(startEngine(chain.rig, { env: ONE_FILE_THREAD, under: noting(calls, log) }));
  const lines = readFileSync(log, "utf8").split("\n");
  return Object.fromEntries(
    calls.map((call) => [call, lines.filter((line) => line.includes(` ${call}(`)).length]),
  );
}

async function run({ short, seed }: Size): Promise<Verdict> {
  const book = createNotebook();
  const counts: Counts = { killed: 0, errors: 0, refused: 0 };
  const chain = await openChain(book);
  await using rig = chain.rig;
  try {
    await strikeAll(chain, counts, { short, random: createRandom(seed) });
  } catch (error) {
    // It is in the book already, and every further life would be as stuck.
    if (!(error instanceof Stuck)) throw error;
  }
  book.figure("lives", chain.lives);
  book.figure("kills", counts.killed);
  book.figure("errors injected", counts.errors);
  book.figure("refused to start, saying why", counts.refused);
  book.figure("images", chain.written.size);
  book.figure("submissions", rig.puts);
  book.check(counts.killed >= (short ? 4 : 40), `Only ${String(counts.killed)} kills struck`);
  book.check(counts.errors > 3, `Only ${String(counts.errors)} errors struck`);
  return book.verdict();
}

async function strikeAll(
  chain: Chain,
  counts: Counts,
  { short, random }: { short: boolean; random: Random },
): Promise<void> {
  const { rig, book } = chain;
  const calls = await countCalls(chain);
  await endWell(chain);

  await killWhileMade(book, counts, short ? [random.between(2, 6)] : [1, 2, 3, 4, 5, 6]);
  const paths = (at: Chain): string[] => dataPaths(at.rig);
  const ofData = await killAtEach(chain, counts, { short, paths });
  const ofFiles = await killAtEach(chain, counts, { short, paths: filePaths });
  for (let n = 0; n < (short ? 1 : 12); n++) {
    const [file = "", wal = ""] = dataPaths(rig);
    await killAt(chain, counts, { call: "pwrite64", when: random.between(1, 400), paths: [wal, file] });
    await killAt(chain, counts, { call: "write", when: random.between(10, 100) });
  }
  await failAtSome(chain, counts, random, short);
  await endWell(chain);

  for (const [call, n] of Object.entries(calls)) book.figure(`${call} of a batch`, n);
  book.figure("last fsync of the data file", ofData);
  book.figure("last fsync of answers and results", ofFiles);
}

export const runner: Runner = {
  promise:
    "P1, P7, P19: killed at every fsync and at a sample of other writes, and with EIO and ENOSPC in their place, the engine goes on or says why not; nothing it said is lost.",
  inShortForm: false,
  limitS: { short: 120, full: 600 },
  cannotRun: cannotTrace,
  run,
  controls: [
    {
      name: "bytes-first",
      without: "the order of bytes before their row: an answer is recorded before it is on the disk",
      patches: [
        {
          file: "electron/engine/dispatch/collect.ts",
          find: "answer = await writer.commit();",
          replace: `await dispatch.store.call("receiveResult", {
      runId: run.runId,
      bodyBytes: 0,
      bodySha256: new Uint8Array(32),
      at: dispatch.clock.now(),
    });
    answer = await writer.commit();`,
        },
      ],
    },
    {
      name: "refused-commits",
      without: "the next try of a commit that the disk refuses",
      patches: [
        {
          file: "electron/engine/store/store.ts",
          find: 'if (ended !== null || closing.signal.aborted || options.mode === "read") {',
          replace: "if (reply.failed !== null) {",
        },
      ],
    },
    {
      name: "clear-refusal",
      without: "the words for a disk that refuses the folder of answers",
      patches: [
        {
          file: "electron/engine/engine.ts",
          find: "const code = errorCode(error);\n    if (code === null) throw error;",
          replace: "throw error;",
        },
      ],
    },
  ],
};
