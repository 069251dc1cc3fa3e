import type { Failure } from "../../contract/failure.ts";
import { IMAGE_STATES, stateOf, type ImageStage, type ImageState } from "../../contract/image.ts";
import type { Database } from "./database.ts";
import { addEvent } from "./events.ts";
import { pageImages } from "./image-pages.ts";
import { imageById } from "./images.ts";
import { outputsOf, type StoredOutput } from "./results.ts";
import type { StoredImage, StoredRun } from "./rows.ts";
import { BY_ID, isCounted, scopeWhere, type Scope } from "./scope.ts";

function byStageOrId(scope: Scope): string {
  return scope.imageIds === null ? "INDEXED BY imagesStage" : BY_ID;
}

/** Counts by state within a scope; the ledger's own counters are used where the scope is a whole batch. */
export function countImages(db: Database, scope: Scope): Record<ImageState, number> {
  const where = scopeWhere(scope);
  const rows = db
    .sql(
      `SELECT i.stage, count(*) AS n FROM images i ${byStageOrId(scope)} WHERE ${where.sql} GROUP BY i.stage`,
    )
    .all(...where.values) as {
    stage: ImageStage;
    n: number;
  }[];
  const counts = Object.fromEntries(IMAGE_STATES.map((s) => [s, 0])) as Record<ImageState, number>;
  for (const { stage, n } of rows) counts[stateOf(stage)] += n;
  return counts;
}

/** Counts by stage of a whole batch, from the counters: costs the same for any number of images. */
export function stageCounts(db: Database, batchId: number): Partial<Record<ImageStage, number>> {
  const rows = db
    .sql("SELECT name, n FROM counters WHERE batchId = ? AND name NOT IN ('seen', 'runs')")
    .all(batchId) as { name: ImageStage; n: number }[];
  return Object.fromEntries(rows.map(({ name, n }) => [name, n]));
}

/** Labels found in results of a scope (its own label left aside), the most frequent first. */
export function countLabelsWithin(
  db: Database,
  input: { scope: Scope; limit: number },
): { label: string; images: number }[] {
  const { scope } = input;
  if (isCounted({ ...scope, label: null }) && scope.states.length === IMAGE_STATES.length)
    return countCurrentLabels(db, { batchId: scope.batchId, limit: input.limit });
  const where = scopeWhere({ ...input.scope, label: null });
  return db
    .sql(
      `SELECT l.label, count(*) AS images FROM images i JOIN labels l ON l.imageId = i.id WHERE ${where.sql}
       GROUP BY l.label ORDER BY images DESC, l.label LIMIT ?`,
    )
    .all(...where.values, input.limit) as { label: string; images: number }[];
}

/** Images whose run is outstanding or whose result is being taken in, the oldest run first. */
export function flyingImages(
  db: Database,
  input: { batchId: number; limit: number },
): { image: StoredImage; run: StoredRun | null }[] {
  const images = db
    .sql(
      `SELECT * FROM images INDEXED BY imagesFlying WHERE batchId = ? AND stage IN ('SENDING', 'SUBMITTED', 'RECEIVING', 'RECEIVED')
       ORDER BY id LIMIT ?`,
    )
    .all(input.batchId, input.limit) as StoredImage[];
  return images.map((image) => {
    const run = db.sql("SELECT * FROM runs WHERE imageId = ? ORDER BY id DESC LIMIT 1").get(runOwner(image));
    return { image, run: (run as StoredRun | undefined) ?? null };
  });
}

/** Other rows of the same path: earlier revisions and earlier contents, the newest first. */
export function earlierRows(
  db: Database,
  image: { id: number; batchId: number; path: string },
): StoredImage[] {
  return db
    .sql(
      `SELECT * FROM images INDEXED BY imagesEarlier WHERE batchId = ? AND path = ? AND id <> ? AND current = 0
       AND stage IN ('DONE', 'FAILED') ORDER BY id DESC LIMIT 50`,
    )
    .all(image.batchId, image.path, image.id) as StoredImage[];
}

/** How many images ended under each revision of a batch. */
export function imagesByRevision(db: Database, batchId: number): { revisionId: number; images: number }[] {
  // Two passes: grouping over both at once would sort every image.
  return db
    .sql(
      `SELECT revisionId, sum(n) AS images FROM (
         SELECT revisionId, count(*) AS n FROM images INDEXED BY imagesRevision WHERE batchId = @batchId AND current = 1 GROUP BY revisionId
         UNION ALL
         SELECT revisionId, count(*) AS n FROM images INDEXED BY imagesEarlier WHERE batchId = @batchId AND current = 0 GROUP BY revisionId)
       GROUP BY revisionId`,
    )
    .all({ batchId }) as { revisionId: number; images: number }[];
}

/** Those of history are taken off again: they are few, and only they need a look at their images. */
function countCurrentLabels(
  db: Database,
  input: { batchId: number; limit: number },
): { label: string; images: number }[] {
  return db
    .sql(
      `SELECT label, sum(n) AS images FROM (
         SELECT label, count(*) AS n FROM labels WHERE batchId = @batchId GROUP BY label
         UNION ALL
         SELECT l.label, -count(*) AS n FROM images i INDEXED BY imagesEarlier CROSS JOIN labels l ON l.imageId = i.id
           WHERE i.batchId = @batchId AND i.current = 0 GROUP BY l.label)
       GROUP BY label HAVING sum(n) > 0 ORDER BY images DESC, label LIMIT @limit`,
    )
    .all(input) as { label: string; images: number }[];
}

export function countLabels(
  db: Database,
  input: { batchId: number; limit: number },
): { label: string; images: number }[] {
  return db
    .sql(
      "SELECT label, count(*) AS images FROM labels WHERE batchId = ? GROUP BY label ORDER BY images DESC, label LIMIT ?",
    )
    .all(input.batchId, input.limit) as { label: string; images: number }[];
}

/** Runs of one image, the oldest first. */
export function runsOf(db: Database, imageId: number): StoredRun[] {
  return db.sql("SELECT * FROM runs WHERE imageId = ? ORDER BY id").all(imageId) as StoredRun[];
}

export interface RunListing extends StoredRun {
  path: string;
}

/** Runs of a batch in the order they were made, in pages by id. */
export function pageRuns(
  db: Database,
  input: { batchId: number; afterId: number; limit: number },
): RunListing[] {
  return db
    .sql(
      "SELECT r.*, i.path FROM runs r JOIN images i ON i.id = r.imageId WHERE r.batchId = ? AND r.id > ? ORDER BY r.id LIMIT ?",
    )
    .all(input.batchId, input.afterId, input.limit) as RunListing[];
}

export interface ExportRow {
  image: StoredImage;
  runs: StoredRun[];
  outputs: StoredOutput[];
}

/** Images with their runs and outputs, in path order, in pages by path. */
export function exportPage(
  db: Database,
  input: { scope: Scope; after: { value: string; id: number } | null; limit: number },
): ExportRow[] {
  const images = pageImages(db, { ...input, sort: "path", descending: false });
  return images.map((image) => ({
    image,
    runs: runsOf(db, runOwner(image)),
    outputs: image.stage === "DONE" ? outputsOf(db, image) : [],
  }));
}

/** Runs belong to the leader where a result is shared. */
export function runOwner(image: StoredImage): number {
  return image.leaderId ?? image.id;
}

export interface GroupRow {
  stage: ImageStage;
  reason: Failure["reason"];
  count: number;
  sampleIds: number[];
}

/** Images with a reason, grouped by it, the largest group first, with up to three samples each. */
export function groupFailures(db: Database, batchId: number): GroupRow[] {
  const groups = db
    .sql(
      `SELECT stage, reason, count(*) AS count FROM images INDEXED BY imagesStage WHERE batchId = ? AND current = 1 AND stage IN ('FAILED', 'SKIPPED', 'MISSING', 'UNCERTAIN')
       AND reason IS NOT NULL GROUP BY stage, reason ORDER BY count DESC`,
    )
    .all(batchId) as Omit<GroupRow, "sampleIds">[];
  return groups.map((group) => ({
    ...group,
    sampleIds: (
      db
        .sql(
          "SELECT id FROM images INDEXED BY imagesStage WHERE batchId = ? AND current = 1 AND stage = ? AND reason = ? ORDER BY path LIMIT 3",
        )
        .all(batchId, group.stage, group.reason) as { id: number }[]
    ).map((row) => row.id),
  }));
}

const RETRYABLE: readonly ImageStage[] = ["FAILED", "UNCERTAIN"];

function retryTargets(db: Database, scope: Scope): StoredImage[] {
  const where = scopeWhere(scope);
  return db
    .sql(
      `SELECT i.* FROM images i ${byStageOrId(scope)} WHERE ${where.sql} AND i.stage IN ('FAILED', 'UNCERTAIN') ORDER BY i.id`,
    )
    .all(...where.values) as StoredImage[];
}

function hasSafeResult(db: Database, image: StoredImage): boolean {
  return (
    (image.reason === "cannot-write-output" && image.leaderId !== null) ||
    ((image.reason === "cannot-write-output" || image.reason === "quarantined") &&
      db.sql("SELECT 1 FROM runs WHERE imageId = ? AND state = 'RECEIVED'").get(image.id) !== undefined)
  );
}

/** How many images a retry takes and how many new runs that is: shared results and safe ones need none of their own. */
export function countRetry(db: Database, scope: Scope): { images: number; runs: number } {
  const targets = retryTargets(db, scope);
  const leaders = new Set<number>();
  for (const image of targets) if (!hasSafeResult(db, image)) leaders.add(image.leaderId ?? image.id);
  return { images: targets.length, runs: leaders.size };
}

/** Marks failed and uncertain images of a scope as waiting, with a fresh budget. */
export function retryImages(
  db: Database,
  input: { scope: Scope; at: number; mono: number },
): { images: number; runs: number } {
  const count = countRetry(db, input.scope);
  for (const target of retryTargets(db, input.scope)) retryOne(db, target.id, input);
  if (count.images > 0) {
    addEvent(db, input.at, {
      batchId: input.scope.batchId,
      kind: "retry-asked",
      detail: { images: count.images },
    });
  }
  return count;
}

function retryOne(db: Database, imageId: number, input: { at: number; mono: number }): void {
  const image = imageById(db, imageId);
  if (image?.current !== 1 || !RETRYABLE.includes(image.stage)) return;
  const leader = image.leaderId === null ? null : imageById(db, image.leaderId);
  if (hasSafeResult(db, image)) setStage(db, image.id, "RECEIVED", input);
  else if (leader?.current === 1 && leader.stage === "FAILED") {
    retryOne(db, leader.id, input);
    setStage(db, image.id, "FOLLOWING", input);
  } else if (leader !== null && leader.current === 1 && leader.stage !== "DONE")
    setStage(db, image.id, "FOLLOWING", input);
  else if (image.fingerprint === null) setStage(db, image.id, "SEEN", input);
  else {
    db.sql("UPDATE images SET leaderId = NULL WHERE id = ?").run(image.id);
    setStage(db, image.id, "READY", input);
  }
}

function setStage(
  db: Database,
  imageId: number,
  stage: ImageStage,
  { at, mono }: { at: number; mono: number },
): void {
  db.sql(
    `UPDATE images SET stage = ?, reason = NULL, failureJson = NULL, uncertain = 0, lost = 0, workflowErrors = 0, nextAt = 0, suspected = 0, crashes = 0,
     seenMono = ?, updatedAt = ? WHERE id = ?`,
  ).run(stage, Math.round(mono), at, imageId);
}
