import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** How a file comes to be: what each does stands in `writer-program.ts`. */
export const WAYS = [
  "slow",
  "stepwise",
  "stalled",
  "two-sessions",
  "growing-at-start",
  "preallocated",
  "sparse",
  "renamed-into-place",
  "rewritten",
  "replaced",
  "time-kept",
  "same-size-and-time",
  "hard-link",
  "empty-first",
  "shrinking",
  "middle-last",
] as const;
/** `overwritten` is no copy: it overwrites a file that is there, and sets its time back. */
export type Way = (typeof WAYS)[number] | "overwritten";

/** Ways in which a file that is not finished looks finished, except that it still changes: they may not pause for long. */
export const ONLY_QUIET_TELLS: readonly Way[] = ["shrinking", "middle-last"];

export interface WriteOrder {
  id: number;
  way: Way;
  /** Where the file comes to be. */
  target: string;
  /** A finished file with the bytes that it has in the end. */
  source: string;
  /** Another finished file of the same size, for ways that replace something. */
  earlier: string;
  /** How long a file must rest to count as finished, in milliseconds. */
  quietMs: number;
  /** How long the earlier content is left alone, in milliseconds. */
  restMs: number;
}

/** A process that writes files in odd ways. */
export interface Writer extends AsyncDisposable {
  /** Resolves when the file is finished, with the longest pause that its writer really made between two pieces. */
  write(order: Omit<WriteOrder, "id">): Promise<{ longestGapMs: number }>;
}

export function startWriter(): Writer {
  const program = fileURLToPath(new URL("./writer-program.ts", import.meta.url));
  const child = spawn(process.execPath, [program], { stdio: ["pipe", "pipe", "inherit"] });
  const waiting = new Map<number, (said: { longestGapMs: number }) => void>();
  createInterface({ input: child.stdout }).on("line", (line) => {
    const said = JSON.parse(line) as { id: number; longestGapMs: number };
    waiting.get(said.id)?.(said);
  });
  let last = 0;
  return {
    write(order) {
      last += 1;
      const id = last;
      const finished = new Promise<{ longestGapMs: number }>((resolve) => waiting.set(id, resolve));
      child.stdin.write(`${JSON.stringify({ id, ...order })}\n`);
      return finished;
    },
    async [Symbol.asyncDispose]() {
      const closed = once(child, "close");
      child.kill("SIGKILL");
      await closed;
    },
  };
}
