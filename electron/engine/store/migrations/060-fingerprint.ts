const STEPS = `
-- What files are told apart by before they are read in full. Of rows that were read by an earlier version only the size
-- is known: they carry it as a negative number.
ALTER TABLE images ADD COLUMN fingerprint INTEGER;
UPDATE images SET fingerprint = -bytes WHERE sha256 IS NOT NULL;
CREATE INDEX imagesAlike ON images (batchId, fingerprint) WHERE fingerprint IS NOT NULL;
`;

/** Lets a file wait unread until it is sent, as long as nothing looks like it. */
export function addFingerprint(execute: (sql: string) => void): void {
  execute(STEPS);
}
