import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
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

interface SpooledBody {
  bodyBytes: number;
  bodySha256: Uint8Array;
}

async function findSpooled(spool: Spool): Promise<Map<number, SpooledBody>> {
  const found = new Map<number, SpooledBody>();
  for (const runId of await spool.runIds())
    if (await spool.isComplete(runId)) found.set(runId, await measure(spool.pathOf(runId)));
  return found;
}

/** In pieces: an answer may be as large as the spool takes. */
async function measure(file: string): Promise<SpooledBody> {
  const hash = createHash("sha256");
  let bodyBytes = 0;
  for await (const piece of createReadStream(file) as AsyncIterable<Buffer>) {
    hash.update(piece);
    bodyBytes += piece.length;
  }
  return { bodyBytes, bodySha256: hash.digest() };
}
