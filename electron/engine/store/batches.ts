import { createHash } from "node:crypto";
import { canonicalDecision, type BatchSettings, type ResultDecision } from "../../contract/batch.ts";
import type { ImageStage, Ledger } from "../../contract/image.ts";
import { stateOf } from "../../contract/image.ts";
import type { Database } from "./database.ts";
import { addEvent } from "./events.ts";

export interface StoredBatch {
  id: number;
  name: string;
  folder: string;
  rootId: string | null;
  settings: BatchSettings;
  revisionId: number;
  /** 1, 2, ... within the batch. */
  revision: number;
  paused: boolean;
  started: boolean;
  createdAt: number;
}

interface BatchRow {
  id: number;
  name: string;
  folder: string;
  rootId: string | null;
  settingsJson: string;
  revisionId: number;
  revision: number;
  paused: number;
  started: number;
  createdAt: number;
}

function fromRow(row: BatchRow): StoredBatch {
  const { settingsJson, paused, started, ...rest } = row;
  return {
    ...rest,
    settings: JSON.parse(settingsJson) as BatchSettings,
    paused: paused === 1,
    started: started === 1,
  };
}

const SELECT = `SELECT b.id, b.name, b.folder, b.rootId, b.settingsJson, b.revisionId, r.number AS revision, b.paused, b.started, b.createdAt
  FROM batches b JOIN revisions r ON r.id = b.revisionId WHERE b.removedAt IS NULL`;

export function listBatches(db: Database): StoredBatch[] {
  return (db.sql(`${SELECT} ORDER BY b.id`).all() as BatchRow[]).map(fromRow);
}

export function getBatch(db: Database, batchId: number): StoredBatch | null {
  const row = db.sql(`${SELECT} AND b.id = ?`).get(batchId) as BatchRow | undefined;
  return row === undefined ? null : fromRow(row);
}

/** The hash that names a settings revision (`canonicalDecision`). */
export function revisionHash(decision: ResultDecision): string {
  return createHash("sha256").update(canonicalDecision(decision)).digest("hex");
}

function deploymentId(db: Database, address: string): number {
  db.sql("INSERT INTO deployments (address) VALUES (?) ON CONFLICT (address) DO NOTHING").run(address);
  return (db.sql("SELECT id FROM deployments WHERE address = ?").get(address) as { id: number }).id;
}

function revisionFor(db: Database, batchId: number, decision: ResultDecision, at: number): number {
  const hash = revisionHash(decision);
  const known = db.sql("SELECT id FROM revisions WHERE batchId = ? AND hash = ?").get(batchId, hash) as
    { id: number } | undefined;
  if (known !== undefined) return known.id;
  const last = db.sql("SELECT max(number) AS n FROM revisions WHERE batchId = ?").get(batchId) as {
    n: number | null;
  };
  const made = db
    .sql(
      "INSERT INTO revisions (batchId, number, hash, deploymentId, decisionJson, createdAt) VALUES (?, ?, ?, ?, ?, ?)",
    )
    .run(
      batchId,
      (last.n ?? 0) + 1,
      hash,
      deploymentId(db, decision.deployment),
      JSON.stringify(decision),
      at,
    );
  return Number(made.lastInsertRowid);
}

export interface SaveBatch {
  /** null makes a new batch. */
  batchId: number | null;
  settings: BatchSettings;
  at: number;
}

/** Makes or changes a batch; a change of the decision selects or makes another revision, it never edits one. */
export function saveBatch(
  db: Database,
  { batchId, settings, at }: SaveBatch,
): { batch: StoredBatch; revised: boolean } {
  const before = batchId === null ? null : getBatch(db, batchId);
  const id =
    before?.id ??
    Number(
      db
        .sql("INSERT INTO batches (name, folder, settingsJson, createdAt) VALUES (?, ?, ?, ?)")
        .run(settings.name, settings.intake.folder, JSON.stringify(settings), at).lastInsertRowid,
    );
  const revisionId = revisionFor(db, id, settings.decision, at);
  // Another folder has another identity: it is learnt when it is walked.
  db.sql(
    `UPDATE batches SET name = ?, rootId = iif(folder = ?, rootId, NULL), folder = ?, settingsJson = ?, revisionId = ?
     WHERE id = ?`,
  ).run(
    settings.name,
    settings.intake.folder,
    settings.intake.folder,
    JSON.stringify(settings),
    revisionId,
    id,
  );
  const batch = getBatch(db, id);
  if (batch === null) throw new Error(`Internal error: batch ${id} vanished while it was saved`);
  const revised = before !== null && before.revisionId !== revisionId;
  if (revised) {
    const images = (
      db
        .sql(
          "SELECT count(*) AS n FROM images WHERE batchId = ? AND current = 1 AND stage NOT IN ('SKIPPED', 'MISSING')",
        )
        .get(id) as {
        n: number;
      }
    ).n;
    addEvent(db, at, { batchId: id, kind: "settings-changed", detail: { revision: batch.revision, images } });
  }
  return { batch, revised };
}

export interface BatchFlags {
  batchId: number;
  paused?: boolean;
  started?: boolean;
  rootId?: string;
  removedAt?: number;
}

export function setBatchFlags(db: Database, flags: BatchFlags): void {
  db.sql(
    `UPDATE batches SET paused = coalesce(?, paused), started = coalesce(?, started),
     rootId = coalesce(?, rootId), removedAt = coalesce(?, removedAt) WHERE id = ?`,
  ).run(
    flags.paused === undefined ? null : Number(flags.paused),
    flags.started === undefined ? null : Number(flags.started),
    flags.rootId ?? null,
    flags.removedAt ?? null,
    flags.batchId,
  );
}

export function revisionDecision(db: Database, revisionId: number): ResultDecision {
  const row = db.sql("SELECT decisionJson FROM revisions WHERE id = ?").get(revisionId) as
    { decisionJson: string } | undefined;
  if (row === undefined) throw new Error(`Internal error: there is no revision ${revisionId}`);
  return JSON.parse(row.decisionJson) as ResultDecision;
}

/** The number of an image's settings revision, and that of the last other result at its path (its own when there is none). */
export function revisionsOf(db: Database, imageId: number): { revision: number; earlierRevision: number } {
  const own = db
    .sql(
      "SELECT r.number AS revision, i.batchId, i.path FROM images i JOIN revisions r ON r.id = i.revisionId WHERE i.id = ?",
    )
    .get(imageId) as { revision: number; batchId: number; path: string } | undefined;
  if (own === undefined) throw new Error(`Internal error: there is no image ${imageId}`);
  const earlier = db
    .sql(
      `SELECT r.number AS revision FROM images i INDEXED BY imagesEarlier JOIN revisions r ON r.id = i.revisionId
       WHERE i.batchId = ? AND i.path = ? AND i.current = 0 AND i.id <> ? AND i.stage = 'DONE' ORDER BY i.updatedAt DESC, i.id DESC LIMIT 1`,
    )
    .get(own.batchId, own.path, imageId) as { revision: number } | undefined;
  return { revision: own.revision, earlierRevision: earlier?.revision ?? own.revision };
}

export interface RevisionInfo {
  id: number;
  revision: number;
  createdAt: number;
}

export function listRevisions(db: Database, batchId: number): RevisionInfo[] {
  return db
    .sql("SELECT id, number AS revision, createdAt FROM revisions WHERE batchId = ? ORDER BY number")
    .all(batchId) as RevisionInfo[];
}

/** The last known workflow of a deployment: no answer keeps it, another one is reported by the caller. */
export function saveWorkflow(
  db: Database,
  input: { address: string; hash: string; json: string; at: number },
): { before: string | null } {
  const id = deploymentId(db, input.address);
  const before = (
    db.sql("SELECT workflowHash AS h FROM deployments WHERE id = ?").get(id) as { h: string | null }
  ).h;
  db.sql("UPDATE deployments SET workflowHash = ?, workflowJson = ?, workflowAt = ? WHERE id = ?").run(
    input.hash,
    input.json,
    input.at,
    id,
  );
  return { before };
}

/** The last known workflow of a deployment, as it was saved. */
export function lastWorkflow(db: Database, address: string): { hash: string; json: string } | null {
  const row = db
    .sql(
      "SELECT workflowHash AS hash, workflowJson AS json FROM deployments WHERE address = ? AND workflowHash IS NOT NULL",
    )
    .get(address) as { hash: string; json: string } | undefined;
  return row ?? null;
}

/** The ledger from the counters, and how many runs were ever made (cleanly refused ones not counted). */
export function ledgerOf(db: Database, batchId: number): { ledger: Ledger; runs: number } {
  const ledger: Ledger = {
    seen: 0,
    waiting: 0,
    inFlight: 0,
    uncertain: 0,
    done: 0,
    failed: 0,
    skipped: 0,
    missing: 0,
  };
  let runs = 0;
  for (const { name, n } of db.sql("SELECT name, n FROM counters WHERE batchId = ?").all(batchId) as {
    name: string;
    n: number;
  }[]) {
    if (name === "runs") runs = n;
    else if (name === "seen") ledger.seen = n;
    else {
      const state = stateOf(name as ImageStage);
      ledger[state === "in-flight" ? "inFlight" : state] += n;
    }
  }
  return { ledger, runs };
}
