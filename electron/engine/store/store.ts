import { Worker } from "node:worker_threads";
import type { SetupFailure } from "../../contract/failure.ts";
import { fail, succeed, type Result } from "../../contract/result.ts";
import type { Clock } from "../clock.ts";
import { workerUrl } from "../worker-url.ts";
import type { OperationInput, OperationName, OperationOutput } from "./operations.ts";
import type { StoreAnswer, StoreReply, StoreRequest, StoreWorkerData } from "./store-worker.ts";

/** How long a commit that a full or slow disk refused waits before it is tried again. */
const COMMIT_RETRY_MS = 1000;
/** A full disk shows as either, depending on which write met it. */
const WANTS_ROOM = /^SQLITE_(FULL|IOERR)/;

/**
 * The data file behind an asynchronous port. Calls of one tick, and all that arrive while the thread is busy, share
 * one commit; a call resolves when its commit is on the disk. A commit that the disk refuses is tried again until it
 * succeeds or the store is closed, so nothing that happened is forgotten while the program lives.
 */
export interface Store {
  call<N extends OperationName>(name: N, input: OperationInput<N>): Promise<OperationOutput<N>>;
  /** Copies the data file while it is in use. */
  backup(target: string): Promise<void>;
  /** Moves what was committed into the data file itself, so that it is there even if the write-ahead file is lost. */
  checkpoint(): Promise<void>;
  /** Ends the thread after everything asked for is committed. */
  close(): Promise<void>;
}

export interface StoreOptions {
  file: string;
  mode: "write" | "read";
  clock: Clock;
  /** The disk refuses commits (`code`), or takes them again (null). */
  onTrouble?: (code: string | null) => void;
  /** Frees room that was kept for the last commits of a full disk; false = there is none. @default none */
  relieve?: () => Promise<boolean>;
}

/** A call that a defect of ours broke; the rest of its commit is not affected. */
export class StoreError extends Error {
  override readonly name = "StoreError";
}

interface Waiting {
  name: OperationName;
  input: unknown;
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
}

/** The largest commit: keeps one commit, and so one wait for it, short. */
const MOST_CALLS_A_COMMIT = 256;

/**
 * Whoever reads a million images makes pages of text, one after the other: V8 would make room for more and more of them, which
 * makes nothing faster.
 */
const READER_YOUNG_MB = 24;

/** Opens the data file in its own thread; a writer takes the lock that dies with the process. */
export async function openStore(options: StoreOptions): Promise<Result<Store, SetupFailure>> {
  const workerData: StoreWorkerData = { file: options.file, mode: options.mode };
  const worker = new Worker(workerUrl("store-worker", "./store-worker.ts", import.meta.url), {
    workerData,
    resourceLimits: options.mode === "read" ? { maxYoungGenerationSizeMb: READER_YOUNG_MB } : {},
  });
  const opened = await new Promise<Result<null, SetupFailure>>((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
  if (!opened.ok) {
    await worker.terminate();
    return fail(opened.failure);
  }
  return succeed(createPort(worker, options));
}

function createPort(worker: Worker, options: StoreOptions): Store {
  let queue: Waiting[] = [];
  let busy = false;
  let scheduled = false;
  let troubled = false;
  let ended: Error | null = null;
  const closing = new AbortController();
  const replies = new Map<number, (reply: StoreReply) => void>();
  let lastId = 0;

  worker.on("message", (reply: StoreReply) => {
    replies.get(reply.id)?.(reply);
    replies.delete(reply.id);
  });
  worker.on("error", (error: Error) => end(error));
  worker.on("exit", () => end(new StoreError("The data file is closed.")));

  function end(error: Error): void {
    ended ??= error;
    for (const waiting of queue) waiting.reject(ended);
    queue = [];
    for (const [id, answer] of replies)
      answer({ id, failed: { code: "CLOSED", message: error.message }, answers: [] });
    replies.clear();
  }

  function post(request: Omit<StoreRequest, "id">): Promise<StoreReply> {
    const id = ++lastId;
    return new Promise((resolve) => {
      replies.set(id, resolve);
      worker.postMessage({ ...request, id } satisfies StoreRequest);
    });
  }

  function report(code: string | null): void {
    if (code === null && !troubled) return;
    troubled = code !== null;
    options.onTrouble?.(code);
  }

  async function commit(batch: Waiting[]): Promise<void> {
    for (;;) {
      const reply = await post({ calls: batch.map(({ name, input }) => ({ name, input })) });
      if (reply.failed === null) {
        report(null);
        batch.forEach((waiting, i) => answer(waiting, reply.answers[i]));
        return;
      }
      if (ended !== null || closing.signal.aborted || options.mode === "read") {
        const error = ended ?? new StoreError(`${reply.failed.code}: ${reply.failed.message}`);
        for (const waiting of batch) waiting.reject(error);
        return;
      }
      report(reply.failed.code);
      if (WANTS_ROOM.test(reply.failed.code) && (await options.relieve?.()) === true) continue;
      await options.clock.sleep(COMMIT_RETRY_MS, closing.signal);
    }
  }

  function answer(waiting: Waiting, given: StoreAnswer | undefined): void {
    if (given?.ok === true) waiting.resolve(given.value);
    else waiting.reject(new StoreError(`${waiting.name}: ${given?.message ?? "no answer"}`));
  }

  async function drain(): Promise<void> {
    scheduled = false;
    if (busy) return;
    busy = true;
    while (queue.length > 0) await commit(queue.splice(0, MOST_CALLS_A_COMMIT));
    busy = false;
  }

  return {
    call: (name, input) =>
      new Promise((resolve, reject) => {
        if (ended !== null) {
          reject(ended);
          return;
        }
        queue.push({ name, input, resolve: resolve as (value: unknown) => void, reject });
        if (scheduled || busy) return;
        scheduled = true;
        setImmediate(() => void drain());
      }),
    backup: async (target) => {
      const reply = await post({ calls: [], backupTo: target });
      if (reply.failed !== null) throw new StoreError(`${reply.failed.code}: ${reply.failed.message}`);
    },
    checkpoint: async () => {
      await post({ calls: [], checkpoint: true });
    },
    close: async () => {
      if (ended !== null) return;
      if (troubled) closing.abort();
      while (queue.length > 0 || busy) await new Promise((resolve) => setImmediate(resolve));
      closing.abort();
      const gone = new Promise((resolve) => worker.once("exit", resolve));
      await post({ calls: [], close: true });
      await gone;
    },
  };
}
