import type { BatchLimits, BatchSettings, ResultDecision } from "../../contract/batch.ts";
import type { Clock } from "../clock.ts";
import type { Deployment } from "../deployment/client.ts";
import type { Spool } from "../results/spool.ts";
import type { Store } from "../store/store.ts";
import type { RunEvent } from "../transitions.ts";
import type { RunApplied } from "../store/runs.ts";
import type { DiskGuard } from "../disk.ts";
import type { Hands } from "../hands.ts";
import type { Gates } from "./gates.ts";
import type { Rate } from "./rate.ts";
import type { RunTimes } from "./run-times.ts";
import type { Trouble } from "./trouble.ts";
import type { OutstandingWindow } from "./window.ts";

/** Everything that the dispatch of one batch works with; made in one place (`batch-runner.ts`). */
export interface Dispatch {
  readonly batchId: number;
  readonly sessionId: number;
  readonly hands: Hands;
  readonly settings: () => BatchSettings;
  readonly limits: () => BatchLimits;
  readonly store: Store;
  readonly clock: Clock;
  /** [0, 1) */
  readonly random: () => number;
  readonly gates: Gates;
  readonly window: OutstandingWindow;
  readonly rate: () => Rate;
  readonly times: RunTimes;
  readonly trouble: Trouble;
  readonly spool: Spool;
  readonly disk: DiskGuard;
  /** What decided the results of a revision; a run keeps the revision that it was made under. */
  readonly decisionOf: (revisionId: number) => Promise<ResultDecision>;
  /** The deployment of a decision; null when it cannot be reached from here (for example a simulator that is not running). */
  readonly deploymentOf: (address: string) => Deployment | null;
  /** How many outputs a request without index stands for, from the last known workflow. */
  readonly outputCount: (taskName: string, taskIndex: number) => number | null;
  readonly workflowHash: () => string | null;
  /** Nothing new is submitted. */
  readonly draining: AbortSignal;
  /** Nothing new is asked for either. */
  readonly stopped: AbortSignal;
  /** An image changed its state. */
  readonly onImage: (imageId: number) => void;
  /** Nothing is claimed or outstanding, or nothing is being written, any more. */
  readonly onIdle: () => void;
  /** Walk or look at this path again. */
  readonly recheck: (path: string) => void;
}

/**
 * Records what happened to a run and tells whoever watches; `sentSha256` = of a file that was sent to its last byte. null = it
 * does not apply any more.
 */
export async function record(
  dispatch: Dispatch,
  run: { runId: number; imageId: number },
  event: RunEvent,
  sentSha256: Uint8Array | null = null,
): Promise<RunApplied | null> {
  const applied = await dispatch.store.call("reportRun", {
    runId: run.runId,
    event,
    sentSha256,
    at: dispatch.clock.now(),
  });
  dispatch.onImage(run.imageId);
  return applied;
}
