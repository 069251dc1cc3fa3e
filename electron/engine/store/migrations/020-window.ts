const STEPS = `
CREATE TABLE appSettings (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  json TEXT NOT NULL
) STRICT;

-- What changed lately, for windows; also the order "by time" of the table of images.
CREATE INDEX imagesUpdated ON images (batchId, updatedAt);
-- The other orders of that table.
CREATE INDEX imagesBytes ON images (batchId, bytes) WHERE current = 1;
CREATE INDEX imagesDuration ON images (batchId, coalesce(durationMs, -1)) WHERE current = 1;
-- Throughput and run times of the last minutes.
CREATE INDEX runsFinished ON runs (batchId, finishedAt) WHERE state = 'DONE';
-- What a path was before.
CREATE INDEX imagesEarlier ON images (batchId, path) WHERE current = 0;
`;

/** Settings of the app, and the indexes that a window's lists and figures need. */
export function addWindow(execute: (sql: string) => void): void {
  execute(STEPS);
}
