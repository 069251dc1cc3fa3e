/** The code of a file system error ("ENOENT"); rethrows what is none, because that is a defect. */
export function errorCode(error: unknown): string {
  if (error instanceof Error && "code" in error && typeof error.code === "string") {
    // An argument error is ours, not the disk's.
    if (!error.code.startsWith("ERR_")) return error.code;
  }
  throw error;
}

/** True for the codes that mean "there is nothing at this path". */
export function isGone(code: string): boolean {
  return code === "ENOENT" || code === "ENOTDIR";
}
