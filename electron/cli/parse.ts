import type { FixedInput, OutputRequest, ParameterSetting, RateLimit } from "../contract/batch.ts";
import type { SetupFailure } from "../contract/failure.ts";
import { fail, succeed, type Result } from "../contract/result.ts";
import { fixedInput } from "../contract/schema/batch.ts";

function usage(message: string, next: string): { ok: false; failure: SetupFailure } {
  return fail({ reason: "usage", message, next });
}

const UNIT_MS = { ms: 1, s: 1000, m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000 } as const;
type Unit = keyof typeof UNIT_MS;

/** The longest time that a setting takes. */
const LONGEST_DAYS = 365;

/** `6s`, `10m`, `2h`, `1.5h`: milliseconds, from one second to `mostDays`. */
export function parseDuration(
  text: string,
  flag: string,
  mostDays = LONGEST_DAYS,
): Result<number, SetupFailure> {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|min|h|d)$/.exec(text.trim()) ?? [];
  if (amount === undefined || unit === undefined) {
    return usage(
      `${flag} ${text} is not a duration.`,
      "Write a number with a unit, for example 6s, 10m or 2h.",
    );
  }
  const ms = Math.round(Number(amount) * UNIT_MS[unit as Unit]);
  if (ms < UNIT_MS.s || ms > mostDays * UNIT_MS.d)
    return usage(`${flag} ${text} is out of range.`, `Give something from 1s to ${mostDays}d.`);
  return succeed(ms);
}

const MOST_STARTS = 1_000_000;

/** `5/s`, `60/min`, `1000/h`. */
export function parseRate(text: string): Result<RateLimit, SetupFailure> {
  const [, count, unit] = /^(\d+)\/(s|min|m|h)$/.exec(text.trim()) ?? [];
  if (count === undefined || unit === undefined || Number(count) < 1 || Number(count) > MOST_STARTS) {
    return usage(`--rate ${text} is not a rate.`, "Write for example 2/s, 30/min or 500/h.");
  }
  return succeed({ count: Number(count), windowMs: UNIT_MS[unit as Unit] });
}

/** A whole number within bounds. */
export function parseCount(
  text: string,
  flag: string,
  least: number,
  most: number,
): Result<number, SetupFailure> {
  const value = /^\d+$/.test(text.trim()) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= most)) {
    return usage(
      `${flag} ${text} is not a whole number from ${least} to ${most}.`,
      `Give for example ${flag} ${Math.max(least, 5)}.`,
    );
  }
  return succeed(value);
}

/** `task`, `task#index`, `task:output`, `task#index:output`. */
export function parseOutput(text: string): Result<OutputRequest, SetupFailure> {
  const [, taskName, index, output] = /^([^#:=]+)(?:#(\d{1,3}))?(?::(\d{1,3}))?$/.exec(text.trim()) ?? [];
  if (taskName === undefined) {
    return usage(
      `--output ${text} is not an output.`,
      "Write task, task#index, task:output or task#index:output, for example infer_yolo_v8#0:1.",
    );
  }
  return succeed({
    taskName: taskName.trim(),
    taskIndex: index === undefined ? 0 : Number(index),
    outputIndex: output === undefined ? null : Number(output),
  });
}

/** `task.name=value` or `task#index.name=value`; the value is everything after the first `=`. */
export function parseParameter(text: string): Result<ParameterSetting, SetupFailure> {
  const [, taskName, index, name, value] = /^([^#.=]+)(?:#(\d{1,3}))?\.([^=]+)=([\s\S]*)$/.exec(text) ?? [];
  if (taskName === undefined || name === undefined || value === undefined) {
    return usage(
      `--param ${text} is not a parameter.`,
      "Write task.name=value, for example infer_yolo_v8.conf_thres=0.4.",
    );
  }
  return succeed({
    taskName: taskName.trim(),
    taskIndex: index === undefined ? 0 : Number(index),
    name: name.trim(),
    value,
  });
}

/** A standard input as JSON: one key, its type. */
export function parseInput(text: string): Result<FixedInput, SetupFailure> {
  const next = `Give one object with one key, its type, for example --input '{"DATA_DICT":{"plate":7}}'.`;
  try {
    const parsed = fixedInput.safeParse(JSON.parse(text));
    return parsed.success ? succeed(parsed.data) : usage(`--input ${text} is not a standard input.`, next);
  } catch {
    return usage(`--input ${text} is not JSON.`, next);
  }
}

/** Runs a parser over every repetition of a flag; the first failure ends it. */
export function parseAll<T>(
  texts: readonly string[],
  parse: (text: string) => Result<T, SetupFailure>,
): Result<T[], SetupFailure> {
  const values: T[] = [];
  for (const text of texts) {
    const parsed = parse(text);
    if (!parsed.ok) return parsed;
    values.push(parsed.value);
  }
  return succeed(values);
}
