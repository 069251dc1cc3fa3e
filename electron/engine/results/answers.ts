import { stat } from "node:fs/promises";
import { Worker } from "node:worker_threads";
import { workerUrl } from "../worker-url.ts";
import type { AnswerReply } from "./answer-worker.ts";
import { finishAnswer, type AnswerEnd, type AnswerOrder } from "./finish-answer.ts";
import { MAX_ANSWER_BYTES, tooLarge } from "./json-guard.ts";

/** Larger answers are read in a thread of their own: parsing them would hold everything else up. */
const LARGE_BYTES = 256 * 1024;
/** After one of these the thread is ended, which gives its memory back at once. */
const HUGE_BYTES = 16 * 1024 * 1024;
/** A hostile answer ends its thread, not the program. */
const MOST_MEMORY_MB = 2048;
const IDLE_MS = 10_000;

/** Turns complete answers on disk into files and outputs, without ever holding the event loop up for long. */
export interface Answers {
  finish(order: AnswerOrder): Promise<AnswerEnd>;
  /** Ends the thread; nothing may be asked any more. */
  close(): Promise<void>;
}

/** Large answers are read one after the other, so that memory holds one of them at a time. */
export function createAnswers(): Answers {
  let worker: Worker | null = null;
  let idle: NodeJS.Timeout | null = null;
  let last: Promise<unknown> = Promise.resolve();

  async function end(): Promise<void> {
    if (idle !== null) clearTimeout(idle);
    const ending = worker;
    worker = null;
    await ending?.terminate();
  }

  function start(): Worker {
    const started = new Worker(workerUrl("answer-worker", "./answer-worker.ts", import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: MOST_MEMORY_MB },
    });
    started.unref();
    return started;
  }

  async function inThread(order: AnswerOrder, bytes: number): Promise<AnswerEnd> {
    if (idle !== null) clearTimeout(idle);
    worker ??= start();
    const answer = await ask(worker, order);
    if (answer.isGone) worker = null;
    else if (bytes > HUGE_BYTES) await end();
    else idle = setTimeout(() => void end(), IDLE_MS).unref();
    return answer.end;
  }

  return {
    async finish(order) {
      if (order.answer !== null) return finishAnswer(order);
      const { size } = await stat(order.answerFile);
      if (size > MAX_ANSWER_BYTES) return { kind: "misfit", what: tooLarge(size) };
      if (size <= LARGE_BYTES) return finishAnswer(order);
      const turn = last.then(() => inThread(order, size));
      last = turn.catch(() => undefined); // Whoever asked hears of it.
      return turn;
    },
    async close() {
      await last;
      await end();
    },
  };
}

/** One order at a time. A thread that ran out of memory is gone, and its answer cannot be read. */
function ask(worker: Worker, order: AnswerOrder): Promise<{ end: AnswerEnd; isGone: boolean }> {
  return new Promise((resolve, reject) => {
    const forget = (): void => {
      worker.off("message", onMessage);
      worker.off("error", onError);
    };
    const onMessage = (reply: AnswerReply): void => {
      forget();
      if ("end" in reply) resolve({ end: reply.end, isGone: false });
      else reject(new Error(reply.failed));
    };
    const onError = (error: Error): void => {
      forget();
      const isFull = "code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY";
      if (isFull)
        resolve({ end: { kind: "misfit", what: "it takes too much memory to read" }, isGone: true });
      else reject(error);
    };
    worker.on("message", onMessage);
    worker.on("error", onError);
    worker.postMessage(order);
  });
}
