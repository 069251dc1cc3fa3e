import type { BatchCard, EventName, Events, ImageRow } from "../../contract/api.ts";
import type { StoredBatch } from "../store/batches.ts";
import type { ChangeMark } from "../store/changes.ts";
import type { Cards } from "./cards.ts";
import type { HandlerContext } from "./context.ts";
import { imageRowOf } from "./images.ts";
import { batchEventOf } from "./night.ts";

/** One event on its way to a window. */
export type FeedEvent = { [E in EventName]: { name: E; data: Events[E] } }[EventName];

/** Tells windows what changed, at most four times a second, from the first listener on. */
export interface Feed {
  on(listener: (event: FeedEvent) => void): () => void;
  /** Something about this batch changed. */
  touched(batchId: number): void;
  send(event: FeedEvent): void;
  stop(): Promise<void>;
}

const TICK_MS = 250;
/** Also without a hint: times go by, and another process may be writing. */
const LOOK_EVERY_TICKS = 4;
const MOST_ROWS = 200;
const MOST_EVENTS = 20;
/** Four a second, with cards and events beside them, stay below 100 KB/s however fast a night is. */
const MOST_ROW_CHARS = 16_000;

interface Known {
  card: string;
  mark: ChangeMark;
  /** Rows already told with the mark's own time. */
  told: Set<string>;
}

/** As many of the rows as one event may hold. */
function fitting(rows: readonly ImageRow[]): ImageRow[] {
  let chars = 0;
  const first = rows.findIndex((row) => (chars += JSON.stringify(row).length) > MOST_ROW_CHARS);
  return first === -1 ? [...rows] : rows.slice(0, first);
}

export function createFeed(context: HandlerContext, cards: Cards): Feed {
  const { reader, clock } = context;
  const listeners = new Set<(event: FeedEvent) => void>();
  const known = new Map<number, Known>();
  const dirty = new Set<number>();
  const stopping = new AbortController();
  let lastEvent: number | null = null;
  let loop: Promise<void> | null = null;

  function send(event: FeedEvent): void {
    for (const listener of [...listeners]) listener(event);
  }

  async function run(): Promise<void> {
    for (let tick = 0; !stopping.signal.aborted; tick += 1) {
      const everything = tick % LOOK_EVERY_TICKS === 0;
      if (everything || dirty.size > 0) await look(everything).catch(onError);
      await clock.sleep(TICK_MS, stopping.signal);
    }
  }

  function onError(error: unknown): void {
    if (stopping.signal.aborted) return;
    context.onProblem({
      reason: "internal",
      message: error instanceof Error ? error.message : String(error),
    });
  }

  async function look(everything: boolean): Promise<void> {
    const wanted = new Set(dirty);
    dirty.clear();
    const batches = await reader.call("listBatches", null);
    await tellEvents();
    const changed: BatchCard[] = [];
    for (const batch of batches) {
      if (!everything && !wanted.has(batch.id)) continue;
      const card = await lookAtBatch(batch);
      if (card !== null) changed.push(card);
    }
    if (changed.length > 0) send({ name: "batches:changed", data: { batches: changed } });
  }

  async function lookAtBatch(batch: StoredBatch): Promise<BatchCard | null> {
    const card = await cards.of(batch);
    const text = JSON.stringify(card);
    const before = known.get(batch.id);
    if (before === undefined) {
      const mark = await reader.call("changeMark", batch.id);
      known.set(batch.id, { card: text, mark, told: new Set() });
      // Who loaded the list a moment ago may have missed something.
      send({ name: "images:changed", data: { batchId: batch.id, rows: [], more: true } });
      return card;
    }
    const isSame = before.card === text;
    before.card = text;
    await tellImages(batch.id, before);
    return isSame ? null : card;
  }

  async function tellImages(batchId: number, state: Known): Promise<void> {
    const sinceAt = state.mark.updatedAt;
    const rows = await reader.call("changedImages", {
      batchId,
      sinceAt,
      limit: MOST_ROWS + 1 + state.told.size,
    });
    const fresh = rows.filter(
      (row) => !state.told.has(`${row.id} ${row.updatedAt} ${row.stage} ${row.current}`),
    );
    const last = rows.at(-1);
    if (fresh.length === 0 || last === undefined) return;
    const tooMany = fresh.length > MOST_ROWS;
    const structure = fresh.some((row) => row.current === 0 || row.id > state.mark.imageId);
    state.mark = tooMany
      ? await reader.call("changeMark", batchId)
      : { updatedAt: last.updatedAt, imageId: Math.max(state.mark.imageId, ...fresh.map((row) => row.id)) };
    const atMark = rows.filter((row) => row.updatedAt === state.mark.updatedAt);
    state.told = new Set(atMark.map((row) => `${row.id} ${row.updatedAt} ${row.stage} ${row.current}`));
    const current = tooMany ? [] : fresh.filter((row) => row.current === 1).map(imageRowOf);
    const told = fitting(current);
    const more = tooMany || structure || told.length < current.length;
    send({ name: "images:changed", data: { batchId, rows: told, more } });
  }

  async function tellEvents(): Promise<void> {
    const newest = await reader.call("lastEventId", null);
    const before = lastEvent;
    lastEvent = newest;
    if (before === null || newest <= before) return;
    const events = await reader.call("listEvents", {
      batchId: null,
      before: null,
      after: before,
      limit: MOST_EVENTS,
    });
    for (const event of events.reverse()) {
      if (event.batchId === null) continue;
      send({ name: "event:added", data: { batchId: event.batchId, event: batchEventOf(event) } });
    }
  }

  return {
    on(listener) {
      listeners.add(listener);
      loop ??= run();
      return () => listeners.delete(listener);
    },
    touched: (batchId) => void dirty.add(batchId),
    send,
    async stop() {
      stopping.abort();
      await loop;
      listeners.clear();
    },
  };
}
