import { sep } from "node:path";
import { lastName } from "./path.ts";

/**
 * Globs as shells know them: `*`, `?`, `[a-z]`, `[!x]`, `{a,b}`, `**` for any number of folders, `\` before a character
 * that is meant literally (on Windows it separates folders). A glob without "/" is compared with the name alone, one with "/" with the whole
 * relative path. Upper and lower case, and composed and decomposed accents, are the same.
 *
 * Matching walks all possible places at once, so its time is at most length of name x length of glob; a
 * regular expression could be held for hours by `*_*_*_*` and a name made for it.
 */
export function createGlobMatcher(globs: readonly string[]): (path: string) => boolean {
  const programs = globs
    .map(cleaned)
    .filter((glob) => glob !== "")
    .map(compile);
  return (path) => {
    const whole = folded(path);
    const name = lastName(whole);
    return programs.some((program) => matches(program, program.wholePath ? whole : name));
  };
}

type Test = (character: string) => boolean;
/** `eat` needs a character, `fork` goes on at several places without one. */
type State = { kind: "eat"; test: Test; next: number } | { kind: "fork"; to: number[] } | { kind: "end" };
interface Program {
  states: State[];
  start: number;
  wholePath: boolean;
}
type Item =
  | { kind: "one"; test: Test }
  | { kind: "many"; items: Item[] }
  | { kind: "maybe"; items: Item[] }
  | { kind: "either"; choices: Item[][] };

const notSlash: Test = (character) => character !== "/";
const slash: Test = (character) => character === "/";
const NAME_PART: Item = { kind: "many", items: [{ kind: "one", test: notSlash }] };
const ANYTHING: Item = { kind: "many", items: [{ kind: "one", test: () => true }] };
const FOLDERS: Item = { kind: "many", items: [NAME_PART, { kind: "one", test: slash }] };
const FOLDER_AND_ALL_BELOW: Item = { kind: "maybe", items: [{ kind: "one", test: slash }, ANYTHING] };

function folded(text: string): string {
  return text.normalize("NFC").toLowerCase();
}

function cleaned(glob: string): string {
  const slashed = sep === "\\" ? glob.replaceAll("\\", "/") : glob;
  return folded(slashed)
    .replace(/^(?:\.\/)+/, "")
    .replace(/(?<=.)\/$/, "");
}

function compile(glob: string): Program {
  const states: State[] = [{ kind: "end" }];
  const start = build(states, parse(Array.from(glob.replace(/^\//, ""))), 0);
  return { states, start, wholePath: glob.includes("/") };
}

function parse(glob: readonly string[]): Item[] {
  const items: Item[] = [];
  let at = 0;
  while (at < glob.length) {
    const rest = glob.slice(at, at + 4).join("");
    const atStart = at === 0 || glob[at - 1] === "/";
    const isLast = (length: number): boolean => at + length === glob.length;
    if (rest.startsWith("/**") && isLast(3)) return [...items, FOLDER_AND_ALL_BELOW];
    if (atStart && rest.startsWith("**") && isLast(2)) return [...items, ANYTHING];
    const [item, length] = atStart && rest.startsWith("**/") ? ([FOLDERS, 3] as const) : parseOne(glob, at);
    items.push(item);
    at += length;
  }
  return items;
}

/** The item at `at` and how many characters of the glob it takes. */
function parseOne(glob: readonly string[], at: number): readonly [Item, number] {
  const character = glob[at] ?? "";
  const next = glob[at + 1];
  if (character === "*") return [NAME_PART, 1];
  if (character === "?") return [{ kind: "one", test: notSlash }, 1];
  if (character === "\\" && next !== undefined) return [literal(next), 2];
  if (character === "[") return parseClass(glob, at) ?? [literal("["), 1];
  if (character === "{") return parseChoices(glob, at) ?? [literal("{"), 1];
  return [literal(character), 1];
}

function literal(character: string): Item {
  return { kind: "one", test: (found) => found === character };
}

function parseClass(glob: readonly string[], at: number): readonly [Item, number] | null {
  const negated = glob[at + 1] === "!" || glob[at + 1] === "^";
  const from = at + (negated ? 2 : 1);
  // A "]" right after the opening stands for itself.
  const end = glob.indexOf("]", from + 1);
  if (end === -1) return null;
  const ranges: [number, number][] = [];
  for (let i = from; i < end; i += 1) {
    const isRange = glob[i + 1] === "-" && i + 2 < end;
    ranges.push([point(glob[i]), point(glob[isRange ? i + 2 : i])]);
    if (isRange) i += 2;
  }
  const test: Test = (found) =>
    found !== "/" && ranges.some(([low, high]) => point(found) >= low && point(found) <= high) !== negated;
  return [{ kind: "one", test }, end - at + 1];
}

function point(character: string | undefined): number {
  return character?.codePointAt(0) ?? 0;
}

function parseChoices(glob: readonly string[], at: number): readonly [Item, number] | null {
  const choices: Item[][] = [];
  let depth = 0;
  let from = at + 1;
  for (let i = at; i < glob.length; i += 1) {
    const character = glob[i];
    if (character === "\\") i += 1;
    else if (character === "{") depth += 1;
    else if (character === "}") depth -= 1;
    const isEnd = depth === 0;
    if (isEnd || (character === "," && depth === 1)) {
      choices.push(parse(glob.slice(from, i)));
      from = i + 1;
    }
    if (isEnd) return [{ kind: "either", choices }, i - at + 1];
  }
  return null;
}

/** Adds the states for `items`, followed by `next`; answers where they start. */
function build(states: State[], items: readonly Item[], next: number): number {
  return items.reduceRight((after, item) => buildOne(states, item, after), next);
}

function buildOne(states: State[], item: Item, next: number): number {
  switch (item.kind) {
    case "one":
      return states.push({ kind: "eat", test: item.test, next }) - 1;
    case "many": {
      const to = [next];
      const loop = states.push({ kind: "fork", to }) - 1;
      to.push(build(states, item.items, loop));
      return loop;
    }
    case "maybe":
      return states.push({ kind: "fork", to: [next, build(states, item.items, next)] }) - 1;
    case "either":
      return states.push({ kind: "fork", to: item.choices.map((choice) => build(states, choice, next)) }) - 1;
  }
}

function matches({ states, start }: Program, text: string): boolean {
  let places = spread(states, [start]);
  for (const character of text) {
    const eaten: number[] = [];
    for (const place of places) {
      const state = states[place];
      if (state?.kind === "eat" && state.test(character)) eaten.push(state.next);
    }
    if (eaten.length === 0) return false;
    places = spread(states, eaten);
  }
  return places.has(0);
}

/** All places reachable from `from` without another character. */
function spread(states: readonly State[], from: readonly number[]): Set<number> {
  const reached = new Set(from);
  // A set hands out what is added to it while it is walked.
  for (const place of reached) {
    const state = states[place];
    if (state?.kind === "fork") for (const next of state.to) reached.add(next);
  }
  return reached;
}
