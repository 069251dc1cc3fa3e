import type { Handlers, ImageRow, ImageScope, ImageSort, RetryCount } from "../../contract/api.ts";
import type { Failure } from "../../contract/failure.ts";
import { IMAGE_STATES, stateOf, type ImageState, type ImageStage } from "../../contract/image.ts";
import { fail, succeed, type Result } from "../../contract/result.ts";
import type { StoredImage } from "../store/rows.ts";
import { withBatch, writerOf, type HandlerContext } from "./context.ts";
import { readPlace, writePlace, type PagePlace } from "./page-place.ts";

type ImageHandlers = Pick<
  Handlers,
  "images:page" | "images:counts" | "images:retry-preview" | "images:retry" | "batch:failures"
>;

const MOST_LABELS = 100;

/** A row of the table of images. */
export function imageRowOf(image: StoredImage): ImageRow {
  const { id, batchId, path, stage, reason, bytes, summary, durationMs, updatedAt } = image;
  return {
    id,
    batchId,
    path,
    state: stateOf(stage),
    stage,
    reason,
    bytes,
    summary,
    durationMs,
    updatedAt,
  };
}

export function failureOf(image: StoredImage): Failure | null {
  return image.failureJson === null ? null : (JSON.parse(image.failureJson) as Failure);
}

function sortValue(image: StoredImage, sort: ImageSort): string | number {
  switch (sort) {
    case "path":
      return image.path;
    case "updated":
      return image.updatedAt;
    case "bytes":
      return image.bytes;
    case "duration":
      return image.durationMs ?? -1;
  }
}

function isWholeBatch(scope: ImageScope): boolean {
  const { states, reason, search, label, imageIds } = scope;
  const all = states.length === 0 || states.length === IMAGE_STATES.length;
  return all && reason === null && search === "" && label === null && imageIds === null;
}

/** A window that chose no state means all of them. */
function scopeOf(scope: ImageScope): ImageScope {
  return scope.states.length === 0 ? { ...scope, states: [...IMAGE_STATES] } : scope;
}

/** Calls about many images: list, counts and actions share one scope. */
export function imageHandlers(context: HandlerContext): ImageHandlers {
  const { reader, counter, clock } = context;

  async function countsOf(scope: ImageScope): Promise<Record<ImageState, number>> {
    if (!isWholeBatch(scope)) return counter.call("countImages", scope);
    const counts = Object.fromEntries(IMAGE_STATES.map((s) => [s, 0])) as Record<ImageState, number>;
    const stages = await reader.call("stageCounts", scope.batchId);
    for (const [stage, n] of Object.entries(stages)) counts[stateOf(stage as ImageStage)] += n;
    return counts;
  }

  return {
    "images:page": (query) =>
      withBatch(context, query.scope.batchId, async () => {
        const { sort, descending, skip = 0, limit } = query;
        let after: PagePlace | null = null;
        if (query.after !== null) {
          after = readPlace(query.after, sort);
          if (after === null) return fail(BAD_PLACE);
        }
        const scope = scopeOf(query.scope);
        const rows = await reader.call("pageImages", { scope, sort, descending, after, skip, limit });
        const last = rows.length < limit ? undefined : rows.at(-1);
        const next =
          last === undefined ? null : writePlace({ value: sortValue(last, sort), id: last.id }, sort);
        return succeed({ rows: rows.map(imageRowOf), next });
      }),
    "images:counts": ({ scope }) =>
      withBatch(context, scope.batchId, async () => {
        const wanted = scopeOf(scope);
        const [byState, labels] = await Promise.all([
          countsOf(wanted),
          counter.call("countLabelsWithin", { scope: wanted, limit: MOST_LABELS }),
        ]);
        const total = IMAGE_STATES.reduce((sum, state) => sum + byState[state], 0);
        return succeed({ total, byState, labels });
      }),
    "images:retry-preview": ({ scope }) =>
      withBatch(context, scope.batchId, async (): Promise<Result<RetryCount>> => {
        return succeed(await counter.call("countRetry", scopeOf(scope)));
      }),
    "images:retry": ({ scope }) =>
      withBatch(context, scope.batchId, async () => {
        const engine = writerOf(context);
        const count = await engine.store.call("retryImages", {
          scope: scopeOf(scope),
          at: clock.now(),
          mono: clock.mono(),
        });
        engine.runner(scope.batchId)?.poke();
        context.touched(scope.batchId);
        return succeed(count);
      }),
    "batch:failures": ({ batchId }) =>
      withBatch(context, batchId, async () => {
        const groups = await counter.call("groupFailures", batchId);
        return succeed({ groups: (await Promise.all(groups.map(groupOf))).filter((g) => g !== null) });
      }),
  };

  async function groupOf(group: {
    stage: ImageStage;
    reason: Failure["reason"];
    count: number;
    sampleIds: number[];
  }) {
    const samples = await Promise.all(group.sampleIds.map((id) => reader.call("imageById", id)));
    const images = samples.filter((image) => image !== null);
    const failure = images.map(failureOf).find((found) => found !== null);
    if (failure === undefined) return null;
    return {
      reason: group.reason,
      state: stateOf(group.stage),
      failure,
      count: group.count,
      samples: images.map((image) => ({ imageId: image.id, path: image.path })),
      retryable: group.stage === "FAILED" || group.stage === "UNCERTAIN",
    };
  }
}

const BAD_PLACE: Failure = {
  reason: "usage",
  message: "The place in the list is not one of Nightrun's.",
  next: "Reload the list.",
};
