import type { AppSettings } from "../../contract/api.ts";
import type { Database } from "./database.ts";

/** The settings of the app as they were saved; null = never. */
export function readAppSettings(db: Database): AppSettings | null {
  const row = db.sql("SELECT json FROM appSettings WHERE id = 1").get() as { json: string } | undefined;
  return row === undefined ? null : (JSON.parse(row.json) as AppSettings);
}

/** Keeps the settings of the app for all windows on this data file. */
export function saveAppSettings(db: Database, settings: AppSettings): void {
  db.sql(
    "INSERT INTO appSettings (id, json) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET json = excluded.json",
  ).run(JSON.stringify(settings));
}
