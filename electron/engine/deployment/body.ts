import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import type { OutputRequest, ParameterSetting, ResultDecision } from "../../contract/batch.ts";
import type { ImageFailure } from "../../contract/failure.ts";
import { stampOf } from "../intake/observation.ts";
import type { HttpBody } from "./http.ts";
import { endLoan, giveBack, lendBuffers, PIECE_BYTES, type SendBuffers } from "./send-buffers.ts";

/** The body of one `PUT /api/run`, read from the open file while it is sent. Good for one attempt. */
export interface SubmitBody extends HttpBody {
  /** Size of the file in bytes, when it was opened. */
  readonly imageBytes: number;
  /** SHA-256 (32 bytes) of exactly the file bytes that were sent; null until all of them were. */
  sha256(): Buffer | null;
  /** Why the file could not be sent to its end; null when nothing is wrong with it. */
  failure(): ImageFailure | null;
  /** The connection was ready and the first byte was asked for. */
  started(): boolean;
  /** The last byte was handed over; until then the deployment cannot have accepted the run. */
  complete(): boolean;
  /**
   * The deployment has answered to the whole body: what it was sent from serves the next one. Without this call, after a
   * failure, the garbage collector has it, for a broken connection may still hold on to it.
   */
  release(): void;
}

/** Encoded at once: the text of a longer piece is memory that the system maps anew each time, at five times the cost. */
const ENCODE_BYTES = PIECE_BYTES / 4;

class FileTrouble extends Error {
  readonly failure: ImageFailure;
  constructor(failure: ImageFailure) {
    super(failure.reason);
    this.failure = failure;
  }
}

/**
 * `{"inputs":[{"image":"<base64>"}, …],"outputs":[…],"parameters":[…]}` (API facts, section 3.1) with an exact
 * length, in flat memory. A file whose size or time stamp changes, or that cannot be read, cuts the stream before
 * its last byte, so that a torn picture is never a complete request.
 */
export function createSubmitBody(input: {
  handle: FileHandle;
  bytes: number;
  /** `stampOf` the file when it was found to be the right one. @default when its first byte is asked for */
  stamp?: string;
  decision: Pick<ResultDecision, "outputs" | "parameters" | "inputs">;
  onFirstByte?: () => void;
}): SubmitBody {
  const { handle, bytes, onFirstByte } = input;
  const head = Buffer.from('{"inputs":[{"image":"');
  const tail = Buffer.from(tailText(input.decision));
  let digest: Buffer | null = null;
  let failure: ImageFailure | null = null;
  let started = false;
  let complete = false;
  let buffers: SendBuffers | null = null;

  async function stampNow(): Promise<string> {
    const found = await handle.stat({ bigint: true });
    // Its length is promised by then.
    if (Number(found.size) !== bytes) throw new FileTrouble({ reason: "changed-while-sending" });
    return stampOf(found);
  }

  async function* chunks(): AsyncGenerator<Uint8Array> {
    if (started) throw new Error("Internal error: the body of a submission was asked for twice");
    started = true;
    onFirstByte?.();
    const hash = createHash("sha256");
    buffers = lendBuffers();
    try {
      const stamp = input.stamp ?? (await stampNow());
      yield head;
      yield* base64Of({ handle, bytes, buffers, onPiece: (piece) => hash.update(piece) });
      if ((await stampNow()) !== stamp) throw new FileTrouble({ reason: "changed-while-sending" });
    } catch (error) {
      failure = toImageFailure(error);
      throw error;
    } finally {
      endLoan();
    }
    digest = hash.digest();
    complete = true;
    yield tail;
  }

  return {
    length: head.length + 4 * Math.ceil(bytes / 3) + tail.length,
    imageBytes: bytes,
    chunks,
    sha256: () => digest,
    failure: () => failure,
    started: () => started,
    complete: () => complete,
    release() {
      if (complete && buffers !== null) giveBack(buffers);
      buffers = null;
    },
  };
}

/** What follows the picture. `output_index` is left out where all outputs are wanted. */
function tailText(decision: Pick<ResultDecision, "outputs" | "parameters" | "inputs">): string {
  const inputs = decision.inputs.map((fixed) => `,${JSON.stringify(fixed)}`).join("");
  const outputs = JSON.stringify(decision.outputs.map(outputOnWire));
  const parameters = JSON.stringify(parametersOnWire(decision.parameters));
  return `"}${inputs}],"outputs":${outputs},"parameters":${parameters}}`;
}

function outputOnWire(output: OutputRequest): Record<string, unknown> {
  const task = { task_name: output.taskName, task_index: output.taskIndex };
  return output.outputIndex === null ? task : { ...task, output_index: output.outputIndex };
}

/** One entry per task, in order of first mention. */
function parametersOnWire(settings: readonly ParameterSetting[]): unknown[] {
  const tasks = new Map<string, { task_name: string; task_index: number; values: Map<string, string> }>();
  for (const { taskName, taskIndex, name, value } of settings) {
    const key = `${taskIndex} ${taskName}`;
    const task = tasks.get(key) ?? { task_name: taskName, task_index: taskIndex, values: new Map() };
    task.values.set(name, value);
    tasks.set(key, task);
  }
  return [...tasks.values()].map(({ values, ...task }) => ({
    ...task,
    parameters: Object.fromEntries(values),
  }));
}

/**
 * Two output buffers take turns: a piece stays untouched until the next but one is asked for, when the socket has
 * long copied or sent it.
 */
async function* base64Of({
  handle,
  bytes,
  buffers,
  onPiece,
}: {
  handle: FileHandle;
  bytes: number;
  buffers: SendBuffers;
  onPiece: (piece: Uint8Array) => void;
}): AsyncGenerator<Uint8Array> {
  let [text, other] = buffers.texts;
  for (let position = 0; position < bytes;) {
    const piece = buffers.raw.subarray(0, Math.min(buffers.raw.length, bytes - position));
    await readFully(handle, piece, position);
    position += piece.length;
    onPiece(piece);
    yield text.subarray(0, encode(piece, text));
    [text, other] = [other, text];
  }
}

/** Writes the base64 of a piece; gives its length. */
function encode(piece: Buffer, text: Buffer): number {
  let length = 0;
  for (let at = 0; at < piece.length; at += ENCODE_BYTES) {
    length += text.write(piece.toString("base64", at, at + ENCODE_BYTES), length, "latin1");
  }
  return length;
}

async function readFully(handle: FileHandle, target: Buffer, position: number): Promise<void> {
  for (let filled = 0; filled < target.length;) {
    const { bytesRead } = await handle.read(target, filled, target.length - filled, position + filled);
    if (bytesRead === 0) throw new FileTrouble({ reason: "changed-while-sending" });
    filled += bytesRead;
  }
}

function toImageFailure(error: unknown): ImageFailure {
  if (error instanceof FileTrouble) return error.failure;
  const code = error instanceof Error && "code" in error ? String(error.code) : "EIO";
  return { reason: "unreadable", code };
}
