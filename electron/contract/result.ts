import type { Failure } from "./failure.ts";

/** An expected failure is a value; only a broken invariant is thrown. */
export type Result<T, F = Failure> = { ok: true; value: T } | { ok: false; failure: F };

export function succeed<T>(value: T): { ok: true; value: T } {
  return { ok: true, value };
}

export function fail<F>(failure: F): { ok: false; failure: F } {
  return { ok: false, failure };
}

/** Marks a switch as exhaustive: adding a member breaks the build here. */
export function assertNever(value: never): never {
  throw new Error(`Internal error: unexpected value ${JSON.stringify(value)}`);
}
