import { parentPort } from "node:worker_threads";
import { finishAnswer, type AnswerEnd, type AnswerOrder } from "./finish-answer.ts";

/** The reply to one order; `failed` = a defect of ours, in words. */
export type AnswerReply = { end: AnswerEnd } | { failed: string };

const port = parentPort;
if (port === null) throw new Error("Internal error: the answers' worker was started outside a worker thread");

async function replyTo(order: AnswerOrder): Promise<AnswerReply> {
  try {
    return { end: await finishAnswer(order) };
  } catch (error) {
    return { failed: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

port.on("message", (order: AnswerOrder) => {
  void replyTo(order).then((reply) => port.postMessage(reply));
});
