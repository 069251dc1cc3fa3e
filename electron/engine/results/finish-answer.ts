import { readFile } from "node:fs/promises";
import type { OutputRequest } from "../../contract/batch.ts";
import type { ImageFailure } from "../../contract/failure.ts";
import { succeed, type Result } from "../../contract/result.ts";
import type { PackedOutput } from "../store/results.ts";
import { readAnswer, type AnswerOutput } from "./answer.ts";
import { packJson } from "./compress.ts";
import { resultFileNames, writeResultFiles } from "./files.ts";
import { resultJson, type ResultJsonParts } from "./result-json.ts";

/** Where the result files of one image go, and what their JSON tells beside the outputs. */
export interface ResultTarget extends Omit<ResultJsonParts, "outputs" | "runs"> {
  /** Absolute. */
  resultsFolder: string;
  /** The settings revision under which an earlier result of the same path is kept. */
  earlierRevision: string;
}

/** Names of the files where they are not the usual ones. */
export interface WrittenFiles {
  files: string[] | null;
}

/** Writes the JSON and the pictures of one image beside each other; safe to repeat. */
export async function writeResult(
  target: ResultTarget,
  outputs: readonly AnswerOutput[],
): Promise<Result<WrittenFiles, ImageFailure>> {
  const { resultsFolder, earlierRevision, ...parts } = target;
  const json = resultJson({ ...parts, outputs });
  const pictures = outputs.flatMap((output) => output.pictures);
  const written = await writeResultFiles(
    { resultsFolder, path: parts.path, json, pictures },
    earlierRevision,
  );
  if (!written.ok) return written;
  const usual = resultFileNames(
    parts.path,
    pictures.map((picture) => picture.suffix),
  );
  const isUsual =
    usual.length === written.value.length && usual.every((name, i) => name === written.value[i]);
  return succeed({ files: isUsual ? null : written.value });
}

/** A complete answer on disk and what is to become of it; crosses to a worker thread as it is. */
export interface AnswerOrder {
  answerFile: string;
  /** The bytes of the file, where they are at hand. */
  answer: Uint8Array | null;
  requested: readonly OutputRequest[];
  /** For each request, how many outputs it stands for; null = nobody knows. */
  counts: readonly (number | null)[];
  target: ResultTarget;
}

/** What became of an answer: files and outputs, an answer that does not fit, or files that could not be written. */
export type AnswerEnd =
  | ({ kind: "written"; outputs: PackedOutput[] } & WrittenFiles)
  | { kind: "misfit"; what: string }
  | { kind: "unwritable"; failure: ImageFailure };

/** Reads an answer, writes its files, and packs its outputs for the store; safe to repeat. */
export async function finishAnswer(order: AnswerOrder): Promise<AnswerEnd> {
  const outputs = await readOutputs(order);
  if (!outputs.ok) return { kind: "misfit", what: outputs.failure.what };
  const written = await writeResult(order.target, outputs.value);
  if (!written.ok) return { kind: "unwritable", failure: written.failure };
  return { kind: "written", outputs: outputs.value.map(packed), files: written.value.files };
}

/** The bytes of the answer are let go of as soon as they are read. */
async function readOutputs({
  answerFile,
  answer,
  requested,
  counts,
}: AnswerOrder): Promise<ReturnType<typeof readAnswer>> {
  return readAnswer(
    answer ?? (await readFile(answerFile)),
    requested,
    (request) => counts[requested.indexOf(request)] ?? null,
  );
}

function packed({ taskName, taskIndex, outputIndex, output, raw, summary }: AnswerOutput): PackedOutput {
  const { encoding, data } = packJson(raw);
  const type = output.type === "unknown" ? output.key : output.type;
  return { taskName, taskIndex, outputIndex, type, encoding, json: data, summary };
}
