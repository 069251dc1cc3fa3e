import { parentPort, workerData } from "node:worker_threads";
import type { SetupFailure } from "../../contract/failure.ts";
import type { Result } from "../../contract/result.ts";
import { lockDataFile, openReader, openWriter, type Database, type DatabaseLock } from "./database.ts";
import { OPERATIONS, type OperationName } from "./operations.ts";

/** One call as it crosses to the thread. */
export interface StoreCall {
  name: OperationName;
  input: unknown;
}

export interface StoreRequest {
  id: number;
  /** Run in one transaction: all are committed before any is answered. */
  calls: StoreCall[];
  close?: boolean;
  backupTo?: string;
  checkpoint?: boolean;
}

export type StoreAnswer = { ok: true; value: unknown } | { ok: false; message: string; code: string | null };

export interface StoreReply {
  id: number;
  /** `failed`: nothing of the batch was committed, and it may be tried again. */
  failed: { code: string; message: string } | null;
  answers: StoreAnswer[];
}

export interface StoreWorkerData {
  file: string;
  mode: "write" | "read";
}

const port = parentPort;
if (port === null) throw new Error("Internal error: the store's worker was started outside a worker thread");
const { file, mode } = workerData as StoreWorkerData;

let lock: DatabaseLock | null = null;

function open(): Result<Database, SetupFailure> {
  if (mode === "read") return openReader(file);
  const locked = lockDataFile(file);
  if (!locked.ok) return locked;
  lock = locked.value;
  const opened = openWriter(file);
  if (!opened.ok) lock.release();
  return opened;
}

function codeOf(error: unknown): string | null {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : null;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** A full or broken disk concerns the whole commit; a broken call only itself. */
function concernsAll(code: string | null): boolean {
  return code !== null && /^SQLITE_(FULL|IOERR|BUSY|READONLY|CANTOPEN|NOMEM)/.test(code);
}

function runOne(db: Database, call: StoreCall): StoreAnswer {
  const operation = OPERATIONS[call.name] as (db: Database, input: unknown) => unknown;
  try {
    const value = mode === "write" ? db.nested(() => operation(db, call.input)) : operation(db, call.input);
    return { ok: true, value };
  } catch (error) {
    if (concernsAll(codeOf(error))) throw error;
    return { ok: false, message: messageOf(error), code: codeOf(error) };
  }
}

function run(db: Database, request: StoreRequest): StoreReply {
  try {
    const work = (): StoreAnswer[] => request.calls.map((call) => runOne(db, call));
    return { id: request.id, failed: null, answers: mode === "write" ? db.transaction(work) : work() };
  } catch (error) {
    return {
      id: request.id,
      failed: { code: codeOf(error) ?? "unknown", message: messageOf(error) },
      answers: [],
    };
  }
}

function checkpoint(db: Database): void {
  try {
    db.checkpoint();
  } catch {
    // A full disk: what was committed stays in the write-ahead file, and SQLite tries again by itself.
  }
}

const opened = open();
port.postMessage(opened.ok ? { ok: true } : opened);
if (opened.ok) {
  const db = opened.value;
  port.on("message", (request: StoreRequest) => {
    if (request.backupTo !== undefined) {
      db.backup(request.backupTo).then(
        () => port.postMessage({ id: request.id, failed: null, answers: [] } satisfies StoreReply),
        (error: unknown) =>
          port.postMessage({
            id: request.id,
            failed: { code: codeOf(error) ?? "unknown", message: messageOf(error) },
            answers: [],
          }),
      );
      return;
    }
    port.postMessage(run(db, request));
    if (request.checkpoint === true) checkpoint(db);
    if (request.close === true) {
      db.close();
      lock?.release();
      port.close();
    }
  });
} else {
  port.close();
}
