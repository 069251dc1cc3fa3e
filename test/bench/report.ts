import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg, totalmem } from "node:os";
import { dirname } from "node:path";
import { meets, type Finding } from "./measure.ts";

/** The machine that measured: no names, no paths. */
export interface Machine {
  cores: number;
  processor: string;
  memoryGb: number;
  node: string;
  platform: string;
  /** Processes that wanted to run in the last minute, before the bench began; 0 where nobody counts them. */
  load: number;
}

/** What one measure gave, or why it gave nothing. */
export interface Outcome {
  name: string;
  seconds: number;
  findings: Finding[];
  skipped: string[];
  /** null = it ran to its end. */
  problem: string | null;
}

export function machineFacts(): Machine {
  return {
    cores: availableParallelism(),
    processor: (cpus()[0]?.model ?? "unknown").trim(),
    memoryGb: Math.round(totalmem() / 1e9),
    node: process.versions.node,
    platform: `${process.platform} ${process.arch}`,
    load: Math.round(10 * (loadavg()[0] ?? 0)) / 10,
  };
}

/** From this load on, for each core, times say more about the machine than about Nightrun. */
const BUSY_LOAD = 0.5;

/** What has to be said before any time is believed; null when the machine is free. */
export function busyLine({ cores, load }: Machine): string | null {
  if (load < BUSY_LOAD * cores) return null;
  return `This machine is busy (load ${load} on ${cores} cores): rates and delays below are worse than Nightrun's own; CPU times and counts hold.`;
}

export function machineLine({ cores, processor, memoryGb, node, platform }: Machine): string {
  return `${cores} cores (${processor}), ${memoryGb} GB of memory, ${platform}, Node ${node}`;
}

function shownNumber(value: number): string {
  const size = Math.abs(value);
  if (size >= 1000) return Math.round(value).toLocaleString("en-US");
  if (size >= 100 || Number.isInteger(value)) return value.toFixed(0);
  return size >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function row(finding: Finding): string[] {
  const { measure, value, unit, bar } = finding;
  const sign = bar?.kind === "at-least" ? "≥" : "≤";
  return [
    measure,
    [shownNumber(value), unit, finding.spread === undefined ? "" : `(${finding.spread})`]
      .filter((part) => part !== "")
      .join(" "),
    bar === null ? "" : `${sign} ${shownNumber(bar.value)}`,
    bar === null ? "" : meets(finding) ? "yes" : "NO",
    finding.note ?? "",
  ];
}

const HEAD = ["measure", "value", "bar", "met", "note"];

/** The findings as an aligned table, in Markdown so that it can be kept. */
export function table(findings: readonly Finding[]): string {
  const rows = [HEAD, ...findings.map(row)];
  const widths = HEAD.map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  const rule = `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`;
  return [line(HEAD), rule, ...rows.slice(1).map(line)].join("\n");
}

/** Writes everything beside the table, for programs. */
export function writeJson(
  file: string,
  machine: Machine,
  quick: boolean,
  outcomes: readonly Outcome[],
): void {
  mkdirSync(dirname(file), { recursive: true });
  const measuredAt = new Date().toISOString();
  writeFileSync(file, `${JSON.stringify({ measuredAt, machine, quick, measures: outcomes }, null, 2)}\n`);
}

/** What keeps the bench from passing, a sentence each. */
export function misses(outcomes: readonly Outcome[]): string[] {
  return outcomes.flatMap(({ name, findings, problem }) => [
    ...(problem === null ? [] : [`${name} did not run to its end: ${problem}`]),
    ...findings.filter((f) => !meets(f)).map((f) => `${name}: ${row(f).slice(0, 3).join(" | ")}`),
  ]);
}
