import { IMAGE_STATES, stagesOf, type ImageStage, type ImageState } from "../../contract/image.ts";
import type { Database } from "./database.ts";
import { imageById } from "./images.ts";
import type { StoredImage } from "./rows.ts";
import { BY_ID, isCounted, scopeWhere, type Scope } from "./scope.ts";

/** What each order is read from, and the index that holds it. */
const ORDERS = {
  path: { column: "i.path", index: "imagesCurrent" },
  updated: { column: "i.updatedAt", index: "imagesUpdated" },
  bytes: { column: "i.bytes", index: "imagesBytes" },
  duration: { column: "coalesce(i.durationMs, -1)", index: "imagesDuration" },
} as const;

/** So many rows are sorted in a moment; of more, enough are met soon in the order of all images. */
const SORTED_AT_ONCE = 20_000;

/** The sort value and id of a row. */
export interface PagePlace {
  value: string | number;
  id: number;
}

export interface PageQuery {
  scope: Scope;
  sort: keyof typeof ORDERS;
  descending: boolean;
  /** The sort value and id of the last row before; null = from the start. */
  after: PagePlace | null;
  /** Rows left out behind that. @default 0 */
  skip?: number;
  limit: number;
}

/** One page of images: by key it costs the same everywhere; `skip` costs a look at the index for each row left out. */
export function pageImages(db: Database, query: PageQuery): StoredImage[] {
  const { skip = 0, limit } = query;
  const total = query.after === null && skip > 0 ? knownTotal(db, query.scope) : null;
  if (total === null || skip <= total / 2) return rowsOf(db, query);
  // Nearer from the other end.
  const wanted = Math.min(limit, total - skip);
  if (wanted <= 0) return [];
  const mirrored = { ...query, descending: !query.descending, skip: total - skip - wanted, limit: wanted };
  return rowsOf(db, mirrored).reverse();
}

/** The ids are found in an index alone; only the rows of the page itself are read. */
function rowsOf(db: Database, query: PageQuery): StoredImage[] {
  return pageOf(db, query)
    .map((row) => imageById(db, row[1]))
    .filter((image) => image !== null);
}

/** The sort value, the id and other columns of `images i` of each row of a page, in its order. */
export function pageOf(
  db: Database,
  query: PageQuery,
  columns = "",
): [value: string | number, id: number, ...unknown[]][] {
  if (query.scope.states.length === 0) return [];
  const others = columns === "" ? "" : `, ${columns}`;
  const [compare, order] = query.descending ? ["<", "DESC"] : [">", "ASC"];
  const { column } = ORDERS[query.sort];
  const values: unknown[] = [];
  const arms = armsOf(db, query).map(({ hint, stages }) => {
    const where = scopeWhere(query.scope, stages);
    values.push(...where.values);
    // The first comparison says nothing new, but only a plain one leads into the index of an expression.
    const after =
      query.after === null ? "" : ` AND ${column} ${compare}= ? AND (${column}, i.id) ${compare} (?, ?)`;
    if (query.after !== null) values.push(query.after.value, query.after.value, query.after.id);
    return `SELECT ${column} AS key, i.id AS id${others} FROM images i ${hint} WHERE ${where.sql}${after}`;
  });
  return db
    .sql(`${arms.join(" UNION ALL ")} ORDER BY key ${order}, id ${order} LIMIT ? OFFSET ?`)
    .raw()
    .all(...values, query.limit, query.skip ?? 0) as [string | number, number, ...unknown[]][];
}

interface Arm {
  hint: string;
  stages: readonly ImageStage[];
}

/** From which indexes a page is read; several in the same order are merged. */
function armsOf(db: Database, { scope, sort }: PageQuery): Arm[] {
  const stages = scope.states.flatMap(stagesOf);
  if (scope.imageIds !== null) return [{ hint: BY_ID, stages }];
  const { index } = ORDERS[sort];
  if (isEveryState(scope.states)) return [{ hint: `INDEXED BY ${index}`, stages }];
  const byStage = "INDEXED BY imagesStage";
  if (sort === "path") return stages.map((stage) => ({ hint: byStage, stages: [stage] }));
  const isFew = countOf(db, scope.batchId, stages) <= SORTED_AT_ONCE;
  return [{ hint: isFew ? byStage : `INDEXED BY ${index}`, stages }];
}

function isEveryState(states: readonly ImageState[]): boolean {
  return states.length === IMAGE_STATES.length;
}

/** Images in these stages, from the counters. */
function countOf(db: Database, batchId: number, stages: readonly ImageStage[]): number {
  const row = db
    .sql("SELECT sum(n) AS n FROM counters WHERE batchId = ? AND name IN (SELECT value FROM json_each(?))")
    .get(batchId, JSON.stringify(stages)) as { n: number | null };
  return row.n ?? 0;
}

/** How many rows a scope has where the counters tell it; null where only the rows do. */
function knownTotal(db: Database, scope: Scope): number | null {
  return isCounted(scope) ? countOf(db, scope.batchId, scope.states.flatMap(stagesOf)) : null;
}
