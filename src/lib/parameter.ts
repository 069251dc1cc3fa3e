/** How a parameter is edited; values are always strings in the form of the deployed default. */
export type ParameterKind =
  | { kind: "flag"; on: string; off: string }
  | { kind: "whole" }
  | { kind: "number" }
  | { kind: "json" }
  | { kind: "text" };

const WORDS: readonly { on: string; off: string }[] = [
  { on: "True", off: "False" },
  { on: "true", off: "false" },
];
const SOUNDS_LIKE_A_FLAG =
  /^(is|use|has|do|enable|with|keep|show|apply|auto|allow|draw|save|invert|normali[sz]e)(?=[A-Z_]|$)|(enabled?|flag|visible|cuda|gpu|only|mode_on)$/;

/**
 * The kind guessed from a default: Python tasks write `True`/`False`, C++ tasks `0`/`1`, and each reads only its own
 * form (API facts, section 6.1). A `0` or `1` counts as a flag only when its name sounds like one.
 */
export function guessKind(name: string, value: string): ParameterKind {
  const words = WORDS.find(({ on, off }) => value === on || value === off);
  if (words !== undefined) return { kind: "flag", ...words };
  if ((value === "0" || value === "1") && SOUNDS_LIKE_A_FLAG.test(name))
    return { kind: "flag", on: "1", off: "0" };
  if (/^[+-]?\d+$/.test(value)) return { kind: "whole" };
  if (isNumber(value)) return { kind: "number" };
  return looksLikeJson(value) ? { kind: "json" } : { kind: "text" };
}

function isNumber(value: string): boolean {
  return /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(value);
}

function looksLikeJson(value: string): boolean {
  return /^\s*[[{]/.test(value) && parses(value);
}

function parses(value: string): boolean {
  try {
    JSON.parse(value);
    return true;
  } catch {
    return false; // Not JSON is the answer, not a fault.
  }
}

export type ParameterProblem = "whole-number" | "a-number" | "bad-json";

/** What is wrong with a value for its kind; null when it can be sent. */
export function checkValue({ kind }: ParameterKind, value: string): ParameterProblem | null {
  if (kind === "whole") return /^[+-]?\d+$/.test(value) ? null : "whole-number";
  if (kind === "number") return isNumber(value) ? null : "a-number";
  if (kind === "json") return parses(value) ? null : "bad-json";
  return null;
}
