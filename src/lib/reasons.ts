import type { Failure, FailureReason } from "../../electron/contract/failure.ts";
import type { ImageState, RunState } from "../../electron/contract/image.ts";
import type { GateKind } from "../../electron/contract/gate.ts";

/** A short name for every reason an image can end with; the sentence comes from `describeFailure`. */
const REASON_NAMES: Record<FailureReason, string> = {
  "unsupported-format": "Format not supported",
  "name-does-not-match": "Name does not match content",
  "special-file": "Not an ordinary file",
  "empty-file": "Empty file",
  truncated: "File ends too early",
  damaged: "File is damaged",
  "still-changing": "Still being written",
  unreadable: "Cannot be read",
  vanished: "No longer in the folder",
  "changed-while-sending": "Changed while it was sent",
  "too-large": "Too large",
  "refused-input": "Request refused",
  "workflow-error": "Workflow failed",
  "outcome-unknown": "Outcome unknown",
  "result-lost": "Result lost",
  "run-timeout": "No result in time",
  "unexpected-result": "Answer not understood",
  "cannot-write-output": "Result cannot be written",
  quarantined: "Set aside",
  cancelled: "Taken off the list",
  "no-token": "No API token",
  "token-rejected": "API token not accepted",
  "token-service-error": "Token service does not work",
  "deployment-not-found": "Deployment not found",
  "not-a-deployment": "Not a deployment",
  "sign-in-refused": "Sign-in refused",
  unreachable: "Not reachable",
  "timed-out": "No answer in time",
  tls: "Secure connection failed",
  proxy: "Proxy refuses",
  busy: "Deployment busy",
  "server-error": "Deployment error",
  "unexpected-response": "Unexpected answer",
  usage: "Not possible",
  "invalid-url": "Not a usable URL",
  "insecure-url": "Not encrypted",
  "unknown-task": "Unknown task",
  "task-index-out-of-range": "No such task",
  "output-out-of-range": "No such output",
  "unknown-parameter": "Unknown parameter",
  "no-outputs": "No output",
  "workflow-unavailable": "Workflow not available",
  "inputs-missing": "Inputs missing",
  "bad-file": "File cannot be used",
  "folder-missing": "Folder missing",
  "folder-replaced": "Another folder is there",
  "folder-unreadable": "Folder cannot be read",
  "no-images": "No images",
  "results-folder": "Results folder",
  "unknown-batch": "Unknown batch",
  "no-data-file": "No data file",
  "data-file-in-use": "Data file in use",
  "data-file-newer": "Data file is newer",
  "data-file-damaged": "Data file damaged",
  "data-file-unwritable": "Data file cannot be written",
  "disk-low": "Disk almost full",
  internal: "Defect of Nightrun",
};

/** For reading a reason from an address. */
export const FAILURE_REASONS_BY_NAME: ReadonlyMap<string, FailureReason> = new Map(
  (Object.keys(REASON_NAMES) as FailureReason[]).map((reason) => [reason, reason]),
);

/** Two or three words for lists and filters. */
export function reasonName(reason: Failure["reason"]): string {
  return REASON_NAMES[reason];
}

/** Each state's word; it always stands beside its icon. */
export const STATE_NAMES: Record<ImageState, string> = {
  done: "done",
  failed: "failed",
  "in-flight": "in flight",
  waiting: "waiting",
  uncertain: "uncertain",
  skipped: "skipped",
  missing: "missing",
};

/** One or two words for a gate in the side bar. */
export const GATE_NAMES: Record<GateKind, string> = {
  paused: "paused",
  "sign-in": "sign in",
  unreachable: "not reachable",
  busy: "server busy",
  "disk-low": "disk full",
  "run-limit": "run limit",
  "folder-away": "folder away",
  "unknown-outcomes": "check needed",
  "all-refused": "all refused",
  "results-lost": "results lost",
  "battery-low": "battery low",
};

/** How a run ended or where it is. */
export const RUN_STATE_NAMES: Record<RunState, string> = {
  INTENT: "about to be sent",
  SUBMITTED: "being computed",
  RECEIVING: "result is arriving",
  RECEIVED: "result is being stored",
  DONE: "done",
  REJECTED: "surely not accepted",
  ORPHANED: "outcome unknown",
  LOST: "result lost",
  FAILED: "failed",
};
