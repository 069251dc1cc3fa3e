import { openReader } from "../../../electron/engine/store/database.ts";
import type { Rig } from "../../support/open-rig.ts";

/** Rows of the data file, also while the engine writes it. */
export function rowsOf<T>(rig: Rig, sql: string): T[] {
  const reader = openReader(rig.dataFile);
  if (!reader.ok) throw new Error(reader.failure.reason);
  const rows = reader.value.sql(sql).all() as T[];
  reader.value.close();
  return rows;
}
