import { writeFile } from "node:fs/promises";
import type { Clock } from "./clock.ts";
import { damageMark, isCheckedAtOpening } from "./store/database.ts";
import { openStore, type Store } from "./store/store.ts";

/** The first submissions go out before the disk is read from end to end. */
const REST_MS = 5000;

/** A look at the whole data file beside the work, for one that was too large to be checked when it was opened. */
export interface DataFileCheck {
  /** The whole file was looked at and nothing is wrong with it: a backup of it is worth something. */
  readonly isSound: boolean;
  /** Resolves when the look has ended, however it did. */
  readonly ended: Promise<void>;
  /** Ends the look at the table that is being looked at. */
  stop(): Promise<void>;
}

export interface DataFileCheckOptions {
  dataFile: string;
  clock: Clock;
  /** Also called when damage was found; the next start puts the file aside. */
  onDamage: (detail: string) => void;
  /** @default REST_MS */
  restMs?: number;
}

/** Starts the look, which ends by itself. */
export function checkDataFile(options: DataFileCheckOptions): DataFileCheck {
  const stopping = new AbortController();
  let isSound = isCheckedAtOpening(options.dataFile);
  const looking = isSound
    ? Promise.resolve()
    : look(options, stopping.signal).then(
        (whole) => void (isSound = whole),
        () => undefined, // Nothing was found out; the next start tries again.
      );
  return {
    get isSound() {
      return isSound;
    },
    ended: looking,
    async stop() {
      stopping.abort();
      await looking;
    },
  };
}

/** True when every table was looked at and none is damaged. */
async function look(options: DataFileCheckOptions, stopped: AbortSignal): Promise<boolean> {
  const { dataFile, clock, onDamage, restMs = REST_MS } = options;
  await clock.sleep(restMs, stopped);
  const isStopped = (): boolean => stopped.aborted;
  if (isStopped()) return false;
  const opened = await openStore({ file: dataFile, mode: "read", clock });
  if (!opened.ok) return false;
  const store = opened.value;
  try {
    for (const table of await store.call("tablesToCheck", null)) {
      if (isStopped()) return false;
      const damage = await damageOf(store, table);
      if (damage === null) continue;
      await writeFile(damageMark(dataFile), `${damage}\n`, { mode: 0o600 });
      onDamage(damage);
      return false;
    }
    return true;
  } finally {
    await store.close();
  }
}

/** A page that cannot be read at all ends the look at its table with an error. */
async function damageOf(store: Store, table: string): Promise<string | null> {
  try {
    return await store.call("checkTable", table);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    if (/malformed|CORRUPT/.test(text)) return text;
    throw error;
  }
}
