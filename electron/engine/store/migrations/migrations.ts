import { createTables } from "./010-create-tables.ts";
import { addWindow } from "./020-window.ts";
import { addMillion } from "./030-million.ts";
import { addQuarantine } from "./040-quarantine.ts";
import { addEqualContent } from "./050-equal-content.ts";
import { addFingerprint } from "./060-fingerprint.ts";

/** One step of the data file's history. Never edited after a release; the next one is ten higher. */
export interface Migration {
  version: number;
  up(execute: (sql: string) => void): void;
}

export const MIGRATIONS: readonly Migration[] = [
  { version: 10, up: createTables },
  { version: 20, up: addWindow },
  { version: 30, up: addMillion },
  { version: 40, up: addQuarantine },
  { version: 50, up: addEqualContent },
  { version: 60, up: addFingerprint },
];

export const LATEST_VERSION = MIGRATIONS.at(-1)?.version ?? 0;
