import { fork } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { skippedSoFar, type Measure } from "./measure.ts";
import { busyLine, machineFacts, machineLine, misses, table, writeJson, type Outcome } from "./report.ts";

/**
 * `npm run bench [-- [--quick] [measure …]]`: runs the named measures, or all, one after the other, each in a process
 * of its own so that its memory and its event loop are its own. Exits with 1 if a bar is missed or a measure breaks.
 */
const PROGRAM = fileURLToPath(import.meta.url);
const FOLDER = new URL("./measures/", import.meta.url);
const JSON_FILE = "test-results/bench.json";
/** A measure that takes longer than this is stuck. */
const LONGEST_MS = 10 * 60 * 1000;

type Answer = Pick<Outcome, "findings" | "skipped" | "problem">;

function measureNames(): string[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith(".ts"))
    .map((file) => file.slice(0, -3))
    .sort();
}

async function load(name: string): Promise<Measure> {
  const camelName = name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
  const module = (await import(new URL(`${name}.ts`, FOLDER).href)) as Record<string, Measure | undefined>;
  const measure = module[camelName];
  if (measure === undefined) throw new Error(`measures/${name}.ts does not export ${camelName}`);
  return measure;
}

/** What the child of one measure does; it ends by itself when everything that it opened is closed. */
async function runHere(name: string, quick: boolean): Promise<void> {
  const answer = await load(name)
    .then((measure) => measure.run({ quick }))
    .then((findings): Answer => ({ findings, skipped: [...skippedSoFar()], problem: null }))
    .catch((error: unknown): Answer => ({
      findings: [],
      skipped: [...skippedSoFar()],
      problem: error instanceof Error ? (error.stack ?? error.message) : String(error),
    }));
  process.send?.(answer);
  process.disconnect();
}

async function runInChild(name: string, quick: boolean): Promise<Outcome> {
  const startedAt = performance.now();
  const args = ["--here", name, ...(quick ? ["--quick"] : [])];
  const child = fork(PROGRAM, args, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  let answer: Answer = { findings: [], skipped: [], problem: "its process ended without an answer" };
  child.on("message", (message) => (answer = message as Answer));
  const limit = setTimeout(() => child.kill("SIGKILL"), LONGEST_MS);
  await once(child, "close");
  clearTimeout(limit);
  return { name, seconds: Math.round((performance.now() - startedAt) / 100) / 10, ...answer };
}

async function namesToRun(wanted: readonly string[], quick: boolean): Promise<string[]> {
  const known = measureNames();
  const unknown = wanted.filter((name) => !known.includes(name));
  if (unknown.length > 0)
    throw new Error(`There is no measure ${unknown.join(", ")}; there are ${known.join(", ")}.`);
  if (wanted.length > 0) return [...wanted];
  const measures = await Promise.all(known.map(load));
  return measures.filter((measure) => !quick || measure.quick).map(({ name }) => name);
}

async function runAll(wanted: readonly string[], quick: boolean): Promise<void> {
  const machine = machineFacts();
  const busy = busyLine(machine);
  console.log(machineLine(machine));
  if (busy !== null) console.log(`\n*** ${busy} ***`);
  const outcomes: Outcome[] = [];
  for (const name of await namesToRun(wanted, quick)) {
    process.stderr.write(`${name} …\n`);
    const outcome = await runInChild(name, quick);
    outcomes.push(outcome);
    console.log(`\n## ${name} (${outcome.seconds.toFixed(1)} s)\n`);
    console.log(outcome.problem ?? table(outcome.findings));
  }
  for (const sentence of outcomes.flatMap(({ skipped }) => skipped))
    console.log(`\n*** SKIPPED: ${sentence} ***`);
  writeJson(JSON_FILE, machine, quick, outcomes);
  const missed = misses(outcomes);
  const seconds = outcomes.reduce((sum, outcome) => sum + outcome.seconds, 0);
  console.log(`\n${seconds.toFixed(0)} s in all; everything is in ${JSON_FILE}.`);
  if (busy !== null) console.log(`\n*** ${busy} ***`);
  console.log(missed.length === 0 ? "Every bar is met." : `Bars missed:\n${missed.join("\n")}`);
  process.exitCode = missed.length === 0 ? 0 : 1;
}

const given = process.argv.slice(2);
const foreign = given.filter(
  (argument) => argument.startsWith("--") && !["--quick", "--here"].includes(argument),
);
const names = given.filter((argument) => !argument.startsWith("--"));
const quick = given.includes("--quick");
if (foreign.length > 0) {
  console.error(`${foreign.join(" ")} is not known: node test/bench/run.ts [--quick] [measure …]`);
  process.exitCode = 2;
} else if (given.includes("--here")) await runHere(names[0] ?? "", quick);
else
  await runAll(names, quick).catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 2;
  });
