import { ipcMain, type IpcMainInvokeEvent } from "electron";
import { CALL_NAMES, type CallName, type Envelope } from "../contract/api.ts";
import { FOLDER_DROPPED } from "../contract/desktop.ts";
import type { Failure } from "../contract/failure.ts";
import { fail, succeed } from "../contract/result.ts";
import { isOwnUrl } from "./address.ts";
import { judgePlainData } from "./plain-data.ts";

export interface IpcOptions {
  /** Answers a call after checking its input against the contract's schema; never rejects. */
  call: (name: CallName, input: unknown) => Promise<Envelope<unknown>>;
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
 * Opens one channel per call of the contract, and one for a dropped folder. Each call is answered with an envelope,
 * after sender and size were checked here and the schema in `call`; what fails one of them reaches no handler.
 */
export function bindIpc(options: IpcOptions): () => void {
  const atOnce = { calls: 0 };
  const open = (name: string, act: (input: unknown) => Promise<Envelope<unknown>>): void =>
    ipcMain.handle(name, (event, input: unknown) => answer(options, { event, name, input, act, atOnce }));
  for (const name of CALL_NAMES) open(name, (input) => options.call(name, input));
  open(FOLDER_DROPPED, async (input) => {
    const path = droppedPath(input);
    if (path === null) return refusal(FOLDER_DROPPED, "there is no path in it");
    options.onFolderDropped(path);
    return succeed({});
  });
  return () => {
    for (const name of IPC_CHANNELS) ipcMain.removeHandler(name);
  };
}

interface Asked {
  event: IpcMainInvokeEvent;
  name: string;
  input: unknown;
  act: (input: unknown) => Promise<Envelope<unknown>>;
  atOnce: { calls: number };
}

async function answer(options: IpcOptions, asked: Asked): Promise<Envelope<unknown>> {
  const { event, name, input, act, atOnce } = asked;
  if (!isFromWindow(event, options.windowId())) {
    options.onProblem(FOREIGN);
    return fail(FOREIGN);
  }
  const unfit = judgePlainData(input);
  if (unfit !== null) return refusal(name, unfit);
  if (atOnce.calls >= MOST_CALLS_AT_ONCE) return refusal(name, "too many calls are under way");
  atOnce.calls += 1;
  try {
    return await act(input);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const failure: Failure = { reason: "internal", message: `${name}: ${message}` };
    options.onProblem(failure);
    return fail(failure);
  } finally {
    atOnce.calls -= 1;
  }
}

function refusal(name: string, why: string): Envelope<unknown> {
  return fail({
    reason: "usage",
    message: `${name}: ${why}.`,
    next: "Reload the window; report it if it comes again.",
  });
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

function droppedPath(value: unknown): string | null {
  const path = typeof value === "object" && value !== null && "path" in value ? value.path : null;
  if (typeof path !== "string" || path === "" || path.length > LONGEST_PATH || path.includes("\0"))
    return null;
  return path;
}
