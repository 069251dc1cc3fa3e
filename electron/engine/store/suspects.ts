import { describeFailure } from "../../contract/describe-failure.ts";
import type { ImageFailure } from "../../contract/failure.ts";
import { afterCrash, isSuspect } from "../transitions.ts";
import type { Database } from "./database.ts";
import { addEvent } from "./events.ts";
import { imageById } from "./images.ts";
import type { StoredImage } from "./rows.ts";
import { shareFailure } from "./runs.ts";

/** Notes which files of a batch are read next, before they are opened, in place of those noted before. */
export function lookAt(db: Database, input: { batchId: number; imageIds: readonly number[] }): void {
  db.sql("DELETE FROM looking WHERE batchId = ?").run(input.batchId);
  for (const id of input.imageIds)
    db.sql("INSERT OR REPLACE INTO looking (imageId, batchId) VALUES (?, ?)").run(id, input.batchId);
}

/** Notes the one image that is in hand from now on. */
export function takeAlone(db: Database, input: { sessionId: number; imageId: number }): void {
  db.sql("UPDATE sessions SET aloneImageId = ? WHERE id = ?").run(input.imageId, input.sessionId);
}

/** The image that was in hand alone is out of hand, and did no harm. */
export function passAlone(db: Database, input: { sessionId: number; imageId: number }): void {
  db.sql("UPDATE sessions SET aloneImageId = NULL WHERE id = ?").run(input.sessionId);
  db.sql("UPDATE images SET suspected = 0, crashes = 0 WHERE id = ?").run(input.imageId);
}

/** The oldest suspect of a batch that waits to be read (SEEN) or sent, and is due; null = none. */
export function nextSuspect(
  db: Database,
  input: { batchId: number; wants: "reading" | "sending"; at: number },
): StoredImage | null {
  const stages = input.wants === "reading" ? ["SEEN", "SEEN"] : ["READY", "UNCERTAIN"];
  return (
    (db
      .sql(
        `SELECT * FROM images INDEXED BY imagesSuspect WHERE batchId = ? AND suspected >= 2 AND current = 1
         AND stage IN (?, ?) AND nextAt <= ? AND revisionId = (SELECT revisionId FROM batches WHERE id = ?)
         ORDER BY id LIMIT 1`,
      )
      .get(input.batchId, ...stages, input.at, input.batchId) as StoredImage | undefined) ?? null
  );
}

/** Images that the last session had in hand when it ended without a word. */
function inHand(db: Database, aloneImageId: number | null): StoredImage[] {
  if (aloneImageId !== null) {
    const alone = imageById(db, aloneImageId);
    return alone === null ? [] : [alone];
  }
  const flying = db
    .sql(
      `SELECT * FROM images INDEXED BY imagesFlying WHERE stage IN ('SENDING', 'SUBMITTED', 'RECEIVING', 'RECEIVED')
       AND stage IN ('SENDING', 'RECEIVED') AND current = 1`,
    )
    .all() as StoredImage[];
  const read = db
    .sql(
      "SELECT i.* FROM looking l JOIN images i ON i.id = l.imageId WHERE i.current = 1 AND i.stage = 'SEEN'",
    )
    .all() as StoredImage[];
  return [...flying, ...read];
}

/**
 * After a session that ended without a word on a machine that went on: suspects what it had in hand. Gives the images
 * that are to be set aside, each with why; `setAside` does that once their runs have been followed up.
 */
export function suspectInHand(
  db: Database,
  session: { aloneImageId: number | null },
  at: number,
): { imageId: number; failure: ImageFailure }[] {
  const wasAlone = session.aloneImageId !== null;
  const guilty: { imageId: number; failure: ImageFailure }[] = [];
  const suspects = new Map<number, number>();
  for (const image of inHand(db, session.aloneImageId)) {
    const { suspected, crashes, failure } = afterCrash(image, wasAlone);
    db.sql("UPDATE images SET suspected = ?, crashes = ? WHERE id = ?").run(suspected, crashes, image.id);
    if (failure !== null) guilty.push({ imageId: image.id, failure });
    else if (isSuspect({ suspected })) suspects.set(image.batchId, (suspects.get(image.batchId) ?? 0) + 1);
  }
  for (const [batchId, count] of suspects)
    addEvent(db, at, { batchId, kind: "suspects-wait", detail: { images: count } });
  return guilty;
}

/** The image that was tried alone ran out of submissions by that: what ended it is the death, not the unknown outcome. */
export function guiltyOfUnknown(
  db: Database,
  aloneImageId: number | null,
): { imageId: number; failure: ImageFailure }[] {
  const image = aloneImageId === null ? null : imageById(db, aloneImageId);
  if (image?.stage !== "FAILED" || image.reason !== "outcome-unknown") return [];
  return [
    { imageId: image.id, failure: { reason: "quarantined", crashes: image.suspected + image.crashes } },
  ];
}

/** Fails an image that killed the program; those with its bytes, which wait for it, fail with it. */
export function setAside(
  db: Database,
  { imageId, failure }: { imageId: number; failure: ImageFailure },
  at: number,
): void {
  const image = imageById(db, imageId);
  if (image?.current !== 1) return;
  // A suspect no longer: a retry begins anew.
  db.sql("UPDATE images SET suspected = 0, crashes = 0 WHERE id = ?").run(imageId);
  db.sql("UPDATE images SET stage = 'FAILED', reason = ?, failureJson = ?, updatedAt = ? WHERE id = ?").run(
    failure.reason,
    JSON.stringify(failure),
    at,
    imageId,
  );
  addEvent(db, at, {
    batchId: image.batchId,
    imageId,
    kind: "gave-up",
    detail: { sentence: describeFailure(failure).what },
  });
  shareFailure(db, imageId, at);
}
