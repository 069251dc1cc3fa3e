import { RunError } from "./run-error.ts";

/**
 * How a task reads one parameter. Every value travels as a string; the reader decides what the string may be
 * (API facts, section 6.1): `python-boolean` wants `True`/`False`, `flag` wants a whole number.
 */
export type ParameterSpec =
  | { name: string; kind: "number" | "integer"; value: string; min: number; max: number }
  | { name: string; kind: "python-boolean" | "flag"; value: string }
  | { name: string; kind: "choice"; value: string; choices: readonly string[] };

/** The parameters of one run of one task, read and checked. */
export interface ParameterValues {
  number(name: string): number;
  boolean(name: string): boolean;
  text(name: string): string;
}

function readNumber(spec: ParameterSpec & { kind: "number" | "integer" }, text: string): number {
  const number = text.trim() === "" ? NaN : Number(text);
  if (Number.isNaN(number)) throw new RunError(`${spec.name}: '${text}' is not a number`);
  if (spec.kind === "integer" && !Number.isInteger(number)) {
    throw new RunError(`${spec.name}: '${text}' is not a whole number`);
  }
  if (number < spec.min || number > spec.max) {
    throw new RunError(`${spec.name}: ${text} is outside ${spec.min} to ${spec.max}`);
  }
  return number;
}

function readPythonBoolean(name: string, text: string): boolean {
  if (text === "True") return true;
  if (text === "False") return false;
  throw new RunError(`${name}: name '${text}' is not defined, expected True or False`);
}

/** C++ reads flags with `stoi`: leading digits count, anything else is an exception. */
function readFlag(name: string, text: string): boolean {
  const digits = /^\s*([+-]?\d+)/.exec(text);
  if (!digits) throw new RunError(`${name}: stoi cannot read '${text}', expected 0 or 1`);
  return Number(digits[1]) !== 0;
}

function readValue(spec: ParameterSpec, text: string): number | boolean | string {
  switch (spec.kind) {
    case "number":
    case "integer":
      return readNumber(spec, text);
    case "python-boolean":
      return readPythonBoolean(spec.name, text);
    case "flag":
      return readFlag(spec.name, text);
    case "choice":
      if (!spec.choices.includes(text)) {
        throw new RunError(`${spec.name}: '${text}' is not one of ${spec.choices.join(", ")}`);
      }
      return text;
  }
}

/** Lays the given strings over the defaults; names the task does not know are silently ignored, as Ikomia does. */
export function readParameters(
  specs: readonly ParameterSpec[],
  given: Readonly<Record<string, string>>,
): ParameterValues {
  const values = new Map(
    specs.map((spec) => [
      spec.name,
      readValue(spec, Object.hasOwn(given, spec.name) ? (given[spec.name] ?? "") : spec.value),
    ]),
  );
  function get(name: string, type: "number" | "boolean" | "string"): unknown {
    const value = values.get(name);
    if (typeof value !== type) throw new Error(`Internal error: no ${type} parameter ${name}`);
    return value;
  }
  return {
    number: (name) => get(name, "number") as number,
    boolean: (name) => get(name, "boolean") as boolean,
    text: (name) => get(name, "string") as string,
  };
}
