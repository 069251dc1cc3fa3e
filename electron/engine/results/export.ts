import type { Writable } from "node:stream";
import { stringify } from "csv-stringify/sync";
import type { ExportImage, ExportRun } from "../../contract/export.ts";
import { errorCode } from "./durable-file.ts";
import { readOutput } from "./read-output.ts";
import { labelText, sumLabels, summarize } from "./summary.ts";

/** Images in batches, in path order, as the store pages them. */
export type ExportRows = AsyncIterable<readonly ExportImage[]>;

/** Images as text that is ready to be written, in path order. */
export interface ExportText {
  text: string;
  images: number;
}

type Cell = string | number | null;

/** The columns of the table, in this order; new ones are only ever added at the end. */
export const CSV_COLUMNS = [
  "path",
  "sha256",
  "bytes",
  "state",
  "reason",
  "runId",
  "submittedAt",
  "finishedAt",
  "outputs",
  "labels",
  "objects",
  "runs",
  "files",
] as const;

/** What a spreadsheet would take for a formula, also in its full-width forms. */
const FORMULA = /^[=+\-@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20]/u;

/** Text that a spreadsheet shows and does not run: CSV has no other way to say so than a leading apostrophe. */
function asText(cell: Cell): Cell {
  return typeof cell === "string" && FORMULA.test(cell) ? `'${cell}` : cell;
}

/** The reader at the other end went away: nobody is left to tell. */
function isGone(error: unknown): boolean {
  return [
    "EPIPE",
    "ERR_STREAM_DESTROYED",
    "ERR_STREAM_WRITE_AFTER_END",
    "ERR_STREAM_PREMATURE_CLOSE",
  ].includes(errorCode(error) ?? "");
}

function write(out: Writable, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    // The callback comes when the chunk has been handed on, so at most one batch is in memory.
    out.write(text, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}

async function writeTexts(texts: AsyncIterable<ExportText>, out: Writable, head: string): Promise<number> {
  const hold = (): void => {
    // The write that met the error tells it; without a listener the same error would end the process.
  };
  out.on("error", hold);
  let written = 0;
  try {
    if (head !== "") await write(out, head);
    for await (const { text, images } of texts) {
      if (images === 0) continue;
      await write(out, text);
      written += images;
    }
    out.off("error", hold);
    return written;
  } catch (error) {
    // `hold` stays: a pipe tells of its end once more after the write that met it. What broke the stream first
    // says more than that it is closed now.
    const cause = out.errored ?? error;
    if (isGone(cause)) return written;
    throw cause;
  }
}

/**
 * Writes one JSON object a line and image (`exportLine`); gives how many images were written. Leaves `out` open.
 * A reader that goes away early (`| head`) is no error: the export stops there.
 */
export function exportJsonl(lines: AsyncIterable<ExportText>, out: Writable): Promise<number> {
  return writeTexts(lines, out, "");
}

function resultRun({ runId, runs }: ExportImage): ExportRun | undefined {
  return runs.findLast((run) => run.runId !== null && run.runId === runId) ?? runs.at(-1);
}

function csvRow(image: ExportImage): Cell[] {
  const outputs = image.outputs.map((raw) => summarize(readOutput(raw)));
  const counts = sumLabels(outputs.flatMap(({ labels = {} }) => Object.entries(labels)));
  const run = resultRun(image);
  return [
    image.path,
    image.sha256,
    image.bytes,
    image.state,
    image.reason,
    image.runId,
    run?.submittedAt ?? null,
    run?.finishedAt ?? null,
    outputs.map((summary) => summary.text).join("; "),
    labelText(counts),
    [...counts.values()].reduce((sum, n) => sum + n, 0),
    image.runs.length,
    image.files.join("; "),
  ];
}

function csv(rows: readonly (readonly Cell[])[]): string {
  const cells = rows.map((row) => row.map(asText));
  return stringify(cells, { record_delimiter: "\r\n", quoted_string: true, quoted_empty: false });
}

/**
 * Writes a table (RFC 4180, UTF-8, CRLF) with a head line and one line an image; gives how many images were written.
 * No text in it runs as a formula; numbers are numbers. Leaves `out` open; a reader that goes away early is no error.
 */
export function exportCsv(rows: ExportRows, out: Writable): Promise<number> {
  return writeTexts(csvTexts(rows), out, csv([[...CSV_COLUMNS]]));
}

async function* csvTexts(rows: ExportRows): AsyncGenerator<ExportText> {
  for await (const batch of rows) yield { text: csv(batch.map(csvRow)), images: batch.length };
}
