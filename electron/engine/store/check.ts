import type { Database } from "./database.ts";

/** Tables and what hangs on them, the small ones first: each is one short look at the file. */
export function tablesToCheck(db: Database): string[] {
  const rows = db.sql("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").all();
  return (rows as { name: string }[]).map((row) => row.name);
}

/** What is wrong with a table and its indexes on the disk; null when nothing is. */
export function checkTable(db: Database, table: string): string | null {
  const row = db.sql(`PRAGMA integrity_check('${table.replaceAll("'", "''")}')`).get() as {
    integrity_check: string;
  };
  return row.integrity_check === "ok" ? null : row.integrity_check;
}
