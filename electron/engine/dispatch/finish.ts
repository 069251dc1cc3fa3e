import { mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { ImageFailure } from "../../contract/failure.ts";
import type { OutputRequest } from "../../contract/batch.ts";
import { readAnswer, type AnswerOutput } from "../results/answer.ts";
import { packJson, unpackJson } from "../results/compress.ts";
import { resultFileNames, writeResultFiles } from "../results/files.ts";
import { resultJson } from "../results/result-json.ts";
import { suffixesIn } from "../results/suffixes-in.ts";
import { sha256Hex } from "../intake/identity.ts";
import type { StoredImage, StoredRun } from "../store/rows.ts";
import type { StoredOutput } from "../store/results.ts";
import { record, type Dispatch } from "./context.ts";

/** A full disk is waited out; everything else about the results folder fails the image, its result being safe. */
const FULL_DISK = new Set(["ENOSPC", "EDQUOT"]);

/**
 * Turns the raw answer of a run into outputs, files and a finished image. Safe to repeat after a crash: names are
 * deterministic and equal content is left alone. Gives the images that share the result and are to be finished next.
 */
export async function finishRun(dispatch: Dispatch, image: StoredImage, runId: number): Promise<number[]> {
  const decision = await dispatch.decisionOf(image.revisionId);
  const body = await dispatch.spool.read(runId);
  const answer = readAnswer(body, decision.outputs, (o: OutputRequest) =>
    dispatch.outputCount(o.taskName, o.taskIndex),
  );
  if (!answer.ok) {
    await keepUnexpected(dispatch, image, runId, answer.failure.what);
    return [];
  }
  const written = await writeFiles(dispatch, image, runId, answer.value);
  if (!written) return [];
  const done = await dispatch.store.call("finishImage", {
    runId,
    outputs: answer.value.map((output) => ({
      taskName: output.taskName,
      taskIndex: output.taskIndex,
      outputIndex: output.outputIndex,
      type: output.output.type === "unknown" ? output.output.key : output.output.type,
      ...packed(output.raw),
      summary: output.summary,
    })),
    at: dispatch.clock.now(),
  });
  if (dispatch.settings().results.keepRaw)
    await dispatch.spool.moveTo(runId, await rawTarget(dispatch, image.path));
  else await dispatch.spool.remove(runId);
  dispatch.onImage(image.id);
  dispatch.trouble.finished();
  return done?.followers ?? [];
}

function packed(raw: unknown): { encoding: "text" | "deflate"; json: string | Uint8Array } {
  const { encoding, data } = packJson(raw);
  return { encoding, json: data };
}

async function rawTarget(dispatch: Dispatch, path: string): Promise<string> {
  const [name = ""] = resultFileNames(path, []);
  const target = join(dispatch.settings().results.resultsFolder, name.replace(/\.json$/, ".raw"));
  await mkdir(dirname(target), { recursive: true });
  return target;
}

async function keepUnexpected(
  dispatch: Dispatch,
  image: StoredImage,
  runId: number,
  what: string,
): Promise<void> {
  const rawFile = await rawTarget(dispatch, image.path);
  await dispatch.spool.moveTo(runId, rawFile);
  await record(
    dispatch,
    { runId, imageId: image.id },
    { kind: "unexpected", failure: { reason: "unexpected-result", what, rawFile } },
  );
}

/** Writes the JSON and the pictures of one image; false when they could not be written. */
async function writeFiles(
  dispatch: Dispatch,
  image: StoredImage,
  runId: number,
  outputs: AnswerOutput[],
): Promise<boolean> {
  const runs = await dispatch.store.call("runsOf", image.leaderId ?? image.id);
  const failure = await writeImageFiles(dispatch, image, { runs, runId, outputs });
  if (failure === null) return true;
  if (failure.reason === "cannot-write-output" && FULL_DISK.has(failure.code)) {
    closeForDisk(dispatch);
    return false;
  }
  await record(dispatch, { runId, imageId: image.id }, { kind: "unwritable", failure });
  return false;
}

function closeForDisk(dispatch: Dispatch): void {
  const folder = dispatch.settings().results.resultsFolder;
  dispatch.gates.close("disk-low", { reason: "disk-low", folder, freeBytes: 0, neededBytes: 1_000_000 });
}

async function writeImageFiles(
  dispatch: Dispatch,
  image: StoredImage,
  result: { runs: StoredRun[]; runId: number | null; outputs: AnswerOutput[] },
): Promise<ImageFailure | null> {
  const decision = await dispatch.decisionOf(image.revisionId);
  const run = result.runs.find((r) => (result.runId === null ? r.state === "DONE" : r.id === result.runId));
  const json = resultJson({
    path: image.path,
    sha256: image.sha256 === null ? "" : sha256Hex(image.sha256),
    bytes: image.bytes,
    runId: run?.uuid ?? null,
    revision: image.revisionId,
    deployment: decision.deployment,
    outputs: result.outputs,
  });
  const written = await writeResultFiles(
    {
      resultsFolder: dispatch.settings().results.resultsFolder,
      path: image.path,
      json,
      pictures: result.outputs.flatMap((output) => output.pictures),
    },
    `before-revision-${image.revisionId}`,
  );
  return written.ok ? null : written.failure;
}

/** Gives a file with known bytes result files of its own, from the result of its leader. Needs no run. */
export async function finishFollower(dispatch: Dispatch, imageId: number): Promise<void> {
  const { store, clock } = dispatch;
  const image = await store.call("imageById", imageId);
  const leader = image?.leaderId == null ? null : await store.call("imageById", image.leaderId);
  if (image === null || leader === null) return;
  const stored = await store.call("outputsOf", leader);
  const folder = dispatch.settings().results.resultsFolder;
  const outputs: AnswerOutput[] = [];
  let picturesMissing = false;
  for (const output of stored) {
    const { answer, missing } = await restoreOutput(folder, leader.path, output);
    picturesMissing ||= missing;
    outputs.push(answer);
  }
  const runs = await store.call("runsOf", leader.id);
  const failure = await writeImageFiles(dispatch, image, { runs, runId: null, outputs });
  if (failure === null) await store.call("finishFollower", { imageId, at: clock.now(), picturesMissing });
  else if (failure.reason === "cannot-write-output" && FULL_DISK.has(failure.code)) closeForDisk(dispatch);
  else await store.call("failFollower", { imageId, failure, at: clock.now() });
  dispatch.onImage(imageId);
}

/** An output as it was read from the answer, its pictures from the leader's files. */
async function restoreOutput(
  folder: string,
  leaderPath: string,
  output: StoredOutput,
): Promise<{ answer: AnswerOutput; missing: boolean }> {
  const raw = unpackJson({ encoding: output.encoding, data: output.json });
  const pictures: AnswerOutput["pictures"] = [];
  let missing = false;
  for (const suffix of suffixesIn(raw)) {
    const [, name = ""] = resultFileNames(leaderPath, [suffix]);
    const bytes = await readFile(join(folder, name)).catch(() => null);
    if (bytes === null) missing = true;
    else pictures.push({ suffix, bytes });
  }
  const answer: AnswerOutput = {
    taskName: output.taskName,
    taskIndex: output.taskIndex,
    outputIndex: output.outputIndex,
    output: { type: "unknown", key: output.type, data: null },
    raw,
    pictures,
    summary: JSON.parse(output.summaryJson) as AnswerOutput["summary"],
  };
  return { answer, missing };
}
