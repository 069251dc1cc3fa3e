import type { OutputRequest } from "../../contract/batch.ts";
import type { Output, OutputSummary } from "../../contract/outputs.ts";
import { fail, type Result, succeed } from "../../contract/result.ts";
import { type Misfit, parseGuarded } from "./json-guard.ts";
import { openEnvelope, readOutput } from "./read-output.ts";
import { createSuffixes, type OutputPlace } from "./suffix.ts";
import { summarize } from "./summary.ts";
import { takePictures, type TakenPicture } from "./take-pictures.ts";

/** One result object of an answer, and which output of the workflow it is. */
export interface AnswerOutput {
  taskName: string;
  taskIndex: number;
  outputIndex: number;
  /** Typed; pictures replaced by the end of their file's name. */
  output: Output;
  /**
   * The result object as it came, embedded pictures replaced by `{"file": suffix}`. Keys keep the order they came in
   * (but keys that are whole numbers come first, ascending: that is how objects are here).
   */
  raw: unknown;
  /** `suffix` starts with a dot and goes after the image's own name. No two of one answer are equal, in any case. */
  pictures: TakenPicture[];
  summary: OutputSummary;
}

/** How many outputs a task has; null if nobody knows. Only asked for requests of all outputs of a task. */
export type OutputCounts = (request: OutputRequest) => number | null;

/** Both answer forms: a plain array, or `{"results": [...], "state": ...}` (API facts, section 3.2). */
function resultsOf(body: unknown): Result<unknown[], Misfit> {
  if (Array.isArray(body)) return succeed(body as unknown[]);
  if (body === null || typeof body !== "object") return fail({ what: "it is not a list of results" });
  if (!Object.hasOwn(body, "results")) return fail({ what: 'it is an object without "results"' });
  const { results } = body as { results: unknown };
  return Array.isArray(results) ? succeed(results as unknown[]) : fail({ what: '"results" is not a list' });
}

function wrongCount(came: number, wanted: string): Result<never, Misfit> {
  return fail({ what: `${came} ${came === 1 ? "result" : "results"} came where ${wanted} asked for` });
}

/** Tasks without a known number of outputs share what is left: one takes all, several of the same name equal parts. */
function shareOf(rest: number, open: readonly OutputRequest[]): number | null {
  const isOneTask = open.every((request) => request.taskName === open[0]?.taskName);
  const share = rest / open.length;
  return isOneTask && Number.isInteger(share) && share >= 1 ? share : null;
}

/** Which output each position of an answer is: results come in the order of the request (API facts, section 3.1). */
function placesOf(
  came: number,
  requested: readonly OutputRequest[],
  outputCounts: OutputCounts,
): Result<OutputPlace[], Misfit> {
  const counts = requested.map((request) => (request.outputIndex === null ? outputCounts(request) : 1));
  const open = requested.filter((_, i) => counts[i] === null);
  const known = counts.reduce<number>((sum, n) => sum + (n ?? 0), 0);
  if (open.length === 0 && known !== came)
    return wrongCount(came, `${known} ${known === 1 ? "was" : "were"}`);
  if (open.length > 0 && known + open.length > came)
    return wrongCount(came, `at least ${known + open.length} were`);
  const share = open.length === 0 ? 0 : shareOf(came - known, open);
  if (share === null)
    return fail({ what: `nothing tells which of the ${came} results belong to which task` });
  return succeed(
    requested.flatMap(({ taskName, taskIndex, outputIndex }, i) =>
      Array.from({ length: counts[i] ?? share }, (_, n) => ({
        taskName,
        taskIndex,
        outputIndex: outputIndex ?? n,
      })),
    ),
  );
}

/**
 * Reads the complete bytes of an answer into one entry per result. Pure, never throws for any bytes.
 * An answer that does not fit the request is a failure in words ("… where 2 were asked for"); a single result of an
 * unknown or malformed type is not: it becomes an `unknown` output with its data kept.
 */
export function readAnswer(
  body: Uint8Array,
  requested: readonly OutputRequest[],
  outputCounts: OutputCounts = () => null,
): Result<AnswerOutput[], Misfit> {
  const parsed = parseGuarded(body);
  if (!parsed.ok) return parsed;
  const results = resultsOf(parsed.value);
  if (!results.ok) return results;
  const places = placesOf(results.value.length, requested, outputCounts);
  if (!places.ok) return places;

  const suffixes = createSuffixes();
  return succeed(
    places.value.map((place, i): AnswerOutput => {
      const raw = results.value[i];
      const { key } = openEnvelope(raw);
      const isEnvelope = raw !== null && typeof raw === "object";
      const pictures = isEnvelope
        ? takePictures(raw, key, (path, ending) => suffixes(place, path, ending))
        : [];
      const output = readOutput(raw);
      return { ...place, output, raw, pictures, summary: summarize(output) };
    }),
  );
}
