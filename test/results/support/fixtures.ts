import { mkdtemp, rm } from "node:fs/promises";
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { OutputRequest } from "../../../electron/contract/batch.ts";
import { type AnswerOutput, readAnswer } from "../../../electron/engine/results/answer.ts";

/** One result object of each type, written after the API facts, section 5.5. */
export function fixture(name: string): Record<string, unknown> {
  const text = readFileSync(join(import.meta.dirname, "..", "fixtures", `${name}.json`), "utf8");
  return JSON.parse(text) as Record<string, unknown>;
}

export function bytesOf(value: unknown): Buffer {
  return Buffer.from(typeof value === "string" ? value : JSON.stringify(value));
}

export function request(taskName: string, taskIndex = 0, outputIndex: number | null = 0): OutputRequest {
  return { taskName, taskIndex, outputIndex };
}

/** Reads one result object as output 1 of `infer`. */
export function readOne(item: unknown): AnswerOutput {
  const answer = readAnswer(bytesOf([item]), [request("infer", 0, 1)]);
  if (!answer.ok) throw new Error(answer.failure.what);
  return answer.value[0]!;
}

/** A folder that is gone after the test. */
export async function temporaryFolder(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), "nightrun-results-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
