const STEPS = `
-- Whether rows of another revision are left, without a look at the others.
CREATE INDEX imagesRevision ON images (batchId, revisionId) WHERE current = 1;
-- The newest runs of a batch.
CREATE INDEX runsBatch ON runs (batchId);
-- imagesEarlier is the same.
DROP INDEX imagesPath;
`;

/** What a batch of a million images needs so that nothing looks at all of them. */
export function addMillion(execute: (sql: string) => void): void {
  execute(STEPS);
}
