import { copyFile, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import fc from "fast-check";
import type { ImageState } from "../../../electron/contract/image.ts";
import type { Database } from "../../../electron/engine/store/database.ts";
import { startEngineProcess } from "../../support/crash-loop.ts";
import type { Rig } from "../../support/open-rig.ts";
import { sha256Of, tinyPicture } from "../../support/pictures.ts";
import { brokenLedger, lookInto } from "./invariants.ts";
import { within } from "./within.ts";

export const NIGHT_SPEED = 100;
const PATHS = ["a.png", "b.png", "c.png", "sub/a.png", "sub/d.png"];
const CONTENTS = 7;
/** Real milliseconds. */
const PATIENCE_MS = 25_000;

/** What must be so, whatever the product does: the files, and how often a person asked for another try. */
export interface NightModel {
  files: Map<string, string>;
  isAway: boolean;
}

/** The product, and what the history did to it that has to be made good in the end. */
export interface RealNight {
  readonly rig: Rig;
  /** Where the files lie now. */
  place: string;
  batchId: number;
  isDiskLow: boolean;
  retries: number;
  /** Steps that really did something, by name. */
  readonly done: Map<string, number>;
}

export type NightStep = fc.AsyncCommand<NightModel, RealNight>;

function makeStep(
  name: string,
  run: (model: NightModel, real: RealNight) => Promise<void>,
  check: (model: NightModel) => boolean = () => true,
): NightStep {
  return {
    toString: () => name,
    check,
    async run(model, real) {
      await run(model, real);
      const word = (name.split("(")[0] ?? name).trim();
      real.done.set(word, (real.done.get(word) ?? 0) + 1);
      const broken = lookInto(real.rig.dataFile, brokenNow);
      if (broken.length > 0) throw new Error(broken.join("; "));
    },
  };
}

const pathArb = fc.constantFrom(...PATHS);
const contentArb = fc.integer({ min: 1, max: CONTENTS });

async function put(real: RealNight, path: string, content: number): Promise<string> {
  const bytes = await tinyPicture(content);
  const file = join(real.place, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, bytes);
  return sha256Of(bytes);
}

/** Starts the batch as the app does for batches that were started before. */
export async function startNight(real: RealNight): Promise<void> {
  const engine = await real.rig.open();
  const started = await engine.start(real.batchId, { watch: true });
  if (!started.ok) throw new Error(`The batch could not be started: ${JSON.stringify(started.failure)}`);
}

async function retry(real: RealNight, states: ImageState[]): Promise<void> {
  const { store } = real.rig.engine;
  const scope = { batchId: real.batchId, states, reason: null, search: "", label: null, imageIds: null };
  const { rig } = real;
  await store.call("retryImages", { scope, at: rig.clock.now(), mono: rig.clock.mono() });
  real.retries += 1;
  rig.engine.runner(real.batchId)?.poke();
}

/** The same pictures under other settings: a new revision, or an earlier one again. */
async function changeSettings(real: RealNight, decode: string): Promise<void> {
  const { rig } = real;
  const parameters = [{ taskName: "image_facts", taskIndex: 0, name: "decode", value: decode }];
  rig.settings = { ...rig.settings, decision: { ...rig.settings.decision, parameters } };
  const prepared = await rig.engine.prepare(rig.settings);
  // While the deployment or the folder is away, settings cannot be checked: then they stay.
  if (prepared.ok) await rig.engine.saveBatch(real.batchId, prepared.value);
}

async function killedSession(real: RealNight, aliveMs: number): Promise<void> {
  await real.rig.close();
  const engine = startEngineProcess(real.rig, { speed: NIGHT_SPEED });
  await engine.said("open").catch(() => "");
  await real.rig.clock.sleep(aliveMs * NIGHT_SPEED);
  await engine.kill();
  await startNight(real);
}

/** A picture appears or is replaced. */
export function writeStep(path: string, content: number): NightStep {
  return makeStep(`write(${path}, picture ${String(content)})`, async (model, real) => {
    model.files.set(path, await put(real, path, content));
  });
}

export function deleteStep(path: string): NightStep {
  return makeStep(
    `delete(${path})`,
    async (model, real) => {
      await rm(join(real.place, path));
      model.files.delete(path);
    },
    (model) => model.files.has(path),
  );
}

export function pauseStep(pause: boolean): NightStep {
  return makeStep(pause ? "pause()" : "resume()", async (_model, real) => {
    const runner = real.rig.engine.runner(real.batchId);
    await (pause ? runner?.pause() : runner?.resume());
  });
}

/** Real milliseconds pass. */
export function passStep(ms: number): NightStep {
  return makeStep(`pass(${String(ms)} ms)`, (_model, real) => real.rig.clock.sleep(ms * NIGHT_SPEED));
}

/** From now on the deployment finishes no run, or all of them again. */
export function holdStep(hold: boolean): NightStep {
  return makeStep(hold ? "runs hang()" : "runs go on()", (_model, real) => {
    const { control } = real.rig.simulator;
    if (hold) control.hold();
    else control.release();
    return Promise.resolve();
  });
}

const write = fc.tuple(pathArb, contentArb).map(([path, content]) => writeStep(path, content));
const pass = fc.integer({ min: 10, max: 400 }).map(passStep);

/** What people, machines and servers do, one step at a time; what is here more than once comes more often. */
export const nightSteps: fc.Arbitrary<NightStep>[] = [
  write,
  write,
  write,
  pass,
  pass,
  pass,
  fc.tuple(pathArb, pathArb).map(([from, to]) =>
    makeStep(
      `rename(${from}, ${to})`,
      async (model, real) => {
        await mkdir(dirname(join(real.place, to)), { recursive: true });
        await rename(join(real.place, from), join(real.place, to));
        const sha256 = model.files.get(from) ?? "";
        model.files.delete(from);
        model.files.set(to, sha256);
      },
      (model) => model.files.has(from) && from !== to,
    ),
  ),
  fc.tuple(pathArb, pathArb).map(([from, to]) =>
    makeStep(
      `copy(${from}, ${to})`,
      async (model, real) => {
        await mkdir(dirname(join(real.place, to)), { recursive: true });
        await copyFile(join(real.place, from), join(real.place, to));
        model.files.set(to, model.files.get(from) ?? "");
      },
      (model) => model.files.has(from) && from !== to,
    ),
  ),
  pathArb.map(deleteStep),
  fc.boolean().map(holdStep),
  fc.constant(
    makeStep("folder goes away or comes back()", async (model, real) => {
      const { folder } = real.rig;
      const next = model.isAway ? folder : `${folder}-away`;
      await rename(real.place, next);
      real.place = next;
      model.isAway = !model.isAway;
    }),
  ),
  fc.boolean().map(pauseStep),
  fc
    .constantFrom<ImageState>("failed", "uncertain")
    .map((state) => makeStep(`retry(${state})`, (_model, real) => retry(real, [state]))),
  fc
    .constantFrom("False", "True")
    .map((value) => makeStep(`settings(decode=${value})`, (_model, real) => changeSettings(real, value))),
  fc
    .constantFrom(
      { "put-reset-after": 0.5 },
      { "put-reset-before": 0.5, "put-503": 0.3 },
      { "get-lost": 0.5 },
      { "get-cut": 0.5 },
      { "run-520": 0.5, "put-429": 0.3 },
      {},
    )
    .map((faults) =>
      makeStep(`faults(${JSON.stringify(faults)})`, (_model, real) => {
        real.rig.simulator.control.change({ faults });
        return Promise.resolve();
      }),
    ),
  fc.boolean().map((isOut) =>
    makeStep(isOut ? "outage()" : "outage ends()", (_model, real) => {
      real.rig.simulator.control.change({ outage: isOut ? "reset" : null });
      return Promise.resolve();
    }),
  ),
  fc.constant(
    makeStep("tokens expire()", (_model, real) => {
      real.rig.simulator.control.revoke();
      return Promise.resolve();
    }),
  ),
  fc.constant(makeStep("server forgets its runs()", (_model, real) => real.rig.simulator.control.forget())),
  fc.boolean().map((isLow) =>
    makeStep(isLow ? "disk is full()" : "disk has room()", (_model, real) => {
      real.isDiskLow = isLow;
      return Promise.resolve();
    }),
  ),
  fc.constant(
    makeStep("restart()", async (_model, real) => {
      await real.rig.close();
      await startNight(real);
    }),
  ),
  fc
    .integer({ min: 0, max: 400 })
    .map((ms) =>
      makeStep(`session killed (after ${String(ms)} ms)`, (_model, real) => killedSession(real, ms)),
    ),
];

interface Count {
  path: string;
  n: number;
}

/** What holds at every moment. */
function brokenNow(db: Database): string[] {
  const many = db
    .sql(
      `SELECT i.path, count(*) AS n FROM runs r JOIN images i ON i.id = r.imageId WHERE r.state = 'DONE'
       GROUP BY i.id HAVING n > 1`,
    )
    .all() as Count[];
  const open = db
    .sql(
      `SELECT i.path, count(*) AS n FROM runs r JOIN images i ON i.id = r.imageId
       WHERE r.state IN ('INTENT', 'SUBMITTED', 'RECEIVING') GROUP BY i.id HAVING n > 1`,
    )
    .all() as Count[];
  const silent = db
    .sql(
      "SELECT path, 1 AS n FROM images WHERE current = 1 AND stage IN ('FAILED', 'MISSING') AND reason IS NULL",
    )
    .all() as Count[];
  const left = db
    .sql(
      "SELECT path, 1 AS n FROM images WHERE current = 0 AND stage IN ('SENDING', 'SUBMITTED', 'RECEIVING', 'RECEIVED')",
    )
    .all() as Count[];
  return [
    ...brokenLedger(db),
    ...left.map(({ path }) => `${path}: a row became history while its run was under way`),
    ...many.map(({ path, n }) => `${path}: ${String(n)} runs gave its one result`),
    ...open.map(({ path, n }) => `${path}: ${String(n)} runs are open at once`),
    ...silent.map(({ path }) => `${path}: it came to its end without a reason`),
  ];
}

/** More runs of an image than events explain; each retry of a person allows one more. */
function unexplained(db: Database, retries: number): string[] {
  const rows = db
    .sql(
      `SELECT i.path, count(*) AS n, (SELECT count(*) FROM events e WHERE e.imageId = i.id AND e.kind IN
         ('sent-again', 'outcome-held', 'result-lost', 'workflow-failed', 'sent-other-bytes')) AS explained
       FROM runs r JOIN images i ON i.id = r.imageId WHERE r.state <> 'REJECTED' GROUP BY i.id HAVING n > 1 + explained + ?`,
    )
    .all(retries) as (Count & { explained: number })[];
  return rows.map(
    ({ path, n, explained }) => `${path}: ${String(n)} runs, and ${String(explained)} events explain another`,
  );
}

/** Everything that went wrong ends: then everything must come to its end by itself, but for what a person retries. */
export async function makeGood(model: NightModel, real: RealNight): Promise<void> {
  const { rig } = real;
  rig.simulator.control.change({ faults: {}, outage: null });
  rig.simulator.control.release();
  real.isDiskLow = false;
  if (model.isAway) await rename(real.place, rig.folder);
  model.isAway = false;
  real.place = rig.folder;
  await rig.engine.runner(real.batchId)?.resume();
}

/** Waits until each file is done, then looks at all witnesses. Gives broken promises as sentences. */
export async function judgeNight(model: NightModel, real: RealNight): Promise<string[]> {
  const { rig } = real;
  const runner = rig.engine.runner(real.batchId);
  if (runner === null) return ["The batch does not run"];
  let last = "";
  const settled = (async () => {
    for (;;) {
      const { ledger } = await runner.ledger();
      last = JSON.stringify({ ledger, gates: runner.gates().map((gate) => gate.kind) });
      // A file that was deleted before it was done stays known as missing.
      const isOver = ledger.done === model.files.size && ledger.seen === ledger.done + ledger.missing;
      if (isOver && knownFiles(rig) === filesOf(model)) return;
      if (ledger.failed > 0) await retry(real, ["failed"]);
      await rig.clock.sleep(100 * NIGHT_SPEED);
    }
  })();
  if (!(await within(PATIENCE_MS, settled)))
    return [`The files are ${filesOf(model)}, the data file knows ${knownFiles(rig)}: ${last}`];
  const broken = rig.problems.map((problem) => `The engine told of a problem: ${JSON.stringify(problem)}`);
  await rig.close();
  return [...broken, ...(await judgeRest(model, real))];
}

function filesOf(model: NightModel): string {
  return [...model.files]
    .map(([path, sha256]) => `${path} ${sha256.slice(0, 8)}`)
    .sort()
    .join();
}

/** The files that the data file takes for there, with the bytes it takes them to have. */
function knownFiles(rig: Rig): string {
  const rows = lookInto(
    rig.dataFile,
    (db) =>
      db
        .sql("SELECT path, lower(hex(sha256)) AS sha256 FROM images WHERE current = 1 AND stage <> 'MISSING'")
        .all() as { path: string; sha256: string }[],
  );
  return rows
    .map(({ path, sha256 }) => `${path} ${sha256.slice(0, 8)}`)
    .sort()
    .join();
}

async function judgeRest(model: NightModel, real: RealNight): Promise<string[]> {
  const { rig } = real;
  const broken = lookInto(rig.dataFile, (db) => [...brokenNow(db), ...unexplained(db, real.retries)]);
  const stats = rig.simulator.control.stats();
  if (stats.doubleGets > 0) broken.push(`${String(stats.doubleGets)} runs were asked for twice at once`);
  const { n: runs } = lookInto(
    rig.dataFile,
    (db) => db.sql("SELECT count(*) AS n FROM runs WHERE state <> 'REJECTED'").get() as { n: number },
  );
  if (stats.accepted > runs)
    broken.push(`The server accepted ${String(stats.accepted)} runs, the data file counts ${String(runs)}`);
  for (const [path, sha256] of model.files)
    if ((await rig.resultSha(path).catch(() => "none")) !== sha256)
      broken.push(`The result of ${path} is not of its bytes`);
  return broken;
}
