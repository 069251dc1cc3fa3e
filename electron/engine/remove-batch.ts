import type { BatchRunner } from "./batch-runner.ts";
import type { Clock } from "./clock.ts";
import type { Spool } from "./results/spool.ts";
import type { Store } from "./store/store.ts";

/** What is paid for and just arriving is still taken in for this long. */
const COLLECT_MS = 2000;
/** Rows deleted in one commit: other batches go on in between. */
const PAGE = 500;

interface Parts {
  store: Store;
  spool: Spool;
  clock: Clock;
}

/**
 * Stops a batch, hides it at once, and deletes its rows piece by piece. What a crash leaves is deleted by
 * `purgeRemoved` at the next start. The results folder is not touched.
 */
export async function removeBatch(
  { store, spool, clock }: Parts,
  batchId: number,
  runner: BatchRunner | null,
): Promise<void> {
  await runner?.stop(COLLECT_MS);
  const open = await store.call("openRuns", batchId);
  await store.call("setBatchFlags", { batchId, removedAt: clock.now() });
  for (const run of open) await spool.remove(run.id);
  await purge(store, batchId);
}

/** Deletes what is left of batches that were removed. */
export async function purgeRemoved(store: Store): Promise<void> {
  for (const batchId of await store.call("removedBatches", null)) await purge(store, batchId);
}

async function purge(store: Store, batchId: number): Promise<void> {
  while (!(await store.call("purgeBatch", { batchId, limit: PAGE }))) {
    // One page after the other.
  }
}
