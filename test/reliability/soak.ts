/**
 * A night in minutes: `node test/reliability/soak.ts --minutes <n>`. The real command line watches a folder that
 * grows, against a simulator that fails now and then; memory, descriptors, the size of its files and the event loop
 * must stay flat, and the ledger must balance at every look. Exit code 0 = all flat.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startSimulatorProcess } from "../../electron/cli/simulator-process.ts";
import { writePicture } from "../support/pictures.ts";
import { personsEnv, startCommand } from "./support/command.ts";
import type { ProcessFigures } from "./support/loop-delay.ts";
import { createNotebook, type Notebook } from "./support/runner.ts";
import { slopeOf, takeVitalSigns, type VitalSigns } from "./support/vital-signs.ts";

const LOOP_DELAY = new URL("./support/loop-delay.ts", import.meta.url).href;
const MB = 1024 * 1024;
const PER_SECOND = 10;
/** Slow enough to finish what comes in, and with every kind of trouble that a night has. */
const SIMULATOR = [
  "--latency=100-400",
  "--workers=16",
  "--jwt-seconds=60",
  "--faults=put-503=0.01,put-reset-after=0.002,get-502=0.005,get-cut=0.002,run-500=0.002,jwt-short=0.02",
];

const { values } = parseArgs({ options: { minutes: { type: "string", default: "10" } } });
const minutes = Number(values.minutes);
if (!(minutes > 0)) {
  console.error("--minutes wants a number above 0.");
  process.exit(2);
}

/** Adds pictures, and now and then renames, removes or replaces an older one, as people do. */
async function keepAdding(folder: string, signal: AbortSignal): Promise<void> {
  const startedAt = performance.now();
  const name = (n: number): string => `${String(Math.floor(n / 500))}/${String(n)}.png`;
  for (let n = 0; !signal.aborted; n++) {
    await writePicture(folder, name(n), n);
    if (n % 50 === 40) await rename(join(folder, name(n - 30)), join(folder, `${name(n - 30)}.renamed.png`));
    if (n % 50 === 41) await rm(join(folder, name(n - 25)));
    if (n % 50 === 42) await writePicture(folder, name(n - 20), 1_000_000 + n);
    const aheadMs = ((n + 1) / PER_SECOND) * 1_000 - (performance.now() - startedAt);
    if (aheadMs > 0) await new Promise((resolve) => setTimeout(resolve, aheadMs));
  }
}

const highest = (looks: readonly VitalSigns[], of: (look: VitalSigns) => number): number =>
  looks.reduce((most, look) => Math.max(most, of(look)), 0);

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

function judgeFlatness(book: Notebook, looks: readonly VitalSigns[]): void {
  const third = Math.floor(looks.length / 3);
  const [early, middle, late] = [looks.slice(0, third), looks.slice(third, -third), looks.slice(-third)];
  const settled = [...middle, ...late];
  const rss = (part: readonly VitalSigns[]): number => median(part.map((look) => look.rss)) / MB;
  book.figure(
    "RSS early/middle/late third (MB)",
    [early, middle, late].map((p) => rss(p).toFixed(0)).join(" / "),
  );
  book.figure("RSS slope, last two thirds (MB/h)", slopeOf(settled.map((l) => [l.atS / 3600, l.rss / MB])));
  book.check(highest(looks, (l) => l.rss) <= 600 * MB, "RSS went above 600 MB");
  const descriptors = [early, late].map((part) => highest(part, (l) => l.descriptors));
  book.figure("descriptors, most in first/last third", descriptors.join(" / "));
  book.check((descriptors[1] ?? 0) <= (descriptors[0] ?? 0) + 5, "Open descriptors grow");
  book.figure("WAL, most (MB)", highest(looks, (l) => l.wal) / MB);
  book.check(highest(looks, (l) => l.wal) <= 64 * MB, "The write-ahead log went above 64 MB");
  book.figure("logs, most (MB)", highest(looks, (l) => l.logs) / MB);
  book.check(highest(looks, (l) => l.logs) <= 50 * MB, "The logs went above 50 MB");
  book.figure("spool, most (MB)", highest(looks, (l) => l.spool) / MB);
}

function judgeProcess(book: Notebook, file: string): void {
  const { p99Ms, maxMs, held } = JSON.parse(readFileSync(file, "utf8")) as ProcessFigures;
  book.figure("event-loop delay p99 (ms)", p99Ms);
  book.figure("event-loop delay max (ms)", maxMs);
  book.check(p99Ms < 50, "The event loop's delay p99 is not below 50 ms");
  book.check(maxMs < 250, "The event loop's delay reached 250 ms");
  book.figure("held after a collection (MB)", held.map((bytes) => (bytes / MB).toFixed(1)).join(" / "));
  // The first is of a program that is still warming up.
  const [, first = 0, ...later] = held;
  if (later.length > 0)
    book.check((later.at(-1) ?? 0) <= first + 5 * MB, "Memory that is held grew by more than 5 MB");
}

async function soak(book: Notebook, base: string): Promise<void> {
  const simulator = await startSimulatorProcess(SIMULATOR);
  if (!simulator.ok) throw new Error("The simulator could not be started");
  const folder = join(base, "pictures");
  mkdirSync(folder);
  const dataFile = join(base, "night.db");
  const loopFile = join(base, "loop-delay.json");
  const command = startCommand(
    ["run", "pictures", "--watch", "--output", "image_facts:0", "--concurrency", "10", "--data", dataFile],
    {
      cwd: base,
      nodeArgs: ["--expose-gc", "--import", LOOP_DELAY],
      env: {
        ...personsEnv(base),
        IKOMIA_TOKEN: simulator.value.token,
        IKOMIA_URL: simulator.value.tokenService,
        NIGHTRUN_DEPLOYMENT: simulator.value.url,
        NIGHTRUN_TEST_LOOP_DELAY: loopFile,
      },
    },
  );
  const enough = new AbortController();
  const adding = keepAdding(folder, enough.signal);
  const looks: VitalSigns[] = [];
  const startedAt = performance.now();
  const atS = (): number => (performance.now() - startedAt) / 1_000;
  try {
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    for (; atS() < minutes * 60;) {
      if (command.child.exitCode !== null) throw new Error(`It ended by itself:\n${command.text()}`);
      looks.push(takeVitalSigns(command.child.pid ?? 0, dataFile, atS()));
      if (looks.length % 60 === 0) console.log(lookLine(looks.at(-1)));
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    }
    judgeProcess(book, loopFile);
  } finally {
    enough.abort();
    await adding;
    command.child.kill("SIGTERM");
    await command.ended;
    await simulator.value.stop();
  }
  judgeFlatness(book, looks);
  const last = looks.at(-1);
  book.figure("looks", looks.length);
  book.figure("images seen", last?.seen ?? 0);
  book.figure("images done", last?.done ?? 0);
  book.check(
    looks.every((look) => look.balanced),
    "The ledger did not balance at every look",
  );
  book.check((last?.seen ?? 0) > minutes * 60 * PER_SECOND * 0.5, "Too little was done to show anything");
  book.check((last?.done ?? 0) > (last?.seen ?? 0) * 0.9 - 300, "The work fell behind");
}

function lookLine(look: VitalSigns | undefined): string {
  if (look === undefined) return "";
  const mb = (bytes: number): string => `${(bytes / MB).toFixed(1)} MB`;
  return `${look.atS.toFixed(0)} s: RSS ${mb(look.rss)}, ${String(look.descriptors)} descriptors, WAL ${mb(look.wal)}, ${String(look.done)} of ${String(look.seen)} done`;
}

const base = mkdtempSync(join(tmpdir(), "nightrun-soak-"));
const book = createNotebook();
try {
  await soak(book, base);
} finally {
  rmSync(base, { recursive: true, force: true });
}
const { figures, broken } = book.verdict();
console.log(`\nSoak of ${String(minutes)} minutes`);
for (const [name, value] of Object.entries(figures))
  console.log(`  ${name}: ${typeof value === "number" ? String(+value.toFixed(2)) : value}`);
for (const sentence of broken) console.log(`  - ${sentence}`);
console.log(broken.length === 0 ? "FLAT" : "NOT FLAT");
mkdirSync("test-results", { recursive: true });
writeFileSync("test-results/soak.json", JSON.stringify({ minutes, figures, broken }, null, 2));
process.exitCode = broken.length === 0 ? 0 : 1;
