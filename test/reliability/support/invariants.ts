import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { isBalanced } from "../../../electron/contract/image.ts";
import { unpackJson } from "../../../electron/engine/results/compress.ts";
import { ledgerOf } from "../../../electron/engine/store/batches.ts";
import { openReader, type Database } from "../../../electron/engine/store/database.ts";
import type { StoredOutput } from "../../../electron/engine/store/results.ts";
import type { StoredImage, StoredRun } from "../../../electron/engine/store/rows.ts";
import type { SimulatorStats } from "../../../electron/simulator/stats.ts";

/** A night that is over: what it left on disk and what its server counted. A rig is one. */
export interface Night {
  readonly dataFile: string;
  readonly resultsFolder: string;
  readonly simulator: { readonly control: { stats(): SimulatorStats } };
}

/** Looks into a data file, also beside its writer; the connection is closed when this returns. */
export function lookInto<T>(dataFile: string, look: (db: Database) => T): T {
  const opened = openReader(dataFile);
  if (!opened.ok) throw new Error(`The data file cannot be read: ${JSON.stringify(opened.failure)}`);
  try {
    return look(opened.value);
  } finally {
    opened.value.close();
  }
}

/** What is wrong with the ledger: its law, and each of its counters against the rows themselves. */
export function brokenLedger(db: Database): string[] {
  const broken: string[] = [];
  // One read transaction, so that a writer beside us changes nothing in between.
  db.sql("BEGIN").run();
  for (const { id } of db.sql("SELECT id FROM batches").all() as { id: number }[]) {
    const { ledger } = ledgerOf(db, id);
    if (!isBalanced(ledger)) broken.push(`The ledger does not balance: ${JSON.stringify(ledger)}`);
    const counted = db
      .sql(
        `SELECT name, sum(n) AS n FROM (
           SELECT stage AS name, 1 AS n FROM images WHERE batchId = @id AND current = 1
           UNION ALL SELECT 'seen', 1 FROM images WHERE batchId = @id AND current = 1
           UNION ALL SELECT name, -n FROM counters WHERE batchId = @id AND name <> 'runs'
         ) GROUP BY name HAVING sum(n) <> 0`,
      )
      .all({ id }) as { name: string; n: number }[];
    for (const { name, n } of counted) broken.push(`The counter ${name} is off by ${String(n)} rows`);
  }
  db.sql("COMMIT").run();
  return broken;
}

/** What SQLite finds wrong with the file; nothing when it is whole. */
export function brokenFile(db: Database): string[] {
  const found = db.sql("PRAGMA integrity_check(5)").all() as { integrity_check: string }[];
  return found.flatMap(({ integrity_check: said }) => (said === "ok" ? [] : [`integrity_check: ${said}`]));
}

/** What the data file tells of one path. */
interface Told {
  image: StoredImage;
  runs: StoredRun[];
  /** Events that explain another submission. */
  explained: number;
  results: number;
  output: StoredOutput | undefined;
}

const EXPLAIN = "('sent-again', 'outcome-held', 'result-lost', 'workflow-failed')";

function readTold(db: Database): Told[] {
  const images = db.sql("SELECT * FROM images WHERE current = 1 ORDER BY path").all() as StoredImage[];
  const count = (text: string, id: number): number => (db.sql(text).get(id) as { n: number }).n;
  return images.map((image) => ({
    image,
    runs: db.sql("SELECT * FROM runs WHERE imageId = ?").all(image.id) as StoredRun[],
    explained: count(`SELECT count(*) AS n FROM events WHERE imageId = ? AND kind IN ${EXPLAIN}`, image.id),
    results: count("SELECT count(*) AS n FROM results WHERE imageId = ?", image.id),
    output: db.sql("SELECT * FROM outputs WHERE id = ?").get(image.id * 1000) as StoredOutput | undefined,
  }));
}

interface Facts {
  sha256?: string;
}

/** The bytes that the recorded output tells of, SHA-256 in hex. */
function shaInDataFile(output: StoredOutput | undefined): string | null {
  if (output === undefined) return null;
  const raw = unpackJson({ encoding: output.encoding, data: output.json }) as { DATA_DICT?: Facts };
  return raw.DATA_DICT?.sha256 ?? null;
}

/** The bytes that the result file of a path tells of, SHA-256 in hex. */
export async function shaInResultFile(resultsFolder: string, path: string): Promise<string | null> {
  try {
    const text = await readFile(join(resultsFolder, `${path}.json`), "utf8");
    const { outputs } = JSON.parse(text) as { outputs?: { DATA_DICT?: Facts }[] };
    return outputs?.[0]?.DATA_DICT?.sha256 ?? null;
  } catch {
    return null;
  }
}

/** Three witnesses of one finished image: its result file, the data file, the server. */
async function brokenResult(
  night: Night,
  told: Told,
  sha256: string,
  stats: SimulatorStats,
): Promise<string[]> {
  const { path } = told.image;
  const broken: string[] = [];
  if ((await shaInResultFile(night.resultsFolder, path)) !== sha256)
    broken.push(`${path}: its result file is not of its bytes`);
  if (shaInDataFile(told.output) !== sha256) broken.push(`${path}: its recorded output is not of its bytes`);
  const done = told.runs.filter((run) => run.state === "DONE");
  if (done.length !== 1 || told.results !== 1)
    broken.push(
      `${path}: ${String(done.length)} runs and ${String(told.results)} results are recorded as its own`,
    );
  for (const run of done)
    if (stats.runs[run.uuid ?? ""]?.sha256 !== sha256)
      broken.push(`${path}: the server computed its run for other bytes`);
  return broken;
}

/** More submissions than recorded events explain, by the server's count and by ours. */
function brokenCounts({ image, runs, explained }: Told, sha256: string, stats: SimulatorStats): string[] {
  const allowed = 1 + explained;
  const accepted = stats.images[sha256]?.accepted ?? 0;
  const sent = runs.filter((run) => run.state !== "REJECTED").length;
  const counted = image.uncertain + image.lost + image.workflowErrors;
  const broken: string[] = [];
  if (accepted > allowed || sent > allowed)
    broken.push(
      `${image.path}: the server accepted ${String(accepted)} submissions, ${String(sent)} are in rows, ${String(explained)} more than one are explained by events`,
    );
  // A failure by a workflow error is an event too, but no further try follows it.
  if (counted > explained)
    broken.push(`${image.path}: ${String(counted)} counted, ${String(explained)} events`);
  return broken;
}

/**
 * What must hold whatever happened, once a night is over; each breach is a sentence. `written`: SHA-256 in hex of every
 * file by its path. The engine must be closed, so that the data file tells everything.
 */
export async function brokenInvariants(
  night: Night,
  written: ReadonlyMap<string, string>,
): Promise<string[]> {
  const broken = lookInto(night.dataFile, (db) => [...brokenFile(db), ...brokenLedger(db)]);
  const all = lookInto(night.dataFile, readTold);
  const stats = night.simulator.control.stats();
  if (stats.doubleGets > 0)
    broken.push(`${String(stats.doubleGets)} times one run was asked for twice at once`);
  if (all.length !== written.size)
    broken.push(`${String(all.length)} images are known, ${String(written.size)} were written`);
  for (const told of all) {
    const { path, stage, reason } = told.image;
    const sha256 = written.get(path) ?? "";
    if (stage === "DONE") broken.push(...(await brokenResult(night, told, sha256, stats)));
    else if (stage !== "FAILED" || reason === null)
      broken.push(
        `${path}: it ended as ${stage}, with ${reason ?? "no reason"}; its runs: ${told.runs.map(({ state }) => state).join(", ")}`,
      );
    broken.push(...brokenCounts(told, sha256, stats));
  }
  const known = new Set(all.flatMap(({ runs }) => runs.map((run) => run.uuid)));
  for (const [uuid, run] of Object.entries(stats.runs))
    if (run.gets > 0 && !known.has(uuid)) broken.push(`${uuid}: its result was asked for, but no row has it`);
  return broken;
}
