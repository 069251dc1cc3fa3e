import type { BatchCard, Handlers } from "../../contract/api.ts";
import type { Failure } from "../../contract/failure.ts";
import { unfinished } from "../../contract/image.ts";
import { fail, succeed, type Result } from "../../contract/result.ts";
import type { Cards } from "./cards.ts";
import { findBatch, withBatch, writerOf, type HandlerContext } from "./context.ts";

type SteeringHandlers = Pick<Handlers, "batch:start" | "batch:pause" | "batch:try-now" | "batch:rescan">;

/** Starts the runner of a batch, which then watches its folder; a failure is kept and shown as a gate. */
export function startBatch(context: HandlerContext, batchId: number): Promise<Failure | null> {
  let pending = context.starting.get(batchId);
  if (pending === undefined) {
    pending = startOnce(context, batchId).finally(() => context.starting.delete(batchId));
    context.starting.set(batchId, pending);
  }
  return pending;
}

async function startOnce(context: HandlerContext, batchId: number): Promise<Failure | null> {
  const { startFailures, clock } = context;
  const engine = writerOf(context);
  const isWork = engine.runner(batchId) === null && !(await isFinished(context, batchId));
  const started = await engine.start(batchId, { watch: true });
  if (!started.ok) {
    const since = startFailures.get(batchId)?.since ?? clock.now();
    startFailures.set(batchId, { failure: started.failure, since });
  } else {
    startFailures.delete(batchId);
    // Watching a finished batch again is no start that a person would look for.
    if (isWork) {
      const folder = (await context.reader.call("getBatch", batchId))?.folder ?? "";
      const event = { batchId, kind: "run-started", detail: { folder } } as const;
      await engine.store.call("addEvent", { at: clock.now(), event });
    }
  }
  context.touched(batchId);
  return started.ok ? null : started.failure;
}

async function isFinished({ reader }: HandlerContext, batchId: number): Promise<boolean> {
  const { ledger } = await reader.call("ledgerOf", batchId);
  return ledger.seen > 0 && unfinished(ledger) === 0;
}

/** Batches that were started go on by themselves; a paused one only to collect what is paid for. */
export async function startAgain(context: HandlerContext): Promise<void> {
  for (const batch of await context.reader.call("listBatches", null)) {
    if (!batch.started) continue;
    const open = batch.paused ? (await context.reader.call("openRuns", batch.id)).length : 0;
    if (!batch.paused || open > 0) await startBatch(context, batch.id);
  }
}

/** Calls that set a batch going or hold it. */
export function steeringHandlers(context: HandlerContext, cards: Cards): SteeringHandlers {
  async function cardOf(batchId: number): Promise<Result<BatchCard>> {
    const batch = await findBatch(context, batchId);
    return batch.ok ? succeed(await cards.of(batch.value)) : batch;
  }

  return {
    "batch:start": ({ batchId }) =>
      withBatch(context, batchId, async () => {
        const engine = writerOf(context);
        const runner = engine.runner(batchId);
        if (runner === null) {
          await engine.store.call("setBatchFlags", { batchId, paused: false });
          const failure = await startBatch(context, batchId);
          if (failure !== null) return fail(failure);
        } else await runner.resume();
        context.touched(batchId);
        return cardOf(batchId);
      }),
    "batch:pause": ({ batchId }) =>
      withBatch(context, batchId, async () => {
        const engine = writerOf(context);
        // Another window may be starting it: what is only half there cannot be held.
        await context.starting.get(batchId);
        const runner = engine.runner(batchId);
        if (runner === null) await engine.store.call("setBatchFlags", { batchId, paused: true });
        else await runner.pause();
        context.touched(batchId);
        return cardOf(batchId);
      }),
    "batch:try-now": ({ batchId }) =>
      withBatch(context, batchId, async (batch) => {
        const runner = writerOf(context).runner(batchId);
        if (runner !== null) runner.tryNow();
        else if (batch.started && !batch.paused) await startBatch(context, batchId);
        return cardOf(batchId);
      }),
    "batch:rescan": ({ batchId }) =>
      withBatch(context, batchId, async () => {
        const runner = writerOf(context).runner(batchId);
        if (runner === null) return fail(NOT_STARTED);
        // A walk of a large folder takes minutes: the card tells that it goes on.
        void runner.rescan().catch((error: unknown) => {
          context.onProblem({ reason: "internal", message: String(error) });
        });
        context.touched(batchId);
        return succeed({});
      }),
  };
}

const NOT_STARTED: Failure = {
  reason: "usage",
  message: "This batch is not started, so its folder is not looked at yet.",
  next: "Start it: the folder is walked then.",
};
