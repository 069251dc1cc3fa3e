import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { ImageFailure } from "../../contract/failure.ts";
import type { AnswerOutput } from "../results/answer.ts";
import type { Answers } from "../results/answers.ts";
import { unpackJson } from "../results/compress.ts";
import { resultFileNames } from "../results/files.ts";
import { writeResult, type ResultTarget } from "../results/finish-answer.ts";
import { MAX_COPIES, numbered } from "../results/earlier.ts";
import { EARLIER, JSON_SUFFIX, resultPlace } from "../results/safe-path.ts";
import { suffixesIn } from "../results/suffixes-in.ts";
import { sha256Hex } from "../intake/identity.ts";
import type { StoredImage } from "../store/rows.ts";
import type { Finished, StoredOutput, ToFinish } from "../store/results.ts";
import type { OperationOutput } from "../store/operations.ts";
import { record, type Dispatch } from "./context.ts";
import { makeFolder } from "../make-folder.ts";

/** A full disk is waited out; everything else about the results folder fails the image, its result being safe. */
const FULL_DISK = new Set(["ENOSPC", "EDQUOT"]);

/**
 * Turns the raw answer of a run into outputs, files and a finished image. Safe to repeat after a crash: names are
 * deterministic and equal content is left alone. Gives the images that share the result and are to be finished next;
 * null when the image could not be finished.
 */
export async function finishRun(
  dispatch: Dispatch,
  answers: Answers,
  { image, uuid, revisions }: ToFinish,
  runId: number,
): Promise<Finished | null> {
  const decision = await dispatch.decisionOf(image.revisionId);
  const ended = await answers.finish({
    answerFile: dispatch.spool.pathOf(runId),
    answer: dispatch.spool.atHand(runId),
    requested: decision.outputs,
    counts: decision.outputs.map((request) => dispatch.outputCount(request.taskName, request.taskIndex)),
    target: await targetOf(dispatch, image, { uuid, revisions }),
  });
  if (ended.kind === "misfit") {
    await keepUnexpected(dispatch, image, runId, ended.what);
    return null;
  }
  if (ended.kind === "unwritable") {
    if (isFullDisk(ended.failure)) closeForDisk(dispatch);
    else await record(dispatch, { runId, imageId: image.id }, { kind: "unwritable", failure: ended.failure });
    return null;
  }
  const { outputs, files } = ended;
  const done = await dispatch.store.call("finishImage", { runId, outputs, files, at: dispatch.clock.now() });
  if (dispatch.settings().results.keepRaw)
    await dispatch.spool.moveTo(runId, await rawTarget(dispatch, image.path));
  else await dispatch.spool.remove(runId);
  dispatch.onImage(image.id);
  dispatch.trouble.finished();
  return done;
}

async function rawTarget(dispatch: Dispatch, path: string): Promise<string> {
  const [name = ""] = resultFileNames(path, []);
  const target = join(dispatch.settings().results.resultsFolder, name.replace(/\.json$/, ".raw"));
  await makeFolder(dirname(target));
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

function isFullDisk(failure: ImageFailure): boolean {
  return failure.reason === "cannot-write-output" && FULL_DISK.has(failure.code);
}

function closeForDisk(dispatch: Dispatch): void {
  const folder = dispatch.settings().results.resultsFolder;
  dispatch.gates.close("disk-low", { reason: "disk-low", folder, freeBytes: 0, neededBytes: 1_000_000 });
}

type Revisions = OperationOutput<"revisionsOf">;

async function targetOf(
  dispatch: Dispatch,
  image: StoredImage,
  result: { uuid: string | null; revisions: Revisions },
): Promise<ResultTarget> {
  const decision = await dispatch.decisionOf(image.revisionId);
  return {
    path: image.path,
    sha256: image.sha256 === null ? "" : sha256Hex(image.sha256),
    bytes: image.bytes,
    runId: result.uuid,
    revision: result.revisions.revision,
    deployment: decision.deployment,
    resultsFolder: dispatch.settings().results.resultsFolder,
    earlierRevision: String(result.revisions.earlierRevision),
  };
}

/** Gives a file with known bytes result files of its own, from the result of its leader. Needs no run. */
export async function finishFollower(dispatch: Dispatch, imageId: number): Promise<void> {
  const { store, clock } = dispatch;
  const image = await store.call("imageById", imageId);
  const leader = image?.leaderId == null ? null : await store.call("imageById", image.leaderId);
  if (image === null || leader === null) return;
  const stored = await store.call("outputsOf", leader);
  const uuid = (await store.call("runsOf", leader.id)).find((run) => run.state === "DONE")?.uuid ?? null;
  const place = await findResultFiles(dispatch, leader, uuid);
  const restored = await Promise.all(stored.map((output) => restoreOutput(place, output)));
  const outputs = restored.map(({ answer }) => answer);
  const revisions = await store.call("revisionsOf", image.id);
  const written = await writeResult(await targetOf(dispatch, image, { uuid, revisions }), outputs);
  if (written.ok) {
    const picturesMissing = restored.some(({ missing }) => missing);
    await store.call("finishFollower", {
      imageId,
      files: written.value.files,
      at: clock.now(),
      picturesMissing,
    });
  } else if (isFullDisk(written.failure)) closeForDisk(dispatch);
  else await store.call("failFollower", { imageId, failure: written.failure, at: clock.now() });
  dispatch.onImage(imageId);
}

/**
 * Where the files of this very result lie: at their usual place, or moved to the earlier ones by a later result.
 * The run id in the JSON decides, so that pictures of another revision are never taken for these.
 */
async function findResultFiles(
  dispatch: Dispatch,
  leader: StoredImage,
  uuid: string | null,
): Promise<FileOf | null> {
  const { resultsFolder } = dispatch.settings().results;
  const { revision } = await dispatch.store.call("revisionsOf", leader.id);
  const place = resultPlace(leader.path);
  for (const top of [resultsFolder, join(resultsFolder, EARLIER, String(revision))]) {
    // Results of other contents of this path may lie under the same revision: "photo.jpg (2).json".
    for (let n = 1; n <= MAX_COPIES; n++) {
      const fileOf: FileOf = (suffix) => join(top, ...place.folders, place.nameOf(suffix, numbered(n)));
      const found = await runIdIn(fileOf(JSON_SUFFIX));
      if (found === null) break;
      if (uuid !== null && found === uuid) return fileOf;
    }
  }
  return null;
}

/** Where the file of a result with this suffix lies; absolute. */
type FileOf = (suffix: string) => string;

/** The run that a result JSON tells of; null when there is none or it cannot be read, "" when it tells of none. */
async function runIdIn(file: string): Promise<string | null> {
  try {
    const { runId } = JSON.parse(await readFile(file, "utf8")) as { runId?: unknown };
    return typeof runId === "string" ? runId : "";
  } catch {
    // Not there, or not readable: then it is not the result that is looked for.
    return null;
  }
}

/** An output as it was read from the answer, its pictures from the leader's files. */
async function restoreOutput(
  fileOf: FileOf | null,
  output: StoredOutput,
): Promise<{ answer: AnswerOutput; missing: boolean }> {
  const raw = unpackJson({ encoding: output.encoding, data: output.json });
  const pictures: AnswerOutput["pictures"] = [];
  let missing = false;
  for (const suffix of suffixesIn(raw)) {
    const bytes = fileOf === null ? null : await readFile(fileOf(suffix)).catch(() => null);
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
