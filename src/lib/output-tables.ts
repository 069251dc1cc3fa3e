import type { BlobValues, NumericValues, Texts } from "../../electron/contract/outputs.ts";
import { words } from "./messages.ts";

export interface ValueTable {
  headers: { name: string; isNumber: boolean }[];
  rows: string[][];
}

/** Recognised texts in their order, with their confidence. */
export function tableOfTexts({ fields }: Texts): ValueTable {
  return {
    headers: [
      { name: words.outputs.text, isNumber: false },
      { name: words.outputs.confidence, isNumber: true },
    ],
    rows: fields.map((field) => [
      field.text === "" ? words.outputs.noText : field.text,
      `${Math.round(field.confidence * 100)} %`,
    ]),
  };
}

/** Columns become columns; row labels, when given, come first (API facts, section 5.5: column-major, strings). */
export function tableOfNumbers({ headers, values, valueLabels }: NumericValues): ValueTable {
  const labels = valueLabels?.find((column) => column.length > 0);
  const length = Math.max(0, ...values.map((column) => column.length));
  const columns = values.map((column, i) => ({
    name: headers[i] ?? `${i}`,
    isNumber: column.every((value) => value.trim() !== "" && Number.isFinite(Number(value))),
    column,
  }));
  return {
    headers: [...(labels ? [{ name: words.outputs.row, isNumber: false }] : []), ...columns],
    rows: Array.from({ length }, (_, row) => [
      ...(labels ? [labels[row] ?? ""] : []),
      ...columns.map(({ column, isNumber }) => {
        const value = column[row] ?? "";
        return isNumber && value !== "" ? shortNumber(Number(value)) : value;
      }),
    ]),
  };
}

/** One row an object, one column a measure. */
export function tableOfMeasures({ objects }: BlobValues): ValueTable {
  const names = new Map<number | string, string>();
  const keyOf = (measure: { id: number; name: string }): number | string =>
    measure.id === 9 ? measure.name : measure.id;
  for (const { measure } of objects.flat()) names.set(keyOf(measure), measure.name);
  return {
    headers: [
      { name: words.outputs.object, isNumber: false },
      ...[...names.values()].map((name) => ({ name, isNumber: true })),
    ],
    rows: objects.map((measures, i) => [
      measures[0]?.label || String(i + 1),
      ...[...names.keys()].map((key) => {
        const found = measures.find(({ measure }) => keyOf(measure) === key);
        return found === undefined ? "" : found.values.map(shortNumber).join(", ");
      }),
    ]),
  };
}

/** Six significant digits at most, without a tail of zeros. */
export function shortNumber(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(6)));
}
