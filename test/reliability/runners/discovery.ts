import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { BatchRunner } from "../../../electron/engine/batch-runner.ts";
import { INTAKE_TIMING } from "../../../electron/engine/intake/intake.ts";
import { openRig, type Rig } from "../../support/open-rig.ts";
import { writePicture, writePictures } from "../../support/pictures.ts";
import { cannotMount, isInside, proveInside } from "../support/namespace.ts";
import { rowsOf } from "../support/rows.ts";
import { createNotebook, type Notebook, type Runner, type Size, type Verdict } from "../support/runner.ts";
import { within } from "../support/within.ts";

const FOUND_WITHIN_MS = 60_000;
/** Real milliseconds that anything else may take here. */
const PATIENCE_MS = 20_000;
/** The kernel keeps this many events that nobody has read yet. */
const KERNEL_QUEUE = 16_384;
const PART_VARIABLE = "NIGHTRUN_TEST_DISCOVERY_PART";

async function seen(rig: Rig, count: number, ms: number): Promise<boolean> {
  return within(
    ms,
    rig.untilLedger((ledger) => ledger.seen >= count),
  );
}

/** Small files that are no pictures: they have to be found, nothing more. */
function writeMany(folder: string, count: number): void {
  for (let number = 0; number < count; number += 1)
    writeFileSync(join(folder, `${String(number).padStart(6, "0")}.jpg`), "x");
}

/** The loop stands still while files come: the kernel drops most of what it would have told. */
async function eventsLost(book: Notebook, { short }: Size): Promise<void> {
  const files = short ? KERNEL_QUEUE + 4_000 : 40_000;
  await using rig = await openRig({ speed: 1, timing: INTAKE_TIMING });
  const runner = await rig.start({ watch: true });
  await runner.pause();
  const startedMs = performance.now();
  writeMany(rig.folder, files);
  const blockedMs = performance.now() - startedMs;
  const found = await seen(rig, files, FOUND_WITHIN_MS);
  book.figure("files made while the event loop stood still", files);
  book.figure("it stood still, ms", Math.round(blockedMs));
  book.figure("all found after, s", (performance.now() - startedMs) / 1000);
  const { ledger } = await runner.ledger();
  book.check(found, `${String(ledger.seen)} of ${String(files)} files were found within a minute`);
}

/** No event comes at all: the folder has a name that cannot be watched. */
async function neverWatched(book: Notebook, { short }: Size): Promise<void> {
  const files = short ? 500 : 40_000;
  await using rig = await openRig(short ? {} : { speed: 1, timing: INTAKE_TIMING });
  const folder = join(rig.folder, "never\\watched");
  mkdirSync(folder);
  rig.settings = { ...rig.settings, intake: { ...rig.settings.intake, folder } };
  await writePicture(folder, "first.png", 1);
  const runner = await rig.start({ watch: true });
  await rig.untilLedger((ledger) => ledger.done === 1);
  await runner.pause();
  const startedMs = performance.now();
  writeMany(folder, files);
  const found = await seen(rig, files + 1, short ? PATIENCE_MS : FOUND_WITHIN_MS);
  book.figure("files made where nothing is watched", files);
  book.figure("all found there after, s", (performance.now() - startedMs) / 1000);
  const { ledger } = await runner.ledger();
  book.check(
    found,
    `Without a watch ${String(ledger.seen)} of ${String(files + 1)} files were found in time`,
  );
}

const FOLDERS = 120;
const WATCHES = 30;

/** Runs where the system allows fewer watches than there are folders. */
async function underWatchLimit(): Promise<Verdict> {
  const book = createNotebook();
  await using rig = await openRig({ limits: { concurrency: 10 } });
  for (let number = 0; number < FOLDERS; number += 1) mkdirSync(join(rig.folder, `folder-${String(number)}`));
  await rig.start({ watch: true });
  for (let number = 0; number < FOLDERS; number += 4)
    await writePicture(rig.folder, `folder-${String(number)}/new.png`, number + 1);
  const all = FOLDERS / 4;
  const done = await within(
    PATIENCE_MS,
    rig.untilLedger((ledger) => ledger.done === all),
  );
  const told = rowsOf<{ n: number }>(rig, "SELECT count(*) AS n FROM events WHERE kind = 'watch-trouble'");
  book.figure("folders", FOLDERS);
  book.figure("watches allowed", WATCHES);
  book.figure("warnings", told[0]?.n ?? 0);
  book.check(done, "New files in folders that could not be watched were not found");
  book.check(told[0]?.n === 1, `The limit was told ${String(told[0]?.n)} times instead of once`);
  return book.verdict();
}

async function watchLimit(book: Notebook): Promise<void> {
  const one = fileURLToPath(new URL("../support/one.ts", import.meta.url));
  const limited = `echo ${String(WATCHES)} > /proc/sys/user/max_inotify_watches && exec "$0" "$1" discovery short 1`;
  const child = spawn("unshare", ["-Ur", "sh", "-c", limited, process.execPath, one], {
    env: { ...process.env, [PART_VARIABLE]: "watch-limit" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let out = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (out += chunk));
  await once(child, "close");
  const verdict = JSON.parse(out.trimEnd().split("\n").at(-1) ?? "") as Verdict;
  for (const [name, value] of Object.entries(verdict.figures)) book.figure(name, value);
  for (const sentence of verdict.broken) book.check(false, sentence);
}

function mount(...args: string[]): void {
  execFileSync("mount", args);
}

function unmount(folder: string): void {
  execFileSync("umount", ["-l", folder]);
}

/** A disk is mounted at the batch's folder, with some pictures on it that are done already. */
async function onDisk(
  rig: Rig,
  pictures: number,
  watch: boolean,
): Promise<{ disk: string; runner: BatchRunner }> {
  const disk = `${rig.folder}-disk`;
  await mkdir(disk);
  // A file system of its own, as a drive has; the second mount is what comes and goes.
  mount("-t", "tmpfs", "none", disk);
  mount("--bind", disk, rig.folder);
  await writePictures(rig.folder, pictures);
  const runner = await rig.start({ watch });
  await rig.untilLedger((ledger) => ledger.done === pictures);
  return { disk, runner };
}

/** Looks at a batch whose folder is away: the gate is closed, and nothing counts as gone. */
async function checkAway(
  book: Notebook,
  rig: Rig,
  runner: BatchRunner,
  what: string,
  known: number,
): Promise<void> {
  const closed = await within(
    PATIENCE_MS,
    rig.untilGate("folder-away").catch(() => undefined),
  );
  for (let look = 0; look < 3; look += 1) await runner.rescan();
  const { ledger } = await runner.ledger();
  book.check(closed, `${what}: no gate closed`);
  book.check(
    ledger.seen === known && ledger.missing === 0,
    `${what}: ${String(known)} files were known, and now ${String(ledger.seen)} are, ${String(ledger.missing)} of them missing`,
  );
}

/** Back again: a new file is found and done by itself. */
async function checkBack(book: Notebook, rig: Rig, what: string, known: number): Promise<void> {
  await writePicture(rig.folder, `new-${String(known)}.png`, 1000 + known);
  const back = await within(
    PATIENCE_MS,
    rig.untilLedger((ledger) => ledger.done === known + 1),
  );
  book.check(back, `${what}: it did not go on by itself`);
}

/** The runner of a batch that ran before, as the app starts it: nobody looks at the folder first. */
async function startKnown(rig: Rig, watch: boolean): Promise<BatchRunner> {
  const engine = await rig.open();
  const [batch] = await engine.store.call("listBatches", null);
  const started = await engine.start(batch?.id ?? 0, { watch });
  if (!started.ok) throw new Error(`The batch could not be started: ${JSON.stringify(started.failure)}`);
  return started.value;
}

const untilGateOf = async (runner: BatchRunner, closed: boolean): Promise<boolean> => {
  const untilMs = performance.now() + PATIENCE_MS;
  while (runner.gates().some((gate) => gate.kind === "folder-away") !== closed) {
    if (performance.now() > untilMs) return false;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return true;
};

const KNOWN = 12;

/** The disk comes and goes, another one takes its place, and one with the same files under another number. */
async function unmounted(book: Notebook): Promise<void> {
  await using rig = await openRig({ limits: { concurrency: 10 } });
  const { disk, runner } = await onDisk(rig, KNOWN, true);
  try {
    unmount(rig.folder);
    await checkAway(book, rig, runner, "Unmounted", KNOWN);
    mount("--bind", disk, rig.folder);
    await checkBack(book, rig, "Mounted again", KNOWN);

    unmount(rig.folder);
    mount("-t", "tmpfs", "none", rig.folder);
    await writePicture(rig.folder, "other.png", 77);
    await checkAway(book, rig, runner, "Another disk at the same path", KNOWN + 1);
    const isUntouched = rig.simulator.control.stats().requests.put === KNOWN + 1;
    book.check(isUntouched, "A picture of another disk was submitted");

    // The same files with their times: a share that is mounted under another number.
    await rm(join(rig.folder, "other.png"));
    // Not by Node, which would round the times to milliseconds.
    execFileSync("cp", ["-a", `${disk}/.`, rig.folder]);
    await checkBack(book, rig, "The same files under another number", KNOWN + 1);
  } finally {
    await rig.close();
    unmount(rig.folder);
    unmount(disk);
  }
  const { put } = rig.simulator.control.stats().requests;
  book.figure("folder changes while watched", 4);
  book.check(put === KNOWN + 2, `${String(put)} submissions for ${String(KNOWN + 2)} pictures`);
}

/** The same between two starts, without watching: the session begins where the disk is not mounted. */
async function awayAtStart(book: Notebook, watch: boolean): Promise<void> {
  await using rig = await openRig({ limits: { concurrency: 10 } });
  const { disk } = await onDisk(rig, KNOWN, watch);
  const how = watch ? "watching" : "without watching";
  try {
    await rig.close();
    unmount(rig.folder);
    const runner = await startKnown(rig, watch);
    book.check(await untilGateOf(runner, true), `Not mounted at the start (${how}): no gate closed`);
    await runner.rescan();
    const { ledger } = await runner.ledger();
    book.check(
      ledger.seen === KNOWN && ledger.missing === 0,
      `Not mounted at the start (${how}): ${String(KNOWN)} files were known, and now ${String(ledger.seen)} are`,
    );
    await writePicture(disk, "late.png", 500);
    mount("--bind", disk, rig.folder);
    book.check(
      await untilGateOf(runner, false),
      `Mounted after the start (${how}): it did not go on by itself`,
    );
    await rig.close();
  } finally {
    unmount(rig.folder);
    unmount(disk);
  }
}

async function rootMissing(book: Notebook): Promise<void> {
  await using rig = await openRig({ limits: { concurrency: 10 } });
  await writePictures(rig.folder, KNOWN);
  await rig.start({ watch: true });
  await rig.untilLedger((ledger) => ledger.done === KNOWN);
  await rig.close();
  await rename(rig.folder, `${rig.folder}-away`);
  const runner = await startKnown(rig, true);
  book.check(await untilGateOf(runner, true), "Missing at the start: no gate closed");
  const { ledger } = await runner.ledger();
  book.check(ledger.seen === KNOWN && ledger.missing === 0, "Missing at the start: files count as gone");
  await rename(`${rig.folder}-away`, rig.folder);
  book.check(await untilGateOf(runner, false), "Missing at the start: it did not go on when it came");
}

async function run(size: Size): Promise<Verdict> {
  if (process.env[PART_VARIABLE] === "watch-limit") return underWatchLimit();
  if (!isInside("mounts")) return proveInside("mounts", "discovery", size);
  const book = createNotebook();
  const parts = [
    () => unmounted(book),
    () => awayAtStart(book, false),
    () => awayAtStart(book, true),
    () => rootMissing(book),
    () => watchLimit(book),
    // Both wait for real minutes in a full run, and can do so together.
    () =>
      size.short ? neverWatched(book, size) : Promise.all([neverWatched(book, size), eventsLost(book, size)]),
    () => (size.short ? eventsLost(book, size) : Promise.resolve()),
  ];
  for (const part of parts) {
    await part();
    if (book.verdict().broken.length > 0) break;
  }
  book.figure("starts with the folder away", 3);
  return book.verdict();
}

const INTAKE = "electron/engine/intake/intake.ts";

export const runner: Runner = {
  promise:
    "P4, P10: each file is found within 60 s, also when no event tells of it; a folder that is away makes nothing missing, and goes on by itself when it is back.",
  inShortForm: false,
  alone: true,
  limitS: { short: 150, full: 240 },
  cannotRun: cannotMount,
  run,
  controls: [
    {
      name: "periodic-walk",
      without: "the walk that is repeated",
      patches: [
        {
          file: INTAKE,
          find: "await clock.sleep(rest, stopped);",
          replace: "await clock.sleep(away ? rest : 3_600_000_000, stopped);",
        },
      ],
    },
    {
      name: "healthy-folder",
      without: "the rule that only the same folder may say that a file is gone",
      patches: [
        {
          file: "electron/engine/intake/folder-identity.ts",
          find: 'if (id === null) return { reason: "folder-missing", folder: root };',
          replace: "",
        },
        {
          file: "electron/engine/intake/folder-identity.ts",
          find: 'if (!(await isSame(id))) return { reason: "folder-replaced", folder: root };',
          replace: 'if (id === "") await isSame(id);',
        },
      ],
    },
    {
      name: "last-start",
      without: "the comparison with the folder of the last start",
      patches: [
        { file: "electron/engine/batch-runner.ts", find: "rootId: batch.rootId,", replace: "rootId: null," },
      ],
    },
    {
      name: "one-warning",
      without: "the rule that each trouble of watching is told once",
      patches: [
        {
          file: "electron/engine/intake/watch.ts",
          find: "if (isClosed || troubles.has(code)) return;",
          replace: "if (isClosed) return;",
        },
      ],
    },
  ],
};
