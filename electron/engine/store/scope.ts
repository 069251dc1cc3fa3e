import type { Failure } from "../../contract/failure.ts";
import { IMAGE_STATES, stagesOf, type ImageStage, type ImageState } from "../../contract/image.ts";

/** Which images: a list, a count and an action always share one scope. All parts must hold. */
export interface Scope {
  batchId: number;
  states: readonly ImageState[];
  reason: Failure["reason"] | null;
  /** Part of the path; "" = all. */
  search: string;
  label: string | null;
  imageIds: readonly number[] | null;
}

/** Nothing but states narrows it: the counters of the stages tell how many it holds. */
export function isCounted({ reason, search, label, imageIds }: Scope): boolean {
  return reason === null && search === "" && label === null && imageIds === null;
}

/** Rows that a person chose are found by their ids: any index would lead past all the others of the batch. */
export const BY_ID = "NOT INDEXED";

interface Where {
  sql: string;
  values: unknown[];
}

/** `%` and `_` in a search are meant as they stand. */
function likePattern(search: string): string {
  return `%${search.replace(/[\\%_]/g, (c) => `\\${c}`)}%`;
}

/** The condition on `images i`; `stages` = those of the scope, or some of them. */
export function scopeWhere(
  scope: Scope,
  stages: readonly ImageStage[] = scope.states.flatMap(stagesOf),
): Where {
  const parts = ["i.batchId = ?", "i.current = 1"];
  const values: unknown[] = [scope.batchId];
  if (scope.states.length < IMAGE_STATES.length) {
    parts.push(stages.length === 1 ? "i.stage = ?" : `i.stage IN (${stages.map(() => "?").join(", ")})`);
    values.push(...stages);
  }
  if (scope.reason !== null) {
    parts.push("i.reason = ?");
    values.push(scope.reason);
  }
  if (scope.search !== "") {
    parts.push("i.path LIKE ? ESCAPE '\\'");
    values.push(likePattern(scope.search));
  }
  if (scope.label !== null) {
    parts.push(
      "EXISTS (SELECT 1 FROM labels l WHERE l.batchId = i.batchId AND l.label = ? AND l.imageId = i.id)",
    );
    values.push(scope.label);
  }
  if (scope.imageIds !== null) {
    parts.push("i.id IN (SELECT value FROM json_each(?))");
    values.push(JSON.stringify(scope.imageIds));
  }
  return { sql: parts.join(" AND "), values };
}
