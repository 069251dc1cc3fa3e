import type { EventDetails, EventKind } from "../../contract/event.ts";
import type { Failure } from "../../contract/failure.ts";
import type { ImageHistory, ImageStage, RunState } from "../../contract/image.ts";

/** A row of `images` as SQLite gives it. */
export interface StoredImage {
  id: number;
  batchId: number;
  revisionId: number;
  path: string;
  current: number;
  history: ImageHistory | null;
  stage: ImageStage;
  reason: Failure["reason"] | null;
  failureJson: string | null;
  bytes: number;
  mtimeUs: number;
  fileId: string;
  seenMono: number;
  /** Equal for equal files (`fingerprintOf`); negative = only minus its size is known. null = not settled yet. */
  fingerprint: number | null;
  /** 32 bytes; null until it was sent, or read in full because another file looks like it. */
  sha256: Uint8Array | null;
  width: number | null;
  height: number | null;
  leaderId: number | null;
  uncertain: number;
  lost: number;
  workflowErrors: number;
  /** Sessions that died while it was in hand among others; from 2 on it is tried alone. */
  suspected: number;
  /** Sessions that died while it was in hand alone. */
  crashes: number;
  nextAt: number;
  summary: string | null;
  /** JSON list of the result files' names, only where they are not the usual ones. */
  filesJson: string | null;
  durationMs: number | null;
  updatedAt: number;
}

/** A row of `runs` as SQLite gives it. */
export interface StoredRun {
  id: number;
  imageId: number;
  batchId: number;
  sessionId: number;
  state: RunState;
  uuid: string | null;
  intentAt: number;
  startMono: number;
  submittedAt: number | null;
  finishedAt: number | null;
  suspect: number;
  note: string | null;
  failureJson: string | null;
  workflowHash: string | null;
}

/** Something that is worth telling, as the events table keeps it. Kinds: `contract/event.ts`. */
export interface NewEvent<K extends EventKind = EventKind> {
  batchId: number | null;
  imageId?: number | null;
  runId?: number | null;
  kind: K;
  detail: EventDetails[K];
}
