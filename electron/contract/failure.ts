/**
 * Everything that can go wrong and that a person may have to know: a closed union on `reason`, each with just
 * the data its sentence needs. `describeFailure` (describe-failure.ts) must answer every reason, so adding one breaks the build until it has words.
 */
export type Failure = ImageFailure | DeploymentFailure | SetupFailure | InternalFailure;

export type SpecialFile = "symbolic link" | "named pipe" | "socket" | "device" | "folder" | "special file";

/** About one image (or one run of it). */
export type ImageFailure =
  | { reason: "unsupported-format"; found: string }
  | { reason: "name-does-not-match"; extension: string; found: string }
  | { reason: "special-file"; kind: SpecialFile }
  | { reason: "empty-file" }
  | { reason: "truncated"; format: string }
  | { reason: "damaged"; format: string }
  | { reason: "still-changing" }
  | { reason: "unreadable"; code: string }
  | { reason: "vanished" }
  | { reason: "changed-while-sending" }
  | { reason: "too-large"; bytes: number }
  | { reason: "refused-input"; status: number; detail: string }
  | { reason: "workflow-error"; status: number; message: string }
  | { reason: "outcome-unknown"; times: number; last: string }
  | { reason: "result-lost"; times: number }
  | { reason: "run-timeout"; waitedMs: number }
  | { reason: "unexpected-result"; what: string; rawFile: string | null }
  | { reason: "cannot-write-output"; file: string; code: string }
  | { reason: "quarantined"; crashes: number }
  | { reason: "cancelled" };

/** About the deployment, the token service or the way there: these close gates and spend no attempt of any image. */
export type DeploymentFailure =
  | { reason: "no-token"; variable: string }
  | { reason: "token-rejected"; status: number; service: string }
  | { reason: "token-service-error"; service: string; status: number | null; detail: string }
  | { reason: "deployment-not-found"; deployment: string }
  | { reason: "not-a-deployment"; url: string; found: string }
  | { reason: "sign-in-refused"; deployment: string; status: number }
  | { reason: "unreachable"; host: string; code: string }
  | { reason: "timed-out"; host: string; phase: "connect" | "head" | "body" }
  | { reason: "tls"; host: string; code: string }
  | { reason: "proxy"; proxy: string; detail: string }
  | { reason: "busy"; status: number; retryAfterMs: number | null }
  | { reason: "server-error"; status: number; detail: string }
  | { reason: "unexpected-response"; what: string; status: number };

/** About what was asked for, before the first byte is sent. */
export type SetupFailure =
  | { reason: "usage"; message: string; next: string }
  | { reason: "invalid-url"; url: string; problem: string }
  | { reason: "insecure-url"; url: string }
  | { reason: "unknown-task"; name: string; nearest: string | null; known: readonly string[] }
  | { reason: "task-index-out-of-range"; name: string; index: number; count: number }
  | { reason: "output-out-of-range"; task: string; index: number; count: number }
  | { reason: "unknown-parameter"; task: string; name: string; nearest: string | null }
  | { reason: "no-outputs"; detail: string }
  | { reason: "workflow-unavailable"; detail: string }
  | { reason: "inputs-missing"; needed: readonly string[]; given: number }
  | { reason: "bad-file"; file: string; problem: string }
  | { reason: "folder-missing"; folder: string }
  /** A folder is there, but it is another one: another disk at the same path, or the place where one is mounted. */
  | { reason: "folder-replaced"; folder: string }
  | { reason: "folder-unreadable"; folder: string; code: string }
  | { reason: "no-images"; folder: string }
  | { reason: "results-folder"; folder: string; problem: string }
  | { reason: "unknown-batch"; wanted: string }
  | { reason: "no-data-file"; file: string }
  | { reason: "data-file-in-use"; file: string }
  | { reason: "data-file-newer"; file: string; version: number; known: number }
  | { reason: "data-file-damaged"; file: string; detail: string }
  | { reason: "data-file-unwritable"; file: string; code: string }
  | { reason: "disk-low"; folder: string; freeBytes: number; neededBytes: number };

/** A defect of Nightrun itself. */
export interface InternalFailure {
  reason: "internal";
  message: string;
}

export type FailureReason = Failure["reason"];

/** Every reason that an image can have. */
export const IMAGE_REASONS = [
  "unsupported-format",
  "name-does-not-match",
  "special-file",
  "empty-file",
  "truncated",
  "damaged",
  "still-changing",
  "unreadable",
  "vanished",
  "changed-while-sending",
  "too-large",
  "refused-input",
  "workflow-error",
  "outcome-unknown",
  "result-lost",
  "run-timeout",
  "unexpected-result",
  "cannot-write-output",
  "quarantined",
  "cancelled",
] as const satisfies readonly ImageFailure["reason"][];

const DEPLOYMENT_REASONS = [
  "no-token",
  "token-rejected",
  "token-service-error",
  "deployment-not-found",
  "not-a-deployment",
  "sign-in-refused",
  "unreachable",
  "timed-out",
  "tls",
  "proxy",
  "busy",
  "server-error",
  "unexpected-response",
] as const satisfies readonly DeploymentFailure["reason"][];

const SETUP_REASONS = [
  "usage",
  "invalid-url",
  "insecure-url",
  "unknown-task",
  "task-index-out-of-range",
  "output-out-of-range",
  "unknown-parameter",
  "no-outputs",
  "workflow-unavailable",
  "inputs-missing",
  "bad-file",
  "folder-missing",
  "folder-replaced",
  "folder-unreadable",
  "no-images",
  "results-folder",
  "unknown-batch",
  "no-data-file",
  "data-file-in-use",
  "data-file-newer",
  "data-file-damaged",
  "data-file-unwritable",
  "disk-low",
] as const satisfies readonly SetupFailure["reason"][];

/** Every reason of the closed union. */
export const FAILURE_REASONS = [
  ...IMAGE_REASONS,
  ...DEPLOYMENT_REASONS,
  ...SETUP_REASONS,
  "internal",
] as const;

export function isImageFailure(failure: Failure): failure is ImageFailure {
  return (IMAGE_REASONS as readonly string[]).includes(failure.reason);
}

export function isDeploymentFailure(failure: Failure): failure is DeploymentFailure {
  return (DEPLOYMENT_REASONS as readonly string[]).includes(failure.reason);
}
