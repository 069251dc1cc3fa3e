import type { EventKind } from "../../contract/event.ts";
import type { Database } from "./database.ts";
import type { NewEvent } from "./rows.ts";

/** Appends one event. */
export function addEvent<K extends EventKind>(db: Database, at: number, event: NewEvent<K>): void {
  db.sql("INSERT INTO events (at, batchId, imageId, runId, kind, detailJson) VALUES (?, ?, ?, ?, ?, ?)").run(
    at,
    event.batchId,
    event.imageId ?? null,
    event.runId ?? null,
    event.kind,
    JSON.stringify(event.detail),
  );
}

export interface StoredEvent {
  id: number;
  at: number;
  batchId: number | null;
  imageId: number | null;
  runId: number | null;
  kind: EventKind;
  detailJson: string;
  path: string | null;
}

export interface EventsQuery {
  batchId: number | null;
  /** Only events older than this id; null = from the newest. */
  before: number | null;
  /** Only events newer than this id; null = all. */
  after: number | null;
  limit: number;
}

/** Events of a batch (or of all), the newest first. */
export function listEvents(db: Database, query: EventsQuery): StoredEvent[] {
  return db
    .sql(
      `SELECT e.*, i.path AS path FROM events e LEFT JOIN images i ON i.id = e.imageId
       WHERE (? IS NULL OR e.batchId = ?) AND e.id < ? AND e.id > ? ORDER BY e.id DESC LIMIT ?`,
    )
    .all(
      query.batchId,
      query.batchId,
      query.before ?? Number.MAX_SAFE_INTEGER,
      query.after ?? 0,
      query.limit,
    ) as StoredEvent[];
}

/** Events newer than an id, the oldest first: for whoever follows. */
export function eventsAfter(db: Database, input: { afterId: number; limit: number }): StoredEvent[] {
  return db
    .sql(
      `SELECT e.*, i.path AS path FROM events e LEFT JOIN images i ON i.id = e.imageId
       WHERE e.id > ? ORDER BY e.id LIMIT ?`,
    )
    .all(input.afterId, input.limit) as StoredEvent[];
}
