import { createHash } from "node:crypto";
import type { SetupFailure } from "../contract/failure.ts";
import { fail, succeed, type Result } from "../contract/result.ts";
import type { Clock } from "./clock.ts";
import type { Spool } from "./results/spool.ts";
import { StoreError, type Store } from "./store/store.ts";

const UNKNOWN_RETRY_MS = 5000;

/** A session of the program that has begun: earlier ones are followed up. */
export interface BegunSession {
  sessionId: number;
  /** Earlier sessions ended again and again without a word. */
  isStorm: boolean;
}

export interface BeginOptions {
  store: Store;
  spool: Spool;
  clock: Clock;
  boot: string;
  dataFile: string;
}

/** Begins a session; a data file whose rows cannot even be taken up is refused like one that a check finds damaged. */
export async function beginSession(options: BeginOptions): Promise<Result<BegunSession, SetupFailure>> {
  try {
    return succeed(await begin(options));
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    return fail({ reason: "data-file-damaged", file: options.dataFile, detail: error.message });
  }
}

async function begin({ store, spool, clock, boot }: BeginOptions): Promise<BegunSession> {
  const batches = await store.call("listBatches", null);
  const retryUnknownAt = new Map(
    batches.map((batch) => [
      batch.id,
      batch.settings.limits.onUncertain === "resubmit" ? clock.now() + UNKNOWN_RETRY_MS : null,
    ]),
  );
  const spooled = await findSpooled(spool);
  return store.call("beginSession", { bootId: boot, at: clock.now(), retryUnknownAt, spooled });
}

async function findSpooled(
  spool: Spool,
): Promise<Map<number, { bodyBytes: number; bodySha256: Uint8Array }>> {
  const found = new Map<number, { bodyBytes: number; bodySha256: Uint8Array }>();
  for (const runId of await spool.runIds()) {
    if (!(await spool.isComplete(runId))) continue;
    const body = await spool.read(runId);
    found.set(runId, { bodyBytes: body.length, bodySha256: createHash("sha256").update(body).digest() });
  }
  return found;
}
