/** What a value must reach; none is a figure to read, not to pass. */
export interface Bar {
  kind: "at-least" | "at-most";
  value: number;
}

/** One measured figure. */
export interface Finding {
  /** What was measured, as the table shows it. */
  measure: string;
  value: number;
  /** "×" for a ratio; "" where the number says it. */
  unit: string;
  bar: Bar | null;
  /** Lowest to highest of the rounds behind the median. */
  spread?: string;
  note?: string;
}

/** One part of the bench: a file in `measures/`, run in a process of its own. */
export interface Measure {
  /** The file's name without its ending. */
  name: string;
  /** One sentence. */
  what: string;
  /** Also part of `--quick`. */
  quick: boolean;
  run(size: { quick: boolean }): Promise<Finding[]>;
}

/** Whether a value reaches its bar; a figure without one always does. */
export function meets({ value, bar }: Pick<Finding, "value" | "bar">): boolean {
  if (bar === null) return true;
  return bar.kind === "at-least" ? value >= bar.value : value <= bar.value;
}

/** The middle value; the mean of the two middle ones of an even count. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle];
  const lower = sorted[sorted.length % 2 === 1 ? middle : middle - 1];
  if (upper === undefined || lower === undefined) throw new Error("The median of nothing was asked for");
  return (lower + upper) / 2;
}

/** Lowest to highest, as the table shows it. */
export function spread(values: readonly number[], digits = 2): string {
  return `${Math.min(...values).toFixed(digits)}–${Math.max(...values).toFixed(digits)}`;
}

const skipped: string[] = [];

/** Leaves something out in a way that nobody overlooks: now, and again below the table. */
export function skipLoudly(sentence: string): void {
  skipped.push(sentence);
  process.stderr.write(`\n*** SKIPPED: ${sentence} ***\n\n`);
}

/** What this process left out so far. */
export function skippedSoFar(): readonly string[] {
  return skipped;
}
