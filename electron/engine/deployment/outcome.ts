import type { DeploymentFailure, ImageFailure } from "../../contract/failure.ts";
import type { Advice } from "./wire.ts";

/** What came of one `PUT /api/run`. */
export type SubmitOutcome =
  | { kind: "accepted"; uuid: string; advice: Advice }
  /** 3xx, 401, 403: surely not accepted; `jwt` is the one that was refused. */
  | { kind: "unauthorized"; status: number; jwt: string }
  /** 429, 503: not accepted. */
  | { kind: "busy"; failure: DeploymentFailure; retryAfterMs: number | null }
  /** 400, 422, 413: this image is not wanted. */
  | { kind: "refused"; failure: ImageFailure }
  /** Surely not accepted: no connection, broken before the last byte, no sign-in, or 404. */
  | { kind: "not-sent"; failure: DeploymentFailure }
  /** The file could not be read, or changed; the request was cut before its end. */
  | { kind: "file"; failure: ImageFailure }
  /** The deployment may compute and bill a run whose id nobody knows. `last` says in words what happened. */
  | { kind: "unknown"; last: string; failure: DeploymentFailure | null };

/** What came of one `GET /api/results/{uuid}`, which may be asked successfully only once. */
export type CollectOutcome =
  | { kind: "pending"; advice: Advice }
  /** The body ended as it should, and the sink has all of it. */
  | { kind: "received" }
  /** The head of a result came, its body did not come whole: the result is surely consumed. */
  | { kind: "cut"; what: string }
  /** The head of a result came, but it could not be kept here. */
  | { kind: "sink"; error: unknown }
  /** 500, 520. `raw` = the first 64 KB of the answer. */
  | { kind: "workflow-error"; status: number; message: string; raw: string }
  | { kind: "unauthorized"; status: number; jwt: string }
  | { kind: "busy"; failure: DeploymentFailure; retryAfterMs: number | null }
  /** The deployment surely did not see the question. */
  | { kind: "unreachable"; failure: DeploymentFailure }
  /** The result may have been consumed: no head came, 408, 502, 504, or a web page with 200. */
  | { kind: "doubtful"; failure: DeploymentFailure }
  | { kind: "gone"; status: number }
  /** The deployment does not speak as documented; the run is where it was. */
  | { kind: "protocol"; failure: DeploymentFailure };

/** Takes the bytes of one result in order. May throw `ResultTooLarge` to have the rest left behind. */
export interface ResultSink {
  write(chunk: Uint8Array): Promise<void>;
}

/** Thrown by a sink that takes no more: the run counts as cut, not as a failure to write. */
export class ResultTooLarge extends Error {
  readonly limitBytes: number;
  constructor(limitBytes: number) {
    super(`the result is larger than ${limitBytes} bytes`);
    this.limitBytes = limitBytes;
  }
}

/** What an answer is read against. */
export interface Asked {
  url: string;
  jwt: string;
  /** Never to be repeated in a text, even when a server echoes them. */
  secrets: readonly string[];
  /** Wall clock, for dates in Retry-After. */
  nowMs: number;
}
