import type { Outcome } from "./prove.ts";
import type { Runner } from "./runner.ts";

/** How a proof or a control ended, for the closing line. */
export type Mark = "passed" | "failed" | "skipped";

const tell = (line: string): void => void process.stdout.write(`${line}\n`);
const time = (outcome: Outcome): string => `${outcome.seconds.toFixed(1)} s`;

function figuresLine(figures: Readonly<Record<string, number | string>>): string {
  return Object.entries(figures)
    .map(([name, value]) => `${name}: ${typeof value === "number" ? String(+value.toFixed(2)) : value}`)
    .join(" · ");
}

/** Prints figures and one verdict line of a proof. */
export function reportProof(name: string, runner: Runner, outcome: Outcome): Mark {
  tell(`\n${name}: ${runner.promise}`);
  if (outcome.kind === "failed") {
    tell(`  NO VERDICT after ${time(outcome)}: ${outcome.why}`);
    return "failed";
  }
  tell(`  ${figuresLine(outcome.figures)}`);
  for (const sentence of outcome.broken.slice(0, 20)) tell(`  - ${sentence}`);
  if (outcome.broken.length > 20) tell(`  - and ${String(outcome.broken.length - 20)} more`);
  tell(`  ${outcome.broken.length === 0 ? "KEPT" : "BROKEN"} in ${time(outcome)}`);
  return outcome.broken.length === 0 ? "passed" : "failed";
}

/** Prints one line of a control: it passes when the proof found a promise broken. */
export function reportControl(name: string, without: string, outcome: Outcome): Mark {
  const head = `${name}, without ${without}:`;
  if (outcome.kind === "failed") {
    tell(`${head} NO VERDICT after ${time(outcome)}: ${outcome.why}`);
    return "failed";
  }
  const [first] = outcome.broken;
  tell(
    first === undefined ? `${head} STILL KEPT, so it proves nothing` : `${head} red as it must be (${first})`,
  );
  return first === undefined ? "failed" : "passed";
}

/** Says why a proof is left out. */
export function reportSkip(name: string, why: string): Mark {
  tell(`\n${name}: SKIPPED, ${why}`);
  return "skipped";
}

/** A Markdown row of the table in RELIABILITY.md. */
export function markdownRow(name: string, runner: Runner, outcome: Outcome): string {
  const seen =
    outcome.kind === "failed"
      ? "no verdict"
      : `${outcome.broken.length === 0 ? "kept" : "**broken**"}: ${figuresLine(outcome.figures)}`;
  return `| \`${name}\` | ${runner.promise} | ${seen} | ${outcome.seconds.toFixed(0)} s |`;
}
