const TABLES = `
CREATE TABLE sessions (
  id INTEGER PRIMARY KEY,
  startedAt INTEGER NOT NULL,
  bootId TEXT NOT NULL,
  endedAt INTEGER,                 -- NULL = running, or ended without a word
  cleanExit INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE deployments (
  id INTEGER PRIMARY KEY,
  address TEXT NOT NULL UNIQUE,    -- canonical URL, or the word simulator
  workflowHash TEXT,               -- the last known
  workflowJson TEXT,
  workflowAt INTEGER
) STRICT;

CREATE TABLE batches (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  folder TEXT NOT NULL,
  rootId TEXT,                     -- device and inode of the folder: another disk at the same path is noticed
  settingsJson TEXT NOT NULL,
  revisionId INTEGER,
  paused INTEGER NOT NULL DEFAULT 0,
  started INTEGER NOT NULL DEFAULT 0,
  createdAt INTEGER NOT NULL,
  removedAt INTEGER
) STRICT;

CREATE TABLE revisions (
  id INTEGER PRIMARY KEY,
  batchId INTEGER NOT NULL REFERENCES batches(id) ON DELETE CASCADE,
  number INTEGER NOT NULL,         -- 1, 2, ... within the batch
  hash TEXT NOT NULL,
  deploymentId INTEGER NOT NULL REFERENCES deployments(id),
  decisionJson TEXT NOT NULL,
  createdAt INTEGER NOT NULL,
  UNIQUE (batchId, hash)
) STRICT;

CREATE TABLE images (
  id INTEGER PRIMARY KEY,
  batchId INTEGER NOT NULL,
  revisionId INTEGER NOT NULL,
  path TEXT NOT NULL,              -- relative, "/" between names
  current INTEGER NOT NULL DEFAULT 1,
  history TEXT,                    -- why it is no longer current
  stage TEXT NOT NULL,
  reason TEXT,
  failureJson TEXT,
  bytes INTEGER NOT NULL,
  mtimeUs INTEGER NOT NULL,
  fileId TEXT NOT NULL,            -- device:inode
  seenMono INTEGER NOT NULL,       -- monotonic milliseconds of the observation
  sha256 BLOB,
  width INTEGER,                   -- upright
  height INTEGER,
  leaderId INTEGER,                -- whose result this one shares
  uncertain INTEGER NOT NULL DEFAULT 0,
  lost INTEGER NOT NULL DEFAULT 0,
  workflowErrors INTEGER NOT NULL DEFAULT 0,
  nextAt INTEGER NOT NULL DEFAULT 0,
  summary TEXT,
  filesJson TEXT,                  -- names of the result files where they are not the usual ones
  durationMs INTEGER,
  updatedAt INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX imagesCurrent ON images (batchId, path) WHERE current = 1;
CREATE INDEX imagesPath ON images (batchId, path) WHERE current = 0;
CREATE INDEX imagesContent ON images (batchId, sha256) WHERE sha256 IS NOT NULL;
CREATE INDEX imagesClaim ON images (batchId, nextAt, id) WHERE current = 1 AND stage IN ('READY', 'UNCERTAIN');
CREATE INDEX imagesSeen ON images (batchId, seenMono, id) WHERE current = 1 AND stage = 'SEEN';
CREATE INDEX imagesFile ON images (batchId, fileId) WHERE current = 1;
CREATE INDEX imagesFlying ON images (batchId, id) WHERE stage IN ('SENDING', 'SUBMITTED', 'RECEIVING', 'RECEIVED');
CREATE INDEX imagesStage ON images (batchId, stage, path) WHERE current = 1;
CREATE INDEX imagesFollowing ON images (leaderId) WHERE leaderId IS NOT NULL;

CREATE TABLE runs (
  id INTEGER PRIMARY KEY,
  imageId INTEGER NOT NULL,
  batchId INTEGER NOT NULL,
  sessionId INTEGER NOT NULL,
  state TEXT NOT NULL,
  uuid TEXT,
  intentAt INTEGER NOT NULL,
  startMono INTEGER NOT NULL,      -- monotonic milliseconds of the boot of its session
  submittedAt INTEGER,
  finishedAt INTEGER,
  suspect INTEGER NOT NULL DEFAULT 0,
  note TEXT,
  failureJson TEXT,
  workflowHash TEXT
) STRICT;
CREATE UNIQUE INDEX runsUuid ON runs (uuid) WHERE uuid IS NOT NULL;
CREATE INDEX runsImage ON runs (imageId);
CREATE INDEX runsOpen ON runs (batchId, id) WHERE state IN ('INTENT', 'SUBMITTED', 'RECEIVING', 'RECEIVED');
CREATE INDEX runsStart ON runs (batchId, intentAt);

CREATE TABLE results (
  imageId INTEGER PRIMARY KEY,     -- at most one result ever: the exactly-once guarantee
  runId INTEGER NOT NULL,
  receivedAt INTEGER NOT NULL,
  bodyBytes INTEGER NOT NULL,
  bodySha256 BLOB NOT NULL
) STRICT;

CREATE TABLE outputs (
  id INTEGER PRIMARY KEY,          -- imageId * 1000 + position
  taskName TEXT NOT NULL,
  taskIndex INTEGER NOT NULL,
  outputIndex INTEGER NOT NULL,
  type TEXT NOT NULL,
  encoding TEXT NOT NULL,          -- text or deflate
  json ANY NOT NULL,               -- the raw result object, pictures replaced by {"file": suffix}
  summaryJson TEXT NOT NULL
) STRICT;

CREATE TABLE labels (
  batchId INTEGER NOT NULL,
  label TEXT NOT NULL,
  imageId INTEGER NOT NULL,
  objects INTEGER NOT NULL,
  PRIMARY KEY (batchId, label, imageId)
) STRICT, WITHOUT ROWID;
CREATE INDEX labelsImage ON labels (imageId);

CREATE TABLE events (
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  batchId INTEGER,
  imageId INTEGER,
  runId INTEGER,
  kind TEXT NOT NULL,
  detailJson TEXT
) STRICT;
CREATE INDEX eventsBatch ON events (batchId, id);
CREATE INDEX eventsImage ON events (imageId) WHERE imageId IS NOT NULL;

CREATE TABLE counters (
  batchId INTEGER NOT NULL,
  name TEXT NOT NULL,              -- a stage (current rows only), or runs
  n INTEGER NOT NULL,
  PRIMARY KEY (batchId, name)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER imagesInserted AFTER INSERT ON images WHEN new.current = 1 BEGIN
  INSERT INTO counters (batchId, name, n) VALUES (new.batchId, 'seen', 1), (new.batchId, new.stage, 1)
    ON CONFLICT (batchId, name) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER imagesMoved AFTER UPDATE OF stage ON images WHEN old.current = 1 AND new.current = 1 AND old.stage IS NOT new.stage BEGIN
  UPDATE counters SET n = n - 1 WHERE batchId = old.batchId AND name = old.stage;
  INSERT INTO counters (batchId, name, n) VALUES (new.batchId, new.stage, 1)
    ON CONFLICT (batchId, name) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER imagesRetired AFTER UPDATE OF current ON images WHEN old.current = 1 AND new.current = 0 BEGIN
  UPDATE counters SET n = n - 1 WHERE batchId = old.batchId AND name IN ('seen', old.stage);
END;
CREATE TRIGGER imagesReinstated AFTER UPDATE OF current ON images WHEN old.current = 0 AND new.current = 1 BEGIN
  INSERT INTO counters (batchId, name, n) VALUES (new.batchId, 'seen', 1), (new.batchId, new.stage, 1)
    ON CONFLICT (batchId, name) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER imagesDeleted AFTER DELETE ON images WHEN old.current = 1 BEGIN
  UPDATE counters SET n = n - 1 WHERE batchId = old.batchId AND name IN ('seen', old.stage);
END;
CREATE TRIGGER runsInserted AFTER INSERT ON runs BEGIN
  INSERT INTO counters (batchId, name, n) VALUES (new.batchId, 'runs', 1)
    ON CONFLICT (batchId, name) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER runsRejected AFTER UPDATE OF state ON runs WHEN new.state = 'REJECTED' AND old.state <> 'REJECTED' BEGIN
  UPDATE counters SET n = n - 1 WHERE batchId = new.batchId AND name = 'runs';
END;
`;

/** The first data file. */
export function createTables(execute: (sql: string) => void): void {
  execute(TABLES);
}
