import { describeFailure } from "../contract/describe-failure.ts";
import type { Failure } from "../contract/failure.ts";

/** Where a command writes: data on stdout, everything for the eye on stderr. */
export interface Console {
  /** One line of data. */
  data(line: string): void;
  /** One line for a person. */
  readonly say: (line: string) => void;
  readonly isTerminal: boolean;
  readonly out: NodeJS.WriteStream;
  readonly err: NodeJS.WriteStream;
}

export function createConsole(out: NodeJS.WriteStream, err: NodeJS.WriteStream): Console {
  return {
    data: (line) => void out.write(`${line}\n`),
    say: (line) => void err.write(`${line}\n`),
    isTerminal: err.isTTY,
    out,
    err,
  };
}

/** One failure, one line: what happened and what to do. */
export function failureLine(failure: Failure): string {
  const { what, next } = describeFailure(withoutStack(failure));
  return oneLine(`nightrun: ${what} ${next}`);
}

/** The stack of a defect is of no use to a person at a terminal. */
function withoutStack(failure: Failure): Failure {
  return failure.reason === "internal"
    ? { ...failure, message: failure.message.replace(/\n\s+at [^]*$/, "") }
    : failure;
}

/** Text of others (a server's answer, for example) stays on one line and does nothing to the terminal. */
export function oneLine(text: string): string {
  return shown(text.replace(/\s*[\r\n]+\s*/g, " "));
}

/** Control characters and other deceptive ones in names are shown, not obeyed. */
export function shown(text: string): string {
  return text.replace(
    /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** "12,331" */
export function grouped(n: number): string {
  return n.toLocaleString("en-US");
}

/** "3 h 12 min", "4 min", "12 s" */
export function durationText(ms: number): string {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 60) return `${s} s`;
  const m = Math.round(s / 60);
  return m < 60 ? `${m} min` : `${Math.floor(m / 60)} h ${m % 60} min`;
}
