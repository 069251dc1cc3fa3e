/**
 * Runs the proofs of reliability and says which promises are kept.
 *
 * `node test/reliability/run.ts [--short] [--controls] [--seed n] [--jobs n] [name ...]`
 *
 * `--controls` runs each proof without its protections instead: it must find a promise broken. The figures of a run
 * without names go to test-results/reliability.md as rows of a table. Exit code 0 = all as it must be.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import PQueue from "p-queue";
import { loadRunner, prove, proveWithout, runnerNames } from "./support/prove.ts";
import { markdownRow, reportControl, reportProof, reportSkip, type Mark } from "./support/report.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    short: { type: "boolean", default: false },
    controls: { type: "boolean", default: false },
    seed: { type: "string", default: "1" },
    jobs: { type: "string", default: "2" },
  },
});
const seed = Number(values.seed);
const unknown = positionals.filter((name) => !runnerNames().includes(name));
if (unknown.length > 0) {
  console.error(`There is no proof ${unknown.join(", ")}. There are: ${runnerNames().join(", ")}.`);
  process.exit(2);
}

const rows: string[] = [];

async function proveOne(name: string): Promise<Mark> {
  const runner = await loadRunner(name);
  const outcome = await prove(name, { short: values.short, seed });
  rows.push(markdownRow(name, runner, outcome));
  return reportProof(name, runner, outcome);
}

const marks: Mark[] = [];
const together: (() => Promise<void>)[] = [];
const alone: (() => Promise<void>)[] = [];
for (const name of positionals.length > 0 ? positionals : runnerNames()) {
  const runner = await loadRunner(name);
  const why = runner.cannotRun?.() ?? null;
  const tasks = values.controls
    ? runner.controls.map((control) => async (): Promise<void> => {
        marks.push(reportControl(name, control.without, await proveWithout(name, control, seed)));
      })
    : [async (): Promise<void> => void marks.push(await proveOne(name))];
  if (why !== null) marks.push(reportSkip(name, why));
  else (runner.alone === true ? alone : together).push(...tasks);
}
for (const [tasks, concurrency] of [
  [together, Number(values.jobs)],
  [alone, 1],
] as const)
  await new PQueue({ concurrency }).addAll(tasks);

if (!values.controls && positionals.length === 0) {
  mkdirSync("test-results", { recursive: true });
  const head = "| runner | promise | last seen | took |\n|---|---|---|---|";
  writeFileSync("test-results/reliability.md", `${[head, ...rows.sort()].join("\n")}\n`);
}
const count = (mark: Mark): number => marks.filter((each) => each === mark).length;
console.log(
  `\n${String(count("passed"))} passed, ${String(count("failed"))} failed, ${String(count("skipped"))} skipped`,
);
process.exitCode = count("failed") === 0 && count("passed") > 0 ? 0 : 1;
