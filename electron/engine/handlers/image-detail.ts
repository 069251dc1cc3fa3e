import { join } from "node:path";
import type { Handlers, ImageOutput } from "../../contract/api.ts";
import type { Failure } from "../../contract/failure.ts";
import type { RunRecord } from "../../contract/image.ts";
import type { OutputSummary } from "../../contract/outputs.ts";
import { fail, succeed } from "../../contract/result.ts";
import { sha256Hex } from "../intake/identity.ts";
import { absolutePath } from "../intake/path.ts";
import { unpackJson } from "../results/compress.ts";
import { filesOf } from "../results/export-rows.ts";
import { readOutput } from "../results/read-output.ts";
import { runOwner } from "../store/queries.ts";
import type { StoredOutput } from "../store/results.ts";
import type { StoredImage, StoredRun } from "../store/rows.ts";
import type { HandlerContext } from "./context.ts";
import { failureOf, imageRowOf } from "./images.ts";

const NO_IMAGE: Failure = {
  reason: "usage",
  message: "The data file holds no such image any more.",
  next: "Reload the list.",
};

function runOf(run: StoredRun): RunRecord {
  const { id, uuid, state, intentAt, submittedAt, finishedAt, failureJson } = run;
  const failure = failureJson === null ? null : (JSON.parse(failureJson) as Failure);
  return { id, uuid, state, intentAt, submittedAt, finishedAt, failure };
}

function outputOf(stored: StoredOutput): ImageOutput {
  const raw = unpackJson({ encoding: stored.encoding, data: stored.json });
  return {
    taskName: stored.taskName,
    taskIndex: stored.taskIndex,
    outputIndex: stored.outputIndex,
    output: readOutput(raw),
    raw,
    summary: JSON.parse(stored.summaryJson) as OutputSummary,
  };
}

/** Calls about one image. */
export function imageDetailHandlers(context: HandlerContext): Pick<Handlers, "image:get" | "image:reveal"> {
  const { reader, host } = context;

  async function placeOf(image: StoredImage, what: "picture" | "result"): Promise<string | null> {
    const batch = await reader.call("getBatch", image.batchId);
    if (batch === null) return null;
    if (what === "picture") return absolutePath(batch.settings.intake.folder, image.path).toString("utf8");
    const [file] = image.stage === "DONE" ? filesOf(image, []) : [];
    return file === undefined ? null : join(batch.settings.results.resultsFolder, file);
  }

  return {
    async "image:get"({ imageId }) {
      const image = await reader.call("imageById", imageId);
      if (image === null || (await reader.call("getBatch", image.batchId)) === null) return fail(NO_IMAGE);
      const [runs, stored, leader, earlier] = await Promise.all([
        reader.call("runsOf", runOwner(image)),
        image.stage === "DONE" ? reader.call("outputsOf", image) : [],
        image.leaderId === null ? null : reader.call("imageById", image.leaderId),
        reader.call("earlierRows", image),
      ]);
      const outputs = stored.map(outputOf);
      return succeed({
        row: imageRowOf(image),
        sha256: image.sha256 === null ? null : sha256Hex(image.sha256),
        width: image.width,
        height: image.height,
        failure: failureOf(image),
        runs: runs.map(runOf),
        outputs,
        files:
          image.stage === "DONE"
            ? filesOf(
                image,
                outputs.map((output) => output.raw),
              )
            : [],
        sharedWith: leader?.path ?? null,
        earlier: earlier.map((row) => ({
          imageId: row.id,
          history: row.history ?? "superseded",
          updatedAt: row.updatedAt,
        })),
      });
    },
    async "image:reveal"({ imageId, what }) {
      const image = host.native ? await reader.call("imageById", imageId) : null;
      const place = image === null ? null : await placeOf(image, what);
      return { revealed: place !== null && (await host.reveal(place)) };
    },
  };
}
