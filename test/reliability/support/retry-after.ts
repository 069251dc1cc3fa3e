import { openRig, type Rig } from "../../support/open-rig.ts";
import { writePicture } from "../../support/pictures.ts";
import type { Notebook } from "./runner.ts";
import { within } from "./within.ts";

const SPEED = 20;
const PATIENCE_MS = 20_000;
const DAY_MS = 24 * 3_600_000;
/** What a request may take on its way, beside the pause; real milliseconds. */
const ON_THE_WAY_MS = 1_500;

interface Case {
  name: string;
  header: (rig: Rig) => string;
  /** Milliseconds that are to pass, at least and at most, before the server sees the next submission. */
  least: number;
  most: number;
  /** The header itself says the moment. */
  isDate?: boolean;
}

const inSeconds = (s: number): Case => ({
  name: `${String(s)} s`,
  header: () => String(s),
  least: s * 1_000,
  most: s * 1_000 + 2_000,
});

/** An unreadable value is no value: the product's own pause of 5 s ± 10 %. */
const garbage = (text: string): Case => ({
  name: `"${text}"`,
  header: () => text,
  least: 4_500,
  most: 5_500,
});

const CASES: readonly Case[] = [
  inSeconds(30),
  inSeconds(7),
  {
    name: "a date in 40 s",
    header: (rig) => new Date(rig.clock.now() + 40_000).toUTCString(),
    least: 0,
    most: 0,
    isDate: true,
  },
  {
    name: "a date in the past",
    header: (rig) => new Date(rig.clock.now() - 90_000).toUTCString(),
    least: 1_000,
    most: 3_000,
  },
  { name: "0 s", header: () => "0", least: 1_000, most: 3_000 },
  garbage("soon"),
  garbage("-30"),
  garbage("1e3"),
  garbage("Thu, 31 Feb 2026 25:00:00 GMT"),
];

const ABSURD = ["99999999999", "Fri, 31 Dec 9999 23:59:59 GMT"];

async function obey(book: Notebook, rig: Rig, status: 429 | 503, wait: Case, number: number): Promise<void> {
  const { control } = rig.simulator;
  const name = `Retry-After ${wait.name} (${String(status)})`;
  const before = control.stats().puts.length;
  const headers = { "retry-after": wait.header(rig) };
  control.script({ on: "put", fault: { kind: "status", status, headers } });
  await writePicture(rig.folder, `${String(number)}.png`, number);
  await rig.runner.rescan();
  const again = await within(
    PATIENCE_MS,
    control.until((stats) => stats.puts.length >= before + 2),
  );
  book.check(again, `${name}: nothing was submitted again`);
  const [refused, next] = control.stats().puts.slice(before);
  if (refused === undefined || next === undefined) return;
  const waitedMs = (next.atMs - refused.atMs) * SPEED;
  // The simulator's clock is this process's own.
  const refusedAt = rig.originAt + (performance.timeOrigin + refused.atMs - rig.originAt) * SPEED;
  const least = wait.isDate === true ? Date.parse(headers["retry-after"]) - refusedAt - 200 : wait.least;
  const most = wait.isDate === true ? least + 2_000 : wait.most;
  const told = `${name}: submitted again after ${String(Math.round(waitedMs))} ms`;
  book.check(waitedMs >= least, `${told}, too early`);
  book.check(waitedMs <= most + ON_THE_WAY_MS * SPEED, `${told}, too late`);
  await within(
    PATIENCE_MS,
    rig.untilLedger((ledger) => ledger.done === ledger.seen),
  );
}

/** An absurd value is waited out for a day at most, and the gate says until when. */
async function clamp(book: Notebook, rig: Rig, header: string, number: number): Promise<void> {
  const { control } = rig.simulator;
  const puts = control.stats().puts.length;
  control.script({ on: "put", fault: { kind: "status", status: 503, headers: { "retry-after": header } } });
  await writePicture(rig.folder, `${String(number)}.png`, number);
  await rig.runner.rescan();
  const closed = await within(PATIENCE_MS, rig.untilGate("busy"));
  const gate = rig.runner.gates().find(({ kind }) => kind === "busy");
  const waitsMs = (gate?.nextTryAt ?? Infinity) - (gate?.since ?? 0);
  book.check(
    closed && waitsMs > DAY_MS - 60_000 && waitsMs <= DAY_MS + 1_000,
    `Retry-After ${header}: waits ${String(waitsMs / 3_600_000)} h`,
  );
  await rig.clock.sleep(60_000);
  const early = control.stats().puts.length - puts - 1;
  book.check(early === 0, `Retry-After ${header}: ${String(early)} submissions in the first minute`);
  rig.runner.tryNow();
  const done = await within(
    PATIENCE_MS,
    rig.untilLedger((ledger) => ledger.done === ledger.seen),
  );
  book.check(done, `Retry-After ${header}: a person could not try before it was over`);
}

/** A poll that is told to wait waits, too. */
async function obeyOnResults(book: Notebook, rig: Rig, number: number): Promise<void> {
  const { control } = rig.simulator;
  const asked = control.stats().requests.results;
  const headers = { "retry-after": "20" };
  control.script({ on: "results", fault: { kind: "status", status: 429, headers } });
  await writePicture(rig.folder, `${String(number)}.png`, number);
  await rig.runner.rescan();
  await within(
    PATIENCE_MS,
    control.until((stats) => stats.requests.results > asked),
  );
  const refusedAt = performance.now();
  await within(
    PATIENCE_MS,
    control.until((stats) => stats.requests.results > asked + 1),
  );
  const waitedMs = (performance.now() - refusedAt) * SPEED;
  book.check(
    waitedMs >= 19_000,
    `A result was asked for again after ${String(Math.round(waitedMs))} of 20000 ms`,
  );
}

/** Every form of `Retry-After` against a running engine, as the server sees it. */
export async function obeyRetryAfter(book: Notebook, short: boolean): Promise<void> {
  await using rig = await openRig({ speed: SPEED, limits: { concurrency: 2 } });
  await rig.start({ watch: true });
  const cases = short ? [0, 2, 5].flatMap((at) => CASES[at] ?? []) : CASES;
  let number = 1;
  for (const wait of cases) await obey(book, rig, number % 2 === 0 ? 429 : 503, wait, number++);
  for (const header of short ? ABSURD.slice(0, 1) : ABSURD) await clamp(book, rig, header, number++);
  await obeyOnResults(book, rig, number);
  book.figure("forms of Retry-After", number);
}
