import { access } from "node:fs/promises";
import type { Failure, SetupFailure } from "../contract/failure.ts";
import { fail, succeed, type Result } from "../contract/result.ts";
import { hasLostContent, listBackups, putAside, putBack, restoreFrom } from "./backup.ts";
import type { Ballast } from "./ballast.ts";
import type { Clock } from "./clock.ts";
import { openStore, type Store } from "./store/store.ts";

/** An open data file, and what had to be done for it. */
export interface OpenedData {
  store: Store;
  /** Where the damaged file is kept and when the backup in its place was made; null = it was whole. */
  restored: { aside: string; backupAt: number } | null;
  walMissing: boolean;
}

export interface OpenDataFileOptions {
  dataFile: string;
  clock: Clock;
  ballast: Ballast;
  onProblem: ((failure: Failure) => void) | undefined;
}

/**
 * Opens the data file; a damaged one is kept aside and the newest backup that is whole takes its place. Without one it
 * is refused and left as it is: nothing is ever started from scratch in silence.
 */
export async function openDataFile(options: OpenDataFileOptions): Promise<Result<OpenedData, SetupFailure>> {
  const { dataFile, clock } = options;
  const walMissing = await isWalMissing(dataFile);
  const first = (await hasLostContent(dataFile))
    ? fail<SetupFailure>({ reason: "data-file-damaged", file: dataFile, detail: "it is empty." })
    : await openWriting(options);
  if (first.ok) return succeed({ store: first.value, restored: null, walMissing });
  const backups = first.failure.reason === "data-file-damaged" ? await listBackups(dataFile) : [];
  if (backups.length === 0) return first;
  const aside = await putAside(dataFile, clock.now());
  for (const { file, at } of backups) {
    await restoreFrom(file, dataFile);
    const opened = await openWriting(options);
    if (opened.ok) return succeed({ store: opened.value, restored: { aside, backupAt: at }, walMissing });
  }
  await putBack(aside, dataFile);
  return first;
}

async function openWriting({
  dataFile,
  clock,
  ballast,
  onProblem,
}: OpenDataFileOptions): ReturnType<typeof openStore> {
  let store: Store | null = null;
  async function relieve(): Promise<boolean> {
    if (!(await ballast.release())) return false;
    const event = { batchId: null, kind: "ballast-used", detail: {} } as const;
    void store?.call("addEvent", { at: clock.now(), event }).catch(() => undefined);
    return true;
  }
  const opened = await openStore({
    file: dataFile,
    mode: "write",
    clock,
    onTrouble: (code) => {
      if (code !== null) onProblem?.({ reason: "data-file-unwritable", file: dataFile, code });
    },
    relieve,
  });
  if (opened.ok) store = opened.value;
  return opened;
}

async function isWalMissing(dataFile: string): Promise<boolean> {
  const isThere = (path: string): Promise<boolean> =>
    access(path).then(
      () => true,
      () => false,
    );
  return (await isThere(dataFile)) && !(await isThere(`${dataFile}-wal`));
}

/** Records that a backup took the place of the data file, or that its write-ahead file vanished: what that held is not known any more. */
export async function tellWhatWasLost(
  { store, restored, walMissing }: OpenedData,
  dataFile: string,
  clock: Clock,
): Promise<void> {
  const at = clock.now();
  if (restored !== null) {
    const event = { batchId: null, kind: "data-file-restored", detail: restored } as const;
    await store.call("addEvent", { at, event });
    return;
  }
  const before = (await store.call("recentSessions", 0)).at(1);
  if (!walMissing || before === undefined || before.cleanExit === 1) return;
  const missing = `${dataFile}-wal`;
  await store.call("addEvent", {
    at,
    event: { batchId: null, kind: "latest-changes-lost", detail: { missing } },
  });
}
