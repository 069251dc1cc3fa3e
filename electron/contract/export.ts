import type { Failure } from "./failure.ts";
import type { ImageState, RunState } from "./image.ts";

/** One run of an image, as exports tell it. Times: ISO 8601, UTC ("2026-01-31T23:59:59.000Z"). */
export interface ExportRun {
  /** The deployment's run id; null if none came. */
  runId: string | null;
  state: RunState;
  submittedAt: string | null;
  finishedAt: string | null;
  reason: Failure["reason"] | null;
}

/** One image, as `nightrun export --format jsonl` writes it, one object a line. Keys in this order. */
export interface ExportImage {
  /** Relative to the batch's folder, "/" between folders, percent-escaped where it is not UTF-8. */
  path: string;
  /** Lower-case hex; null if the file was never read. */
  sha256: string | null;
  bytes: number | null;
  state: ImageState;
  reason: Failure["reason"] | null;
  /** The run whose answer is the image's result. */
  runId: string | null;
  runs: ExportRun[];
  /** Raw result objects in the order asked for, embedded pictures replaced by `{"file": <end of its name>}`. */
  outputs: unknown[];
  /** Result files, relative to the results folder. */
  files: string[];
}

/** The same object with its keys in the order that exports promise. */
export function exportImage(image: ExportImage): ExportImage {
  const { path, sha256, bytes, state, reason, runId, runs, outputs, files } = image;
  return {
    path,
    sha256,
    bytes,
    state,
    reason,
    runId,
    runs: runs.map((run) => ({
      runId: run.runId,
      state: run.state,
      submittedAt: run.submittedAt,
      finishedAt: run.finishedAt,
      reason: run.reason,
    })),
    outputs,
    files,
  };
}
