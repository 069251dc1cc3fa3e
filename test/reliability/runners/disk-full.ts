import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { ballastFile } from "../../../electron/engine/ballast.ts";
import { startEngineProcess } from "../../support/crash-loop.ts";
import { openRig, type Rig } from "../../support/open-rig.ts";
import { writePictures } from "../../support/pictures.ts";
import { brokenInvariants, lookInto } from "../support/invariants.ts";
import { cannotMount, isInside, proveInside } from "../support/namespace.ts";
import { createNotebook, type Notebook, type Runner, type Size, type Verdict } from "../support/runner.ts";
import { mountSmallDisk, type SmallDisk } from "../support/small-disk.ts";
import { comesTrue, within } from "../support/within.ts";

const SPEED = 50;
const DISK_MB = 64;
const OUTSTANDING = 5;
const FILLS = 3;
/** In real time; a minute of the engine's clock is a bit more than a second. */
const SOON_MS = 6_000;
/** Questions that are on their way when the disk fills reach the server within this real time. */
const ON_THE_WAY_MS = 200;
/** How long nothing may be fetched, in real time: some dozen polls of each run. */
const WATCHED_MS = 700;

interface Events {
  closed: { sentence: string }[];
  opened: number;
  ballast: number;
}

function readEvents(rig: Rig): Events {
  const of = (kind: string): Record<string, unknown>[] =>
    lookInto(rig.dataFile, (db) => db.sql("SELECT detailJson FROM events WHERE kind = ?").all(kind)).map(
      (row) => JSON.parse((row as { detailJson: string }).detailJson) as Record<string, unknown>,
    );
  const isDisk = (detail: Record<string, unknown>): boolean => detail.gate === "disk-low";
  return {
    closed: of("gate-closed").filter(isDisk) as unknown as Events["closed"],
    opened: of("gate-opened").filter(isDisk).length,
    ballast: of("ballast-used").length,
  };
}

/** One filling of the disk while runs wait for their results; false = a promise is broken, and no sense in going on. */
async function fillOnce(book: Notebook, rig: Rig, disk: SmallDisk, n: number): Promise<boolean> {
  const { control } = rig.simulator;
  await control.until((stats) => stats.unfetched >= OUTSTANDING);
  disk.fill();
  const closed = await within(SOON_MS, rig.untilGate("disk-low"));
  book.check(closed, "The disk is full and the engine goes on");
  // Questions that were asked while there was room: what is always kept free is for their answers.
  await new Promise((resolve) => setTimeout(resolve, ON_THE_WAY_MS));
  await control.until((stats) => stats.openGets === 0);
  const before = control.stats().taken;
  control.release(OUTSTANDING);
  await new Promise((resolve) => setTimeout(resolve, WATCHED_MS));
  const fetched = control.stats().taken - before;
  book.check(fetched === 0, `${String(fetched)} results were fetched while there was no room for them`);
  disk.free();
  const opened = await within(SOON_MS, rig.untilGate("disk-low", false));
  book.check(opened, "There is room again and the engine does not go on");
  if (!closed || !opened || fetched > 0) return false;
  await rig.untilLedger((ledger) => ledger.done >= n * OUTSTANDING);
  return true;
}

/** Fills the disk of the data file, or of the results, three times while results wait to be fetched. */
async function fillWhileFetching(book: Notebook, where: "data" | "results", images: number): Promise<void> {
  await using rig = await openRig({
    speed: SPEED,
    limits: { concurrency: OUTSTANDING },
    minimumFreeBytes: () => null,
  });
  const folder = where === "data" ? dirname(rig.dataFile) : rig.resultsFolder;
  using disk = mountSmallDisk(folder, DISK_MB);
  // Before the disk goes.
  await using ending = new AsyncDisposableStack();
  ending.defer(() => rig.close());
  const written = await writePictures(rig.folder, images);
  rig.simulator.control.hold();
  await rig.start();
  let fills = 0;
  while (fills < FILLS) {
    if (!(await comesTrue(SOON_MS, () => existsSync(ballastFile(rig.dataFile)))))
      book.check(false, "The ballast was not made again");
    if (!(await fillOnce(book, rig, disk, ++fills))) break;
  }
  book.figure(`fills of the ${where} disk`, fills);
  if (fills < FILLS) return;
  rig.simulator.control.release();
  await rig.finish();
  for (const sentence of await brokenInvariants(rig, written)) book.check(false, sentence);
  book.check(rig.puts === images, `${String(rig.puts)} submissions for ${String(images)} images`);
  checkWords(book, readEvents(rig), where);
}

function checkWords(book: Notebook, events: Events, where: "data" | "results"): void {
  const said = events.closed.filter(({ sentence }) =>
    /almost full.*Results stay on the server/.test(sentence),
  );
  book.check(said.length >= FILLS, `Only ${String(said.length)} times was said that the disk is full`);
  book.check(events.opened >= FILLS, `Only ${String(events.opened)} times was said that it goes on`);
  book.figure(`told (${where})`, said.length);
  if (where === "results") return;
  book.figure("times the ballast was used", events.ballast);
  book.check(events.ballast > 0, "The disk was never so full that the ballast was needed");
}

/** The disk is filled to its last byte while submissions are answered, and then the process is killed. */
async function killWhileFull(book: Notebook): Promise<void> {
  await using rig = await openRig({ speed: SPEED, limits: { concurrency: OUTSTANDING } });
  using disk = mountSmallDisk(dirname(rig.dataFile), DISK_MB);
  const written = await writePictures(rig.folder, OUTSTANDING);
  const { control } = rig.simulator;
  control.hold();
  control.script({ on: "put", fault: { kind: "delay", ms: 3_000 }, times: OUTSTANDING });
  const engine = startEngineProcess(rig, { speed: SPEED, orders: { minimumFreeBytes: null } });
  await control.until((stats) => stats.requests.put >= OUTSTANDING);
  await comesTrue(SOON_MS, () => existsSync(ballastFile(rig.dataFile)));
  disk.fill();
  book.check(control.stats().accepted === 0, "The disk was not full when submissions were answered");
  await control.until((stats) => stats.accepted >= OUTSTANDING);
  const known = (): number =>
    lookInto(rig.dataFile, (db) => db.sql("SELECT id FROM runs WHERE uuid IS NOT NULL").all().length);
  await comesTrue(3_000, () => known() === OUTSTANDING);
  book.figure("run ids recorded on a full disk", known());
  await engine.kill();
  disk.free();
  control.release();
  const ending = await startEngineProcess(rig, { speed: SPEED }).ending();
  book.check(ending?.kind === "complete", `After the kill it ended with ${JSON.stringify(ending)}`);
  for (const sentence of await brokenInvariants(rig, written)) book.check(false, sentence);
  book.check(
    rig.puts === OUTSTANDING,
    `${String(rig.puts - OUTSTANDING)} images were sent again because their last commits found no room`,
  );
}

async function run(size: Size): Promise<Verdict> {
  if (!isInside("mounts")) return proveInside("mounts", "disk-full", size);
  const book = createNotebook();
  const images = size.short ? 20 : 200;
  await fillWhileFetching(book, "data", images);
  await fillWhileFetching(book, "results", images);
  await killWhileFull(book);
  return book.verdict();
}

export const runner: Runner = {
  promise:
    "P19: when the disk of the data or of the results is full, nothing is fetched or sent, it is said, nothing is lost, and it goes on by itself; the last commits find room.",
  inShortForm: false,
  limitS: { short: 60, full: 150 },
  cannotRun: cannotMount,
  run,
  controls: [
    {
      name: "gate",
      without: "the look at the disk before a result is asked for",
      patches: [
        {
          file: "electron/engine/dispatch/collect.ts",
          find: "    if (lack === null) break;\n",
          replace: "    break;\n",
        },
      ],
    },
    {
      name: "alone",
      without: "the opening of the gate when there is room",
      patches: [
        {
          file: "electron/engine/batch-runner.ts",
          find: 'if (gates.isClosed("disk-low") && (await disk.lack(0)) === null) gates.open("disk-low");',
          replace: "",
        },
      ],
    },
    {
      name: "ballast",
      without: "the ballast for the last commits",
      patches: [
        {
          file: "electron/engine/store/store.ts",
          find: "if (WANTS_ROOM.test(reply.failed.code) && (await options.relieve?.()) === true) continue;",
          replace: "",
        },
      ],
    },
  ],
};
