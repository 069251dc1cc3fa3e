import { ipcMain, type IpcMainInvokeEvent } from "electron";
import { CALL_NAMES, type CallName, type Envelope, type Handlers } from "../contract/api.ts";
import { FOLDER_DROPPED } from "../contract/desktop.ts";
import type { Failure } from "../contract/failure.ts";
import { fail, succeed } from "../contract/result.ts";
import { CallRefused } from "../engine/handlers/context.ts";
import { isOwnUrl } from "./address.ts";
import { judgePlainData } from "./plain-data.ts";

/** The part of a schema that is needed here; zod's have it. */
export interface InputSchema {
  safeParse(
    value: unknown,
  ): { success: true; data: unknown } | { success: false; error: { message: string } };
}

export interface IpcOptions {
  handlers: Handlers;
  schemas: Readonly<Record<CallName, { readonly input: InputSchema }>>;
  /** The id of the only web contents that may speak; null while there is no window. */
  windowId: () => number | null;
  onFolderDropped: (path: string) => void;
  onProblem: (failure: Failure) => void;
}

/** Every channel that is open to a window. */
export const IPC_CHANNELS = [...CALL_NAMES, FOLDER_DROPPED] as const;

/** Calls that one window may have under way. */
export const MOST_CALLS_AT_ONCE = 256;
const LONGEST_PATH = 4096;

const FOREIGN: Failure = { reason: "internal", message: "A call came from somewhere else than the window." };

/**
 * Opens one channel per call of the contract, and nothing else. Each call is answered with an envelope, after the
 * sender, the size and the schema were checked; no handler is ever reached by anything that fails one of them.
 */
export function bindIpc(options: IpcOptions): () => void {
  const atOnce = { calls: 0 };
  for (const name of CALL_NAMES) {
    const handler = options.handlers[name] as (input: unknown) => unknown;
    const schema = options.schemas[name].input;
    ipcMain.handle(name, (event, input: unknown) =>
      answer(options, { event, name, input, schema, handler, atOnce }),
    );
  }
  ipcMain.handle(FOLDER_DROPPED, (event, input: unknown) =>
    answer(options, {
      event,
      name: FOLDER_DROPPED,
      input,
      schema: droppedFolder,
      handler: (dropped) => {
        options.onFolderDropped((dropped as { path: string }).path);
        return {};
      },
      atOnce,
    }),
  );
  return () => {
    for (const name of IPC_CHANNELS) ipcMain.removeHandler(name);
  };
}

interface Asked {
  event: IpcMainInvokeEvent;
  name: string;
  input: unknown;
  schema: InputSchema;
  handler: (input: unknown) => unknown;
  atOnce: { calls: number };
}

async function answer(options: IpcOptions, asked: Asked): Promise<Envelope<unknown>> {
  if (!isFromWindow(asked.event, options.windowId())) {
    options.onProblem(FOREIGN);
    return fail(FOREIGN);
  }
  const refuse = (why: string): Envelope<unknown> =>
    fail({
      reason: "internal",
      message: `The window asked ${asked.name} with something else than agreed: ${why}.`,
    });
  const unfit = judgePlainData(asked.input);
  if (unfit !== null) return refuse(unfit);
  const parsed = asked.schema.safeParse(asked.input);
  if (!parsed.success) return refuse(parsed.error.message);
  if (asked.atOnce.calls >= MOST_CALLS_AT_ONCE) return refuse("too many calls at once");
  asked.atOnce.calls += 1;
  try {
    return succeed(await asked.handler(parsed.data));
  } catch (error) {
    if (error instanceof CallRefused) return fail(error.failure);
    const message = error instanceof Error ? error.message : String(error);
    const failure: Failure = { reason: "internal", message: `${asked.name}: ${message}` };
    options.onProblem(failure);
    return fail(failure);
  } finally {
    asked.atOnce.calls -= 1;
  }
}

/** Only the top frame of our window, while it shows our page. */
function isFromWindow(event: IpcMainInvokeEvent, windowId: number | null): boolean {
  try {
    const frame = event.senderFrame;
    return (
      frame !== null &&
      windowId !== null &&
      event.sender.id === windowId &&
      frame.parent === null &&
      !frame.detached &&
      isOwnUrl(frame.url)
    );
  } catch {
    return false; // A frame that went away in the meantime has nobody to answer.
  }
}

const droppedFolder: InputSchema = {
  safeParse(value) {
    const path = typeof value === "object" && value !== null && "path" in value ? value.path : null;
    return typeof path === "string" && path !== "" && path.length <= LONGEST_PATH && !path.includes("\0")
      ? { success: true, data: { path } }
      : { success: false, error: { message: "no path" } };
  },
};
