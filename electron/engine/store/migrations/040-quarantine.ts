const STEPS = `
-- Sessions that ended without a word while this image was in hand among others (2 = it is tried alone from now on),
-- and while it was in hand alone.
ALTER TABLE images ADD COLUMN suspected INTEGER NOT NULL DEFAULT 0;
ALTER TABLE images ADD COLUMN crashes INTEGER NOT NULL DEFAULT 0;
CREATE INDEX imagesSuspect ON images (batchId, id) WHERE suspected >= 2;
-- The one image that this session has in hand, while it is tried alone.
ALTER TABLE sessions ADD COLUMN aloneImageId INTEGER;
-- Files that are being read to be taken in: of the others their stage tells.
CREATE TABLE looking (
  imageId INTEGER PRIMARY KEY,
  batchId INTEGER NOT NULL
) STRICT;
`;

/** What tells which image the program was working on when it died. */
export function addQuarantine(execute: (sql: string) => void): void {
  execute(STEPS);
}
