import type { Failure } from "../../contract/failure.ts";
import type { ImageStage } from "../../contract/image.ts";
import type { Database } from "./database.ts";
import { pageOf, type PagePlace } from "./image-pages.ts";
import { MOST_OUTPUTS, outputsOf, type StoredOutput } from "./results.ts";
import type { Scope } from "./scope.ts";

/** An image as an export tells it, as far as the database can put it into words itself. */
export interface ImageForExport {
  id: number;
  path: string;
  /** Lower-case hex. */
  sha256: string | null;
  bytes: number;
  stage: ImageStage;
  reason: Failure["reason"] | null;
  filesJson: string | null;
  /** Its runs as JSON objects with commas between them. */
  runsJson: string;
  doneUuid: string | null;
  /** Its results likewise; null where some are packed: then `outputs` reads them. */
  outputsJson: string | null;
  outputs: () => StoredOutput[];
}

/** Milliseconds since 1970 as ISO 8601, quoted, or null. */
function isoTime(column: string): string {
  return `coalesce('"' || strftime('%Y-%m-%dT%H:%M:%fZ', ${column} / 1000.0, 'unixepoch') || '"', 'null')`;
}

const RUN = `'{"runId":' || json_quote(r.uuid) || ',"state":"' || r.state || '","submittedAt":' || ${isoTime("r.submittedAt")} ||
  ',"finishedAt":' || ${isoTime("r.finishedAt")} || ',"reason":' || json_quote(r.failureJson ->> 'reason') || '}'`;

const OWNER = "coalesce(i.leaderId, i.id)";

/**
 * Each value that crosses into JavaScript costs as much as several looks at the database: so few cross. Both lists come in
 * the order of the index that they are read from: that of the ids.
 */
const COLUMNS = `iif(i.sha256 IS NULL, NULL, lower(hex(i.sha256))), i.bytes, i.stage, i.reason, i.leaderId, i.filesJson,
  (SELECT coalesce(group_concat(${RUN}, ','), '') FROM runs r INDEXED BY runsImage WHERE r.imageId = ${OWNER}),
  iif(i.stage = 'DONE', (SELECT r.uuid FROM runs r INDEXED BY runsImage WHERE r.imageId = ${OWNER} AND r.state = 'DONE' ORDER BY r.id LIMIT 1), NULL),
  iif(i.stage = 'DONE', (SELECT iif(sum(o.encoding <> 'text') > 0, NULL, coalesce(group_concat(o.json, ','), ''))
    FROM outputs o WHERE o.id >= ${OWNER} * ${MOST_OUTPUTS} AND o.id < (${OWNER} + 1) * ${MOST_OUTPUTS}), '')`;

type Row = [
  path: string,
  id: number,
  sha256: string | null,
  bytes: number,
  stage: ImageStage,
  reason: Failure["reason"] | null,
  leaderId: number | null,
  filesJson: string | null,
  runsJson: string,
  doneUuid: string | null,
  outputsJson: string | null,
];

/** Images in the order of their paths, for an export. */
export function imagesForExport(
  db: Database,
  input: { scope: Scope; after: PagePlace | null; limit: number },
): ImageForExport[] {
  const rows = pageOf(db, { ...input, sort: "path", descending: false }, COLUMNS) as unknown as Row[];
  return rows.map((row) => {
    const [path, id, sha256, bytes, stage, reason, leaderId, filesJson, runsJson, doneUuid, outputsJson] =
      row;
    const about = { id, path, sha256, bytes, stage, reason, filesJson };
    return { ...about, runsJson, doneUuid, outputsJson, outputs: () => outputsOf(db, { id, leaderId }) };
  });
}
