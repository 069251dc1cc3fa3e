import { isDeploymentFailure, type Failure } from "../contract/failure.ts";

/** What a calling program can rely on. */
export const EXIT = {
  /** Everything is done; skipped files count as done. */
  done: 0,
  /** Finished, but some images failed or went missing. */
  someFailed: 1,
  /** Wrong usage or configuration. */
  usage: 2,
  /** Stopped early; what is left waits in the data file, and the same command resumes. */
  stoppedEarly: 3,
  /** The data file is in use, damaged or newer. */
  dataFile: 4,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

const DATA_FILE_REASONS: readonly Failure["reason"][] = [
  "data-file-in-use",
  "data-file-newer",
  "data-file-damaged",
  "data-file-unwritable",
];

/** The exit code for a failure that ends the program. */
export function exitCodeFor(failure: Failure): ExitCode {
  if (DATA_FILE_REASONS.includes(failure.reason)) return EXIT.dataFile;
  if (isDeploymentFailure(failure) || failure.reason === "disk-low") return EXIT.stoppedEarly;
  return EXIT.usage;
}
