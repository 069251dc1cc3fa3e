import type { AppSettings, TokenState } from "../../contract/api.ts";
import type { Failure } from "../../contract/failure.ts";
import { fail, succeed, type Result } from "../../contract/result.ts";
import type { Workflow } from "../../contract/workflow.ts";
import type { Clock } from "../clock.ts";
import type { Engine } from "../engine.ts";
import type { StoredBatch } from "../store/batches.ts";
import type { Store } from "../store/store.ts";

/** The API tokens of a host. A token goes in and never comes out to a window. */
export interface Tokens {
  state(deployment: string): TokenState;
  set(deployment: string, token: string): TokenState | Promise<TokenState>;
  clear(deployment: string): TokenState | Promise<TokenState>;
}

/** What differs between the desktop and the loopback page. */
export interface WindowHost {
  kind: "desktop" | "web";
  version: string;
  /** Absolute path of the person's home folder. */
  home: string;
  /** A native folder dialog and a file manager exist. */
  native: boolean;
  tokens: Tokens;
  /** null when cancelled or not available. */
  chooseFolder: (title: string) => Promise<string | null>;
  /** Shows a file in the file manager; false when it cannot. */
  reveal: (file: string) => Promise<boolean>;
}

/** What the handlers work with. `engine` null: another process may be writing, this one only looks. */
export interface HandlerContext {
  host: WindowHost;
  engine: Engine | null;
  /** A connection of its own for reading: long questions never hold up the writer. */
  reader: Store;
  /** Another one, for questions that look at many rows: what a person waits for never stands behind them. */
  counter: Store;
  dataFile: string;
  clock: Clock;
  /** Why a batch that should run does not, by batch. */
  startFailures: Map<number, { failure: Failure; since: number }>;
  /** Starts that go on, by batch: two windows may ask at once. */
  starting: Map<number, Promise<Failure | null>>;
  /** Workflows that deployments told since the start, by address. */
  workflows: Map<string, { workflow: Workflow; hash: string }>;
  settings: { current: AppSettings | null };
  /** Something about this batch changed: windows are told soon. */
  touched: (batchId: number) => void;
  onProblem: (failure: Failure) => void;
}

/** The failure of everything that would change something where nothing can be changed. */
export const ONLY_LOOKING: Failure = {
  reason: "usage",
  message: "This window only looks: nothing can be changed from it.",
  next: "Use the Nightrun that writes the data file, or start it without --read-only.",
};

/** A handler's way to refuse a call whose answer has no room for a failure. */
export class CallRefused extends Error {
  override readonly name = "CallRefused";
  readonly failure: Failure;
  constructor(failure: Failure) {
    super(failure.reason);
    this.failure = failure;
  }
}

/** The engine that writes. @throws CallRefused where this process only looks */
export function writerOf(context: HandlerContext): Engine {
  if (context.engine === null) throw new CallRefused(ONLY_LOOKING);
  return context.engine;
}

export async function findBatch(context: HandlerContext, batchId: number): Promise<Result<StoredBatch>> {
  const batch = await context.reader.call("getBatch", batchId);
  return batch === null ? fail({ reason: "unknown-batch", wanted: String(batchId) }) : succeed(batch);
}

/** Does something with a batch, or says that there is none. */
export async function withBatch<T>(
  context: HandlerContext,
  batchId: number,
  act: (batch: StoredBatch) => Promise<Result<T>>,
): Promise<Result<T>> {
  const batch = await findBatch(context, batchId);
  return batch.ok ? act(batch.value) : batch;
}
