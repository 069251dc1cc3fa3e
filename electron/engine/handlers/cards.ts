import type { BatchActivity, BatchCard, Spread } from "../../contract/api.ts";
import type { Gate } from "../../contract/gate.ts";
import { unfinished, type Ledger } from "../../contract/image.ts";
import type { BatchRunner } from "../batch-runner.ts";
import type { StoredBatch } from "../store/batches.ts";
import type { HandlerContext } from "./context.ts";
import { lastPause, openGates } from "./gate-bands.ts";
import { paceFrom, PACE_SLICES, SLICE_MS, spreadOf, type Slice } from "./pace.ts";

/** Makes the cards of batches; what costs more than a counter is kept for a moment. */
export interface Cards {
  of(batch: StoredBatch): Promise<BatchCard>;
  byId(batchId: number): Promise<BatchCard | null>;
  all(): Promise<BatchCard[]>;
}

const FIGURES_KEPT_MS = 2000;
const TIMES = 200;

interface Figures {
  atMono: number;
  sinceAt: number;
  slices: Slice[];
  runTime: Spread | null;
  /** What the recorded events tell of gates, where no runner of this process does. */
  recorded: { gates: Gate[]; pausedAt: number | null };
}

export function createCards(context: HandlerContext): Cards {
  const { reader, clock } = context;
  const kept = new Map<number, Figures>();

  async function figuresOf({ id: batchId, started }: StoredBatch): Promise<Figures> {
    const known = kept.get(batchId);
    if (known !== undefined && clock.mono() - known.atMono < FIGURES_KEPT_MS) return known;
    const sinceAt = clock.now() - PACE_SLICES * SLICE_MS;
    const isOurs = !started || (context.engine?.runner(batchId) ?? null) !== null;
    const [slices, times, events] = await Promise.all([
      reader.call("paceOf", { batchId, sinceAt, sliceMs: SLICE_MS }),
      reader.call("recentRunTimes", { batchId, limit: TIMES }),
      isOurs ? [] : reader.call("gateEvents", batchId),
    ]);
    const recorded = { gates: openGates(events), pausedAt: lastPause(events) };
    const figures = { atMono: clock.mono(), sinceAt, slices, runTime: spreadOf(times), recorded };
    kept.set(batchId, figures);
    return figures;
  }

  function gatesOf(batch: StoredBatch, runner: BatchRunner | null, { recorded }: Figures): Gate[] {
    if (runner !== null) return runner.gates();
    const gates: Gate[] = [];
    const failed = context.startFailures.get(batch.id);
    if (failed !== undefined)
      gates.push({ kind: "unreachable", since: failed.since, failure: failed.failure, nextTryAt: null });
    if (context.engine === null && batch.started && !batch.paused) gates.push(...recorded.gates);
    const since = recorded.pausedAt ?? batch.createdAt;
    if (batch.paused) gates.push({ kind: "paused", since, failure: null, nextTryAt: null });
    return gates;
  }

  async function cardOf(batch: StoredBatch): Promise<BatchCard> {
    const runner = context.engine?.runner(batch.id) ?? null;
    const [{ ledger, runs }, stages, figures] = await Promise.all([
      reader.call("ledgerOf", batch.id),
      reader.call("stageCounts", batch.id),
      figuresOf(batch),
    ]);
    const gates = gatesOf(batch, runner, figures);
    const activity = activityOf(batch, ledger);
    const moving = activity === "running" && gates.length === 0;
    // Images that wait for another one's result need no run of their own.
    const left = unfinished(ledger) - (stages.FOLLOWING ?? 0);
    const pace = paceFrom({ ...figures, now: clock.now(), left });
    return {
      id: batch.id,
      name: batch.name,
      folder: batch.folder,
      deployment: batch.settings.decision.deployment,
      resultsFolder: batch.settings.results.resultsFolder,
      activity,
      gates,
      ledger,
      runs,
      endsAt: moving ? pace.endsAt : null,
      imagesPerMinute: activity === "running" ? pace.imagesPerMinute : null,
      runTime: figures.runTime,
      walking: runner?.walking ?? false,
      revision: batch.revision,
    };
  }

  return {
    of: cardOf,
    async byId(batchId) {
      const batch = await reader.call("getBatch", batchId);
      return batch === null ? null : cardOf(batch);
    },
    async all() {
      const batches = await reader.call("listBatches", null);
      return Promise.all(batches.map(cardOf));
    },
  };
}

function activityOf(batch: StoredBatch, ledger: Ledger): BatchActivity {
  if (!batch.started) return "idle";
  if (batch.paused) return "paused";
  return ledger.seen > 0 && unfinished(ledger) === 0 ? "finished" : "running";
}
