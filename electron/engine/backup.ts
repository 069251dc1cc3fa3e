import { copyFile, open, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Clock } from "./clock.ts";
import { makeFolder } from "./make-folder.ts";
import type { Store } from "./store/store.ts";

/** A backup is made when the newest is older than this. */
const EVERY_MS = 24 * 60 * 60 * 1000;
const KEPT = 3;
const NAME = /^backup-(\d{13})\.db$/;
/** What belongs to a data file and must not meet another one. */
const COMPANIONS = ["-wal", "-shm", "-journal", ".damage"];

/** Where backups of a data file lie. */
export function backupFolder(dataFile: string): string {
  return `${dataFile}.backups`;
}

/** Backups of a data file, the newest first; the name tells when it was made. */
export async function listBackups(dataFile: string): Promise<{ file: string; at: number }[]> {
  const names = await readdir(backupFolder(dataFile)).catch(() => []);
  return names
    .flatMap((name) => {
      const at = NAME.exec(name)?.[1];
      return at === undefined ? [] : [{ file: join(backupFolder(dataFile), name), at: Number(at) }];
    })
    .sort((a, b) => b.at - a.at);
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes a backup through SQLite's own way when the newest is older than a day, and drops the oldest ones. */
export async function backUpDaily(store: Store, dataFile: string, clock: Clock): Promise<boolean> {
  const [newest] = await listBackups(dataFile);
  const ageMs = newest === undefined ? EVERY_MS : Math.abs(clock.now() - newest.at);
  if (ageMs < EVERY_MS) return false;
  await makeFolder(backupFolder(dataFile), 0o700);
  const part = join(backupFolder(dataFile), "backup.part");
  await rm(part, { force: true });
  await store.backup(part);
  await sync(part);
  await rename(part, join(backupFolder(dataFile), `backup-${String(clock.now()).padStart(13, "0")}.db`));
  await sync(backupFolder(dataFile));
  for (const { file } of (await listBackups(dataFile)).slice(KEPT)) await rm(file, { force: true });
  return true;
}

/** Puts a damaged data file aside; gives where it is kept. Nothing of it is changed. */
export async function putAside(dataFile: string, now: number): Promise<string> {
  const aside = join(dirname(dataFile), `${basename(dataFile)}.damaged-${now}`);
  await rename(dataFile, aside);
  for (const end of COMPANIONS) await rename(dataFile + end, aside + end).catch(() => undefined);
  await sync(dirname(dataFile));
  return aside;
}

/** Puts a file that was kept aside where it was; what is there now is replaced. */
export async function putBack(aside: string, dataFile: string): Promise<void> {
  for (const end of COMPANIONS) {
    await rm(dataFile + end, { force: true });
    await rename(aside + end, dataFile + end).catch(() => undefined);
  }
  await rename(aside, dataFile);
  await sync(dirname(dataFile));
}

/** Puts a copy of a backup in the place of the data file, which replaces what is there. */
export async function restoreFrom(backup: string, dataFile: string): Promise<void> {
  const part = `${dataFile}.restoring`;
  await copyFile(backup, part);
  await sync(part);
  for (const end of COMPANIONS) await rm(dataFile + end, { force: true });
  await rename(part, dataFile);
  await sync(dirname(dataFile));
}

/** An empty file beside which earlier work has left its backups or its log has lost its content; else it is merely new. */
export async function hasLostContent(dataFile: string): Promise<boolean> {
  const size = await stat(dataFile).then(
    (found) => found.size,
    () => null,
  );
  if (size !== 0) return false;
  const logged = await readdir(`${dataFile}.logs`).catch(() => []);
  return logged.length > 0 || (await listBackups(dataFile)).length > 0;
}
