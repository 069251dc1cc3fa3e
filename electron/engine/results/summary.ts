import type { NumericValues, Output, OutputSummary, Texts } from "../../contract/outputs.ts";
import { typeName } from "./read-output.ts";

const MAX_TEXT = 120;
const MAX_LABEL = 40;
const LABELS_SHOWN = 8;

/** One line: no line breaks or control characters, a bounded length. */
function oneLine(text: string, max: number): string {
  // Cut before the replacement too: the text may be megabytes.
  const flat = text
    .slice(0, max * 4)
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, " ")
    .trim();
  return flat.length <= max
    ? flat
    : `${flat
        .slice(0, max - 1)
        .toWellFormed()
        .replace(/\uFFFD$/u, "")}…`;
}

function count(n: number, one: string, many: string): string {
  return `${n} ${n === 1 ? one : many}`;
}

function byCount([a, m]: [string, number], [b, n]: [string, number]): number {
  return n - m || (a < b ? -1 : a > b ? 1 : 0);
}

/** Objects of each label, the most frequent first; a label named __proto__ is a label like any other. */
export function sumLabels(pairs: Iterable<readonly [string, number]>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const [label, n] of pairs) counts.set(label, (counts.get(label) ?? 0) + n);
  return new Map([...counts].sort(byCount));
}

/** "12 person, 3 dog"; a long list ends with "and 4 more labels". */
export function labelText(counts: ReadonlyMap<string, number>): string {
  const shown = [...counts].slice(0, LABELS_SHOWN);
  const parts = shown.map(([label, n]) => `${n} ${oneLine(label, MAX_LABEL) || "unnamed"}`);
  const rest = counts.size - shown.length;
  return rest > 0 ? `${parts.join(", ")} and ${count(rest, "more label", "more labels")}` : parts.join(", ");
}

function ofObjects(type: string, objects: readonly { label: string }[]): OutputSummary {
  const counts = sumLabels(objects.map((object) => [object.label, 1]));
  return {
    type,
    labels: Object.fromEntries(counts),
    text: counts.size === 0 ? "nothing found" : labelText(counts),
  };
}

function ofTexts({ fields }: Texts): string {
  if (fields.length === 0) return "no text";
  const words = oneLine(
    fields
      .slice(0, MAX_TEXT)
      .map((field) => field.text.slice(0, MAX_TEXT))
      .join(" "),
    MAX_TEXT,
  );
  return words === "" ? count(fields.length, "text area", "text areas") : words;
}

function asNumber(text: string): number {
  return text.trim() === "" ? Number.NaN : Number(text);
}

/** One column with a label on each row: a classification. The row with the highest value, or null. */
function topRow({ headers, values, valueLabels }: NumericValues): string | null {
  const column = values[0];
  const labels = valueLabels?.[0];
  if (column === undefined || labels === undefined || values.length !== 1 || headers.length > 1) return null;
  let best = -1;
  let highest = Number.NEGATIVE_INFINITY;
  column.forEach((value, row) => {
    const number = asNumber(value);
    if (labels[row] === undefined || !(number > highest)) return;
    highest = number;
    best = row;
  });
  const label = labels[best];
  return label === undefined
    ? null
    : `${oneLine(label, MAX_LABEL) || "unnamed"} ${Number(highest.toPrecision(4))}`;
}

function ofNumbers(data: NumericValues): string {
  const rows = data.values.reduce((longest, column) => Math.max(longest, column.length), 0);
  const table = `${count(rows, "row", "rows")} × ${count(data.values.length, "column", "columns")}`;
  return topRow(data) ?? table;
}

function ofEntries(data: unknown): string {
  if (Array.isArray(data)) return count(data.length, "entry", "entries");
  if (data !== null && typeof data === "object") return count(Object.keys(data).length, "entry", "entries");
  return data === null || data === "" ? "0 entries" : "1 entry";
}

function ofUnknown(key: string, data: unknown): string {
  const name = typeName(key);
  if (name === "STORAGE_OBJECT") return "kept in the deployment's storage";
  const isText = data !== null && typeof data === "object" && "text" in data && typeof data.text === "string";
  if (name.startsWith("TEXT") && isText) return oneLine(String(data.text), MAX_TEXT) || "no text";
  return key === "" ? "not an Ikomia output" : `${oneLine(key, MAX_LABEL)}, kept as it came`;
}

/** What one output says in short: at most about 400 characters, on one line. */
export function summarize(output: Output): OutputSummary {
  const { type } = output;
  switch (output.type) {
    case "image":
      return { type, text: "picture" };
    case "OBJECT_DETECTION":
    case "INSTANCE_SEGMENTATION":
      return ofObjects(type, output.data.detections);
    case "KEYPOINTS":
      return ofObjects(type, output.data.objects);
    case "SEMANTIC_SEGMENTATION":
      return { type, text: oneLine(output.data.classes.slice(0, 256).join(", "), MAX_TEXT) || "no classes" };
    case "TEXT":
      return { type, text: ofTexts(output.data) };
    case "GRAPHICS":
      return { type, text: count(output.data.items.length, "shape", "shapes") };
    case "NUMERIC_VALUES":
      return { type, text: ofNumbers(output.data) };
    case "BLOB_VALUES":
      return { type, text: count(output.data.objects.length, "object", "objects") };
    case "DATA_DICT":
      return { type, text: ofEntries(output.data) };
    case "unknown":
      return { type, text: ofUnknown(output.key, output.data) };
  }
}
