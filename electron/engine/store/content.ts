import type { Database } from "./database.ts";
import { imageById, isSame, type SeenFile } from "./images.ts";
import type { StoredImage } from "./rows.ts";

/** So many rows of equal bytes are looked at: a folder may hold a hundred thousand black frames. */
const MOST_EQUAL = 20;

/**
 * Rows whose files may have the bytes of this one, of any revision, the first few in the order of their ids. What was never
 * read in full and is no file of the batch any more, or is yet to be settled, has nothing to share and is left out.
 */
export function alikeRows(db: Database, row: StoredImage, fingerprint: number): StoredImage[] {
  const known = db.sql(
    `SELECT * FROM images INDEXED BY imagesAlike WHERE batchId = ? AND fingerprint = ? AND id <> ?
     AND (sha256 IS NOT NULL OR (current = 1 AND stage <> 'SEEN')) ORDER BY id LIMIT ?`,
  );
  // Rows of an earlier version carry only their size.
  return [fingerprint, -row.bytes].flatMap(
    (print) => known.all(row.batchId, print, row.id, MOST_EQUAL) as StoredImage[],
  );
}

/**
 * Known rows with these bytes under this revision, in the order of their ids: the first current ones, the first of
 * history, and those whose result they share, because a leader that is done comes before all who wait for it.
 */
export function sameContent(db: Database, row: StoredImage, sha: Buffer): StoredImage[] {
  const firstOf = (current: 0 | 1): StoredImage[] =>
    db
      .sql(
        "SELECT * FROM images INDEXED BY imagesContent WHERE batchId = ? AND sha256 = ? AND revisionId = ? AND current = ? AND id <> ? ORDER BY id LIMIT ?",
      )
      .all(row.batchId, sha, row.revisionId, current, row.id, MOST_EQUAL) as StoredImage[];
  const known = new Map([...firstOf(1), ...firstOf(0)].map((image) => [image.id, image]));
  for (const { leaderId } of [...known.values()]) {
    const leader = leaderId === null || known.has(leaderId) ? null : imageById(db, leaderId);
    if (leader !== null) known.set(leader.id, leader);
  }
  return [...known.values()].sort((a, b) => a.id - b.id);
}

/** The row of these very bytes at this path, when something else lay there meanwhile. */
export function supersededAt(db: Database, row: StoredImage, sha: Buffer): StoredImage | undefined {
  return db
    .sql(
      `SELECT * FROM images INDEXED BY imagesEarlier WHERE batchId = ? AND path = ? AND current = 0 AND history = 'superseded'
       AND sha256 = ? AND revisionId = ? AND id <> ? ORDER BY id DESC LIMIT 1`,
    )
    .get(row.batchId, row.path, sha, row.revisionId, row.id) as StoredImage | undefined;
}

/** The hash of a file that was not read in full before; what is known already stays. */
export function learnHash(
  db: Database,
  input: { imageId: number; file: SeenFile; sha256: Uint8Array },
): void {
  const row = imageById(db, input.imageId);
  if (row === null || row.sha256 !== null || !isSame(row, input.file)) return;
  db.sql("UPDATE images SET sha256 = ? WHERE id = ?").run(Buffer.from(input.sha256), row.id);
}
