import BetterSqlite3 from "better-sqlite3";
import { chmodSync, closeSync, existsSync, openSync, readFileSync, readSync, statSync } from "node:fs";
import type { SetupFailure } from "../../contract/failure.ts";
import { fail, succeed, type Result } from "../../contract/result.ts";
import { LATEST_VERSION, MIGRATIONS } from "./migrations/migrations.ts";

export type Statement = BetterSqlite3.Statement<unknown[]>;

/** One connection with its prepared statements: each SQL text is prepared once. */
export interface Database {
  sql(text: string): Statement;
  /** Runs `work` in one immediate transaction, or as part of the one that is open. */
  transaction<T>(work: () => T): T;
  /** Runs `work` so that its failure undoes only itself inside the open transaction. */
  nested<T>(work: () => T): T;
  readonly file: string;
  /** Copies the database while it is in use (SQLite's backup API). */
  backup(target: string): Promise<void>;
  /** Moves what was committed into the file itself, as far as nobody reads it there. */
  checkpoint(): void;
  close(): void;
}

export interface DatabaseLock {
  release(): void;
}

function wrap(connection: BetterSqlite3.Database, file: string): Database {
  const statements = new Map<string, Statement>();
  const sql = (text: string): Statement => {
    let statement = statements.get(text);
    if (statement === undefined) {
      statement = connection.prepare(text);
      statements.set(text, statement);
    }
    return statement;
  };
  return {
    sql,
    file,
    transaction: (work) => connection.transaction(work).immediate(),
    nested: (work) => connection.transaction(work)(),
    backup: async (target) => void (await connection.backup(target)),
    checkpoint: () => void connection.pragma("wal_checkpoint(PASSIVE)"),
    close: () => connection.close(),
  };
}

/** WAL with `synchronous=FULL`: what was acknowledged survives a power cut (NORMAL, the compiled default, loses commits). */
function configure(connection: BetterSqlite3.Database): void {
  // While a file is made it has a rollback journal. Its end must be durable: come back after a power cut, it would
  // undo all that was written since.
  connection.pragma("synchronous = EXTRA");
  connection.pragma("journal_mode = WAL");
  connection.pragma("synchronous = FULL");
  connection.pragma("fullfsync = ON");
  connection.pragma("checkpoint_fullfsync = ON");
  connection.pragma("foreign_keys = ON");
  connection.pragma("trusted_schema = OFF");
  connection.pragma("cell_size_check = ON");
  connection.pragma("journal_size_limit = 67108864");
  // Half of what is usual: with a million images more makes nothing faster, and it is kept all night.
  connection.pragma("cache_size = -8000");
  const synchronous = connection.pragma("synchronous", { simple: true });
  if (synchronous !== 2)
    throw new Error(`Internal error: synchronous is ${String(synchronous)}, expected 2 (FULL)`);
}

function versionOf(connection: BetterSqlite3.Database): number {
  return Number(connection.pragma("user_version", { simple: true }));
}

/** Runs every pending step, each in a transaction of its own together with its version. */
function migrate(connection: BetterSqlite3.Database): void {
  for (const migration of MIGRATIONS) {
    const { version } = migration;
    if (version <= versionOf(connection)) continue;
    connection
      .transaction(() => {
        migration.up((text) => void connection.exec(text));
        connection.pragma(`user_version = ${version}`);
      })
      .exclusive();
  }
}

/** A larger file is checked beside the work: at a start it would hold up the first submission for seconds. */
const CHECKED_AT_OPENING_BYTES = 16 * 1024 * 1024;

/** Whether opening this file for writing looks at all of it. */
export function isCheckedAtOpening(file: string): boolean {
  return statSync(file).size <= CHECKED_AT_OPENING_BYTES;
}

/** Beside a data file in which a check found damage after it was opened, with what it found: the next start refuses it. */
export function damageMark(file: string): string {
  return `${file}.damage`;
}

/** Small tables that every start reads; the large ones are checked beside the work. */
const READ_AT_START = ["sqlite_schema", "sessions", "batches", "revisions", "deployments", "counters"];

/** What is wrong with the file, as far as it can be told at once; null = nothing. */
function findDamage(connection: BetterSqlite3.Database, file: string): string | null {
  const mark = damageMark(file);
  if (existsSync(mark)) return readFileSync(mark, "utf8").trim();
  const tables = versionOf(connection) === 0 ? [] : READ_AT_START;
  // Not quick_check: only this one sees a changed byte in a row by the indexes that tell otherwise.
  const checks = isCheckedAtOpening(file) ? ["1"] : tables;
  for (const what of checks) {
    const found = String(connection.pragma(`integrity_check(${what})`, { simple: true }));
    if (found !== "ok") return found;
  }
  return tables.length === 0 ? null : (findOtherSchema(connection) ?? findUnreadable(connection));
}

/** A byte of a table's definition may have changed: it must be as the steps up to its version make it. */
function findOtherSchema(connection: BetterSqlite3.Database): string | null {
  const model = new BetterSqlite3(":memory:");
  try {
    for (const migration of MIGRATIONS)
      if (migration.version <= versionOf(connection)) migration.up((text) => void model.exec(text));
    const wanted = "SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'";
    const found = connection.prepare("SELECT sql FROM sqlite_schema WHERE name = ?").pluck();
    const rows = model.prepare(wanted).all() as { name: string; sql: string }[];
    const other = rows.find(({ name, sql }) => found.get(name) !== sql);
    return other === undefined ? null : `the definition of ${other.name} is not ours.`;
  } finally {
    model.close();
  }
}

/** What every start reads as JSON, with the parts without which it cannot go on. */
const READ_AS_JSON = [
  { table: "batches", column: "settingsJson", parts: ["name", "decision", "intake", "results", "limits"] },
  { table: "revisions", column: "decisionJson", parts: ["deployment", "outputs", "parameters"] },
];

/** A text in which a byte changed is a good row to SQLite; null = all can be read. */
function findUnreadable(connection: BetterSqlite3.Database): string | null {
  for (const { table, column, parts } of READ_AS_JSON) {
    const missing = parts.map((part) => `json_type(${column}, '$.${part}') IS NULL`).join(" OR ");
    const found = connection
      .prepare(`SELECT id FROM ${table} WHERE iif(json_valid(${column}), ${missing}, 1) LIMIT 1`)
      .get();
    if (found !== undefined) return `a row of ${table} cannot be read.`;
  }
  return null;
}

const SQLITE_HEADER = "SQLite format 3\0";

/** A file that exists but is no SQLite file must never be taken for an empty start. */
function looksForeign(file: string): boolean {
  if (!existsSync(file) || statSync(file).size === 0) return false;
  const head = Buffer.alloc(SQLITE_HEADER.length);
  const descriptor = openSync(file, "r");
  try {
    readSync(descriptor, head, 0, head.length, 0);
  } finally {
    closeSync(descriptor);
  }
  return head.toString("latin1") !== SQLITE_HEADER;
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "unknown";
}

function openFailure(file: string, error: unknown): SetupFailure {
  const code = codeOf(error);
  const damaged = ["SQLITE_CORRUPT", "SQLITE_NOTADB"].some((known) => code.startsWith(known));
  if (damaged)
    return { reason: "data-file-damaged", file, detail: error instanceof Error ? error.message : code };
  if (code.startsWith("SQLITE_BUSY")) return { reason: "data-file-in-use", file };
  return { reason: "data-file-unwritable", file, code };
}

const OF_ANOTHER = "it is a database of another program.";

/** Our own has our tables from the version on that it tells; a new file has none at all. */
function isOfAnother(connection: BetterSqlite3.Database, version: number): boolean {
  const tables = connection.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").pluck().all();
  return version === 0 ? tables.length > 0 : !tables.includes("batches");
}

/** Looks through a connection that cannot write: closing one that can would change a file that is to be left as it is. */
function whyRefused(file: string): SetupFailure | null {
  const connection = new BetterSqlite3(file, { readonly: true, timeout: 5000 });
  try {
    const version = versionOf(connection);
    if (version > LATEST_VERSION) return { reason: "data-file-newer", file, version, known: LATEST_VERSION };
    if (isOfAnother(connection, version)) return { reason: "data-file-damaged", file, detail: OF_ANOTHER };
    const detail = findDamage(connection, file);
    return detail === null ? null : { reason: "data-file-damaged", file, detail };
  } finally {
    connection.close();
  }
}

/** The making of the file was cut short: SQLite undoes what was half done as soon as a connection that may write looks. */
function undoHalfMade(file: string): void {
  if (!existsSync(`${file}-journal`)) return;
  const connection = new BetterSqlite3(file, { timeout: 5000 });
  try {
    versionOf(connection);
  } finally {
    connection.close();
  }
}

/** Opens the one writing connection; migrates; refuses a newer, damaged or foreign file without changing it. */
export function openWriter(file: string): Result<Database, SetupFailure> {
  try {
    undoHalfMade(file);
    if (looksForeign(file))
      return fail({ reason: "data-file-damaged", file, detail: "it is not a SQLite database." });
    const refused = existsSync(file) ? whyRefused(file) : null;
    if (refused !== null) return fail(refused);
    const connection = new BetterSqlite3(file, { timeout: 5000 });
    configure(connection);
    migrate(connection);
    if (process.platform !== "win32") chmodSync(file, 0o600);
    return succeed(wrap(connection, file));
  } catch (error) {
    return fail(openFailure(file, error));
  }
}

/** Only a writer may bring a file up to date. */
function olderFailure(file: string): SetupFailure {
  return {
    reason: "usage",
    message: `The data file ${file} was written by an older Nightrun.`,
    next: "Bring it up to date with a command that writes: `nightrun run`, or `nightrun serve` without --read-only.",
  };
}

/** Opens a connection that cannot write, beside a writer or without one. */
export function openReader(file: string): Result<Database, SetupFailure> {
  try {
    if (!existsSync(file)) return fail({ reason: "no-data-file", file });
    if (looksForeign(file))
      return fail({ reason: "data-file-damaged", file, detail: "it is not a SQLite database." });
    const connection = new BetterSqlite3(file, { readonly: true, timeout: 2000 });
    const version = versionOf(connection);
    if (version > LATEST_VERSION || version < LATEST_VERSION) {
      connection.close();
      return version > LATEST_VERSION
        ? fail({ reason: "data-file-newer", file, version, known: LATEST_VERSION })
        : fail(version === 0 ? { reason: "no-data-file", file } : olderFailure(file));
    }
    if (isOfAnother(connection, version)) {
      connection.close();
      return fail({ reason: "data-file-damaged", file, detail: OF_ANOTHER });
    }
    connection.pragma("trusted_schema = OFF");
    return succeed(wrap(connection, file));
  } catch (error) {
    return fail(openFailure(file, error));
  }
}

/**
 * Takes the exclusive lock beside the data file. It is a lock of the operating system on an open file, so it dies with
 * the process however that ends; the file itself means nothing.
 */
export function lockDataFile(file: string): Result<DatabaseLock, SetupFailure> {
  const lockFile = `${file}.lock`;
  try {
    const connection = new BetterSqlite3(lockFile, { timeout: 0 });
    try {
      connection.pragma("journal_mode = MEMORY");
      connection.exec("BEGIN EXCLUSIVE");
    } catch (error) {
      connection.close();
      throw error;
    }
    return succeed({ release: () => connection.close() });
  } catch (error) {
    return fail(openFailure(file, error));
  }
}
