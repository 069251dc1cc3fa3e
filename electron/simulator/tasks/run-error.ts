/** Ends a run the way a failing algorithm does: the deployment answers 520 with this message. */
export class RunError extends Error {
  override readonly name = "RunError";
}
