import { describeFailure } from "../contract/describe-failure.ts";
import type { Failure } from "../contract/failure.ts";
import type { Gate } from "../contract/gate.ts";
import { stateOf, type ImageState } from "../contract/image.ts";
import { sha256Hex } from "../engine/intake/identity.ts";
import type { StoredImage } from "../engine/store/rows.ts";
import type { Store } from "../engine/store/store.ts";
import type { Console } from "./console.ts";
import { gateSentence } from "./explain.ts";

const ENDED: readonly ImageState[] = ["done", "failed", "skipped", "missing"];
const PAGE = 500;

/** What `run --json` writes: one object a line, each with `event` and `at` (ISO 8601, UTC). */
export interface RunEvents {
  tell(event: string, detail: object): void;
  /** Writes the closed gates, when they are others than before. */
  gates(closed: readonly Gate[]): void;
  /** Writes those of these images that have come to their end. */
  images(imageIds: readonly number[]): Promise<void>;
  /** Writes what ended since the start and was not told yet: what the walk alone decides. */
  rest(): Promise<void>;
}

/** Writes the events of one run; `startedAt`: wall clock, milliseconds. */
export function createRunEvents(
  console: Console,
  store: Store,
  batchId: number,
  startedAt: number,
): RunEvents {
  let gatesTold = "";
  /** When the image had changed as it was last told: a retried one is told again. */
  const told = new Map<number, number>();
  const events: RunEvents = {
    tell: (event, detail) => console.data(JSON.stringify({ event, ...detail, at: new Date().toISOString() })),
    gates(closed) {
      const key = closed.map((gate) => gate.kind).join();
      if (key === gatesTold) return;
      gatesTold = key;
      events.tell("gates", {
        closed: closed.map((gate) => ({ gate: gate.kind, sentence: gateSentence(gate) })),
      });
    },
    async images(imageIds) {
      for (const id of imageIds) {
        const image = await store.call("imageById", id);
        if (image !== null) tellImage(image);
      }
    },
    async rest() {
      const scope = { batchId, states: ENDED, reason: null, search: "", label: null, imageIds: null };
      let after: { value: string; id: number } | null = null;
      do {
        const rows: StoredImage[] = await store.call("pageImages", {
          scope,
          sort: "path",
          descending: false,
          after,
          limit: PAGE,
        });
        for (const row of rows) if (row.updatedAt >= startedAt) tellImage(row);
        const last = rows.at(-1);
        after = rows.length < PAGE || last === undefined ? null : { value: last.path, id: last.id };
      } while (after !== null);
    },
  };

  function tellImage(image: StoredImage): void {
    const state = stateOf(image.stage);
    if (image.current !== 1 || !ENDED.includes(state) || told.get(image.id) === image.updatedAt) return;
    told.set(image.id, image.updatedAt);
    const failure = image.failureJson === null ? null : (JSON.parse(image.failureJson) as Failure);
    console.data(
      JSON.stringify({
        event: "image",
        path: image.path,
        sha256: image.sha256 === null ? null : sha256Hex(image.sha256),
        state,
        reason: image.reason,
        sentence: failure === null ? null : describeFailure(failure).what,
        summary: image.summary,
        at: new Date(image.updatedAt).toISOString(),
      }),
    );
  }

  return events;
}
