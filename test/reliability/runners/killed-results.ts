import { existsSync, readdirSync, readFileSync, watch } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { createRandom, type Random } from "../../../electron/simulator/random.ts";
import { startEngineProcess } from "../../support/crash-loop.ts";
import { openRig, type Rig } from "../../support/open-rig.ts";
import { writePictures } from "../../support/pictures.ts";
import { rowsOf } from "../support/rows.ts";
import { createNotebook, type Notebook, type Runner, type Size, type Verdict } from "../support/runner.ts";
import { within } from "../support/within.ts";
import { checkAllDone } from "../support/witnesses.ts";

/** What a kill left behind of a result that the server had handed out. */
const PLACES = ["no row of its head", "head", "half", "whole part", "named", "committed"] as const;
type Place = (typeof PLACES)[number];

/** What makes the kill: the server handed results out, or a name or bytes came into the spool. */
const MOMENTS = ["half", "named", "head"] as const;
type Moment = (typeof MOMENTS)[number];

const SPEED = 10;
const AT_ONCE = 6;
const LAST_LIFE_MS = 60_000;
/** A loss whose head was recorded is known after three questions; one more may be on its way. */
const KNOWN_AFTER_POLLS = 4;

interface OpenRun {
  id: number;
  uuid: string;
  state: "SUBMITTED" | "RECEIVING" | "RECEIVED";
  suspect: number;
}

async function reach(rig: Rig, moment: Moment, random: Random): Promise<void> {
  const { taken } = rig.simulator.control.stats();
  if (moment === "head")
    return rig.simulator.control.until((stats) => stats.taken > taken + random.between(0, 3));
  const spool = `${rig.dataFile}.spool`;
  await mkdir(spool, { recursive: true, mode: 0o700 });
  const ending = moment === "half" ? "" : ".answer";
  let left = random.between(1, moment === "half" ? 12 : 3);
  await new Promise<void>((resolve) => {
    const watcher = watch(spool, (_kind, name) => {
      if (name?.endsWith(ending) !== true || !existsSync(join(spool, name)) || --left > 0) return;
      watcher.close();
      resolve();
    });
  });
}

function isJson(file: string): boolean {
  try {
    JSON.parse(readFileSync(file, "utf8"));
    return true;
  } catch {
    return false; // half of it
  }
}

function placeOf(rig: Rig, run: OpenRun): Place | null {
  const spool = `${rig.dataFile}.spool`;
  if (run.state === "SUBMITTED") {
    // Of an earlier kill: its loss is about to be known.
    if (run.suspect > 0) return null;
    const { taken } = rig.simulator.control.stats().runs[run.uuid] ?? { taken: false };
    return taken ? "no row of its head" : null;
  }
  if (run.state === "RECEIVED") return "committed";
  if (existsSync(join(spool, `${String(run.id)}.answer`))) return "named";
  const part = `${String(run.id)}.part`;
  if (!readdirSync(spool).includes(part) || readFileSync(join(spool, part)).length === 0) return "head";
  return isJson(join(spool, part)) ? "whole part" : "half";
}

interface Killed extends OpenRun {
  place: Place;
  pollsBefore: number;
}

/** One engine that is killed at the moment; what became of each result that was on its way. */
async function killOnce(
  rig: Rig,
  moment: Moment,
  { random, survived }: { random: Random; survived: Map<number, number> },
): Promise<Killed[]> {
  const reached = reach(rig, moment, random);
  const engine = startEngineProcess(rig, { speed: SPEED });
  await Promise.race([reached, engine.ending()]);
  await engine.kill();
  const { runs } = rig.simulator.control.stats();
  const open = rowsOf<OpenRun>(
    rig,
    "SELECT id, uuid, state, suspect FROM runs WHERE state IN ('SUBMITTED', 'RECEIVING', 'RECEIVED')",
  );
  for (const { id } of open) survived.set(id, (survived.get(id) ?? 0) + 1);
  return open.flatMap((run) => {
    const place = placeOf(rig, run);
    return place === null ? [] : [{ ...run, place, pollsBefore: runs[run.uuid]?.gets ?? 0 }];
  });
}

interface Fate {
  id: number;
  state: string;
}

/** What the data file says at the end of the results that a kill met on their way. */
function checkFates(
  book: Notebook,
  rig: Rig,
  { killed, survived }: { killed: readonly Killed[]; survived: ReadonlyMap<number, number> },
): void {
  const runs = new Map(rowsOf<Fate>(rig, "SELECT * FROM runs").map((run) => [run.id, run]));
  const gets = rig.simulator.control.stats().runs;
  for (const { id, uuid, place, pollsBefore } of killed) {
    const run = runs.get(id);
    const isSafe = place === "named" || place === "committed";
    const name = `The result of run ${String(id)} (killed: ${place})`;
    book.check(run?.state === (isSafe ? "DONE" : "LOST"), `${name} is ${run?.state ?? "unknown"} in the end`);
    if (place === "no row of its head" || isSafe) continue;
    const polls = (gets[uuid]?.gets ?? 0) - pollsBefore;
    book.check(
      polls <= KNOWN_AFTER_POLLS * (survived.get(id) ?? 1),
      `${name} is known to be lost only after ${String(polls)} questions`,
    );
  }
}

async function run({ short, seed }: Size): Promise<Verdict> {
  const book = createNotebook();
  const random = createRandom(seed);
  const kills = short ? 3 : 9;
  await using rig = await openRig({
    speed: SPEED,
    simulator: { longPollMs: 5 },
    limits: { concurrency: AT_ONCE },
  });
  const written = await writePictures(rig.folder, kills * AT_ONCE);
  rig.simulator.control.script({
    on: "results",
    fault: { kind: "drip", bytes: 40, everyMs: 8 },
    times: "always",
  });
  const killed: Killed[] = [];
  /** How many kills met each run: each begins the questions anew. */
  const survived = new Map<number, number>();
  for (let kill = 0; kill < kills; kill++)
    killed.push(...(await killOnce(rig, MOMENTS[kill % MOMENTS.length] ?? "half", { random, survived })));
  const ended = await within(LAST_LIFE_MS, rig.runToEnd());
  book.check(ended, "What the kills left did not come to an end");
  await checkAllDone(book, rig, written);
  checkFates(book, rig, { killed, survived });
  book.figure("kills", kills);
  for (const place of PLACES)
    book.figure(`killed: ${place}`, killed.filter((each) => each.place === place).length);
  // Protections are only proven by kills that met what they protect.
  for (const place of ["half", "named"] as const)
    book.check(
      killed.some((each) => each.place === place),
      `No kill met a result at: ${place}`,
    );
  return book.verdict();
}

export const runner: Runner = {
  promise:
    "P7: killed at any moment between the head of a result and its row, the result is stored or its loss is known after three questions, and half of it is never taken for all.",
  inShortForm: false,
  limitS: { short: 120, full: 240 },
  run,
  controls: [
    {
      name: "receiving",
      without: "the row that says that a result's head has come",
      patches: [
        {
          file: "electron/engine/dispatch/collect.ts",
          find: 'await record(dispatch, run, { kind: "head" });',
          replace: "",
        },
      ],
    },
    {
      name: "salvage",
      without: "the taking up of whole answers that lie on the disk",
      patches: [
        {
          file: "electron/engine/store/sessions.ts",
          find: "else if (spooled !== undefined) {",
          replace: "else if (spooled !== undefined && spooled.bodyBytes < 0) {",
        },
      ],
    },
    {
      name: "part",
      without: "the name of its own for an answer that is not complete",
      patches: [
        {
          file: "electron/engine/results/spool.ts",
          find: 'const part = fileOf(runId, "part");',
          replace: 'const part = fileOf(runId, "answer");',
        },
      ],
    },
  ],
};
