import BetterSqlite3 from "better-sqlite3";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { backUpDaily, backupFolder, listBackups } from "../../../electron/engine/backup.ts";
import { systemClock } from "../../../electron/engine/clock.ts";
import { openEngine } from "../../../electron/engine/engine.ts";
import { createRandom, type Random } from "../../../electron/simulator/random.ts";
import { startEngineProcess } from "../../support/crash-loop.ts";
import { openRig } from "../../support/open-rig.ts";
import { sha256Of, writePictures } from "../../support/pictures.ts";
import { brokenFile, brokenLedger, lookInto } from "../support/invariants.ts";
import { createNotebook, type Notebook, type Runner, type Size, type Verdict } from "../support/runner.ts";

const IMAGES = 40;
const DAY_MS = 24 * 60 * 60 * 1000;
const NAME = "nightrun.db";
/** In memory where that can be: no power is cut here, and hundreds of files are synced for nothing. */
const PLACE = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

/** Data folders as a night left them: over, or broken off by a kill, with an earlier backup. */
interface Stand {
  folder: string;
  /** What its rows tell, as text, after a start that finds nothing wrong. */
  truth: string;
  isUnclean: boolean;
}

type Damage = "bytes" | "header" | "cut" | "empty" | "text" | "no wal" | "none";

interface Outcome {
  kind: "ok" | "recovered" | "refused" | "silent";
  what: string;
}

async function makeFinished(target: string): Promise<void> {
  await using rig = await openRig();
  await writePictures(rig.folder, IMAGES);
  await rig.runToEnd();
  cpSync(join(rig.dataFile, ".."), target, { recursive: true });
}

/** A first session ended well and left a backup; the second was killed in the middle. */
async function makeHalf(target: string): Promise<void> {
  await using rig = await openRig({
    limits: { concurrency: 2 },
    simulator: { latency: { minMs: 20, maxMs: 40 } },
  });
  await writePictures(rig.folder, IMAGES);
  await rig.start();
  await rig.untilLedger((ledger) => ledger.done >= IMAGES / 4);
  await rig.close();
  const engine = startEngineProcess(rig, { speed: 20 });
  await rig.simulator.control.until((stats) => stats.taken >= IMAGES / 2);
  await engine.kill();
  cpSync(join(rig.dataFile, ".."), target, { recursive: true });
}

/** Everything that must never be wrong without a word: images, runs, results, outputs. */
function rowsOf(dataFile: string): string {
  return lookInto(dataFile, (db) =>
    JSON.stringify([
      db.sql("SELECT id, path, current, stage, reason, hex(sha256) AS sha FROM images ORDER BY id").all(),
      db.sql("SELECT id, imageId, state, uuid FROM runs ORDER BY id").all(),
      db.sql("SELECT imageId, runId, hex(bodySha256) AS sha FROM results ORDER BY imageId").all(),
      db.sql("SELECT id, taskName, type, hex(json) AS json FROM outputs ORDER BY id").all(),
    ]),
  );
}

/** What SQLite itself finds in a copy of the file; null = nothing that a check can see. */
function visibleDamage(folder: string): string | null {
  const copy = mkdtempSync(join(PLACE, "nightrun-look-"));
  try {
    for (const end of ["", "-wal"])
      if (existsSync(join(folder, NAME + end))) cpSync(join(folder, NAME + end), join(copy, NAME + end));
    const db = new BetterSqlite3(join(copy, NAME));
    try {
      const found = db.pragma("integrity_check(1)", { simple: true });
      return found === "ok" ? null : String(found);
    } finally {
      db.close();
    }
  } catch (error) {
    return String(error);
  } finally {
    rmSync(copy, { recursive: true });
  }
}

function flip(file: string, random: Random, from: number, to: number): void {
  const bytes = readFileSync(file);
  for (let n = random.between(1, 8); n > 0; n--) {
    const at = random.between(from, Math.min(to, bytes.length) - 1);
    bytes[at] = (bytes[at] ?? 0) ^ random.between(1, 255);
  }
  writeFileSync(file, bytes);
}

const DAMAGES: Record<Damage, (file: string, random: Random) => void> = {
  bytes: (file, random) => flip(file, random, 100, Number.MAX_SAFE_INTEGER),
  header: (file, random) => flip(file, random, 0, 100),
  cut: (file, random) => truncateSync(file, random.between(1, readFileSync(file).length - 1)),
  empty: (file) => {
    truncateSync(file, 0);
    rmSync(`${file}-wal`, { force: true });
  },
  text: (file) => writeFileSync(file, "Notes of the night.\n".repeat(400)),
  "no wal": (file) => rmSync(`${file}-wal`, { force: true }),
  none: () => undefined,
};

/** Starts an engine on a data folder and says what it made of it. */
async function start(folder: string): Promise<Outcome> {
  const dataFile = join(folder, NAME);
  const before = existsSync(dataFile) ? sha256Of(readFileSync(dataFile)) : "";
  const opened = await openEngine({
    dataFile,
    clock: systemClock,
    random: Math.random,
    env: {},
    version: "test",
    resolve: () => Promise.reject(new Error("not wanted here")),
    minimumFreeBytes: () => Number.MAX_SAFE_INTEGER,
  });
  if (!opened.ok) {
    const unchanged = sha256Of(readFileSync(dataFile)) === before;
    return { kind: unchanged ? "refused" : "silent", what: `${opened.failure.reason}, file changed` };
  }
  const events = await opened.value.store.call("eventsAfter", { afterId: 0, limit: 10_000 });
  await opened.value.store.close();
  const kinds = new Set<string>(events.map(({ kind }) => kind));
  if (kinds.has("data-file-restored")) {
    const kept = readdirSync(folder).filter((name) => /\.damaged-\d+$/.test(name));
    const isKept = kept.some((name) => sha256Of(readFileSync(join(folder, name))) === before);
    return isKept
      ? { kind: "recovered", what: "" }
      : { kind: "silent", what: "the damaged file is not kept" };
  }
  return { kind: kinds.has("latest-changes-lost") ? "recovered" : "ok", what: "" };
}

interface Counts {
  [name: string]: number;
}

async function damageOnce(
  book: Notebook,
  stand: Stand,
  damage: Damage,
  random: Random,
  counts: Counts,
): Promise<void> {
  const folder = mkdtempSync(join(PLACE, "nightrun-damaged-"));
  const count = (name: string): void => void (counts[name] = (counts[name] ?? 0) + 1);
  const label = `${stand.isUnclean ? "half a night" : "a night"}, damage: ${damage}`;
  try {
    cpSync(stand.folder, folder, { recursive: true });
    const hasBackup = random.chance(0.8);
    if (!hasBackup) rmSync(backupFolder(join(folder, NAME)), { recursive: true, force: true });
    DAMAGES[damage](join(folder, NAME), random);
    const visible = damage === "no wal" ? null : visibleDamage(folder);
    const { kind, what } = await start(folder);
    count(kind);
    book.check(kind !== "silent", `${label}: ${what}`);
    if (kind === "ok") {
      book.check(visible === null, `${label}: it started although a check sees ${visible ?? ""}`);
      const isTrue = damage === "no wal" || rowsOf(join(folder, NAME)) === stand.truth;
      if (!isTrue) count("changes that no check can see");
      const lost = damage === "no wal" && stand.isUnclean && rowsOf(join(folder, NAME)) !== stand.truth;
      book.check(!lost, `${label}: rows are gone without a word`);
      const rows = JSON.parse(rowsOf(join(folder, NAME))) as unknown[][];
      book.check((rows[0]?.length ?? 0) === IMAGES, `${label}: it started with other images than there were`);
    }
    if (damage !== "none" && damage !== "no wal" && visible !== null && hasBackup)
      book.check(kind === "recovered" || kind === "refused", `${label}: the backup was not used (${kind})`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Backups while images run, one a day: each is whole, and the last three are kept. */
async function proveBackups(book: Notebook): Promise<void> {
  await using rig = await openRig({ limits: { concurrency: 4 } });
  await writePictures(rig.folder, IMAGES);
  await rig.start();
  for (let day = 1; day <= 6; day++) {
    const clock = { ...rig.clock, now: () => rig.clock.now() + day * DAY_MS };
    book.check(
      await backUpDaily(rig.engine.store, rig.dataFile, clock),
      `No backup was made on day ${String(day)}`,
    );
    book.check(
      !(await backUpDaily(rig.engine.store, rig.dataFile, clock)),
      "A second backup was made on one day",
    );
  }
  const backups = await listBackups(rig.dataFile);
  book.figure("backups kept of 6", backups.length);
  book.check(backups.length === 3, `${String(backups.length)} backups are kept`);
  for (const { file } of backups)
    for (const sentence of lookInto(file, (db) => [...brokenFile(db), ...brokenLedger(db)]))
      book.check(false, `A backup made while images ran: ${sentence}`);
  await rig.finish();
}

async function makeStands(base: string): Promise<Stand[]> {
  const stands: Stand[] = [];
  for (const [name, make] of [
    ["finished", makeFinished],
    ["half", makeHalf],
  ] as const) {
    const folder = join(base, name);
    await make(folder);
    const copy = join(base, `${name}-truth`);
    cpSync(folder, copy, { recursive: true });
    const { kind } = await start(copy);
    if (kind !== "ok") throw new Error(`An undamaged data file was ${kind}`);
    stands.push({ folder, truth: rowsOf(join(copy, NAME)), isUnclean: name === "half" });
  }
  return stands;
}

async function run({ short, seed }: Size): Promise<Verdict> {
  const book = createNotebook();
  const random = createRandom(seed);
  const base = mkdtempSync(join(PLACE, "nightrun-stands-"));
  const counts: Counts = {};
  const flips = short ? 24 : 260;
  const others: Damage[] = ["header", "cut", "empty", "text", "no wal", "none"];
  const repeated = Array.from({ length: short ? 1 : 8 }, () => others).flat();
  const damages: Damage[] = [...Array.from({ length: flips }, () => "bytes" as const), ...repeated];
  try {
    const stands = await makeStands(base);
    for (const [n, damage] of damages.entries())
      for (const stand of damage === "bytes" ? [stands[n % 2]] : stands)
        if (stand !== undefined) await damageOnce(book, stand, damage, random, counts);
  } finally {
    rmSync(base, { recursive: true });
  }
  book.figure("data files with flipped bytes", flips);
  book.figure("data files damaged otherwise", repeated.length * 2);
  for (const [name, count] of Object.entries(counts)) book.figure(name, count);
  book.check((counts.recovered ?? 0) > 5, "Hardly a file was damaged so that it could be seen");
  await proveBackups(book);
  return book.verdict();
}

export const runner: Runner = {
  promise:
    "P11: a damaged data file is noticed at the start, kept aside and replaced by the newest whole backup with a notice, or refused; it is never a silent empty start. The daily backups are whole, and the last three are kept.",
  inShortForm: false,
  limitS: { short: 200, full: 400 },
  run,
  controls: [
    {
      name: "check",
      without: "the check at the start",
      patches: [
        {
          file: "electron/engine/store/database.ts",
          find: 'if (found !== "ok") return found;',
          replace: "",
        },
      ],
    },
    {
      name: "indexes",
      without: "the look at the indexes",
      patches: [
        {
          file: "electron/engine/store/database.ts",
          find: "`integrity_check(${what})`",
          replace: "`quick_check(${what})`",
        },
      ],
    },
    {
      name: "aside",
      without: "the keeping of the damaged file",
      patches: [
        {
          file: "electron/engine/backup.ts",
          find: "  await rename(dataFile, aside);\n  for (const end",
          replace: "  await rm(dataFile);\n  for (const end",
        },
      ],
    },
    {
      name: "empty",
      without: "the doubt about an empty file",
      patches: [
        {
          file: "electron/engine/open-data-file.ts",
          find: "(await hasLostContent(dataFile))",
          replace: "(await hasLostContent(dataFile)) && dataFile === null",
        },
      ],
    },
    {
      name: "word",
      without: "the notice about a vanished write-ahead file",
      patches: [
        {
          file: "electron/engine/open-data-file.ts",
          find: "if (!walMissing ||",
          replace: "if (at > 0 ||",
        },
      ],
    },
  ],
};
