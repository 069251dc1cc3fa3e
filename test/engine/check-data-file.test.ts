import { access, mkdir, mkdtemp, open, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { backupFolder, listBackups } from "../../electron/engine/backup.ts";
import { checkDataFile } from "../../electron/engine/check-data-file.ts";
import { systemClock } from "../../electron/engine/clock.ts";
import { openEngine, type Engine } from "../../electron/engine/engine.ts";
import { damageMark, isCheckedAtOpening, openWriter } from "../../electron/engine/store/database.ts";
import { fillDataFile } from "../bench/support/filled-data-file.ts";
import { cheapSettings } from "../support/open-rig.ts";

let base = "";
let dataFile = "";

/** A file that is too large to be checked when it is opened. */
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), "nightrun-check-"));
  dataFile = join(base, "nightrun.db");
  const settings = cheapSettings(join(base, "pictures"), join(base, "results"));
  fillDataFile({ file: dataFile, images: 30_000, settings, resultChars: 2000 });
  expect(isCheckedAtOpening(dataFile)).toBe(false);
});

afterAll(() => rm(base, { recursive: true, force: true }));

async function openIt(problems: string[]): Promise<Engine> {
  const opened = await openEngine({
    dataFile,
    clock: systemClock,
    random: Math.random,
    env: {},
    version: "0",
    resolve: () => Promise.reject(new Error("not wanted here")),
    minimumFreeBytes: () => 0,
    onProblem: (failure) => problems.push(failure.reason),
  });
  if (!opened.ok) throw new Error(opened.failure.reason);
  return opened.value;
}

async function look(): Promise<{ damage: string[]; isSound: boolean }> {
  const damage: string[] = [];
  const onDamage = (detail: string): void => void damage.push(detail);
  const check = checkDataFile({ dataFile, clock: systemClock, onDamage, restMs: 0 });
  await check.ended;
  return { damage, isSound: check.isSound };
}

const isMarked = (): Promise<boolean> =>
  access(damageMark(dataFile)).then(
    () => true,
    () => false,
  );

/** Overwrites the start of a page somewhere in the middle, where the results lie. */
async function spoil(): Promise<void> {
  const { size } = await stat(dataFile);
  const handle = await open(dataFile, "r+");
  await handle.write(Buffer.alloc(600, 0x5a), 0, 600, Math.floor(size / 4096 / 2) * 4096);
  await handle.close();
}

test("A large data file is checked beside the work: damage is told, never backed up, and the next start restores", async () => {
  expect(await look()).toEqual({ damage: [], isSound: true });
  const first = await openIt([]);
  await first.close(0);
  expect(await listBackups(dataFile), "an unchecked file is no backup").toEqual([]);
  const store = openWriter(dataFile);
  if (!store.ok) throw new Error("not opened");
  await mkdir(backupFolder(dataFile));
  await store.value.backup(join(backupFolder(dataFile), "backup-1700000000000.db"));
  store.value.close();

  await spoil();
  const unnoticed = openWriter(dataFile);
  expect(unnoticed.ok, "opening looks at the small tables only").toBe(true);
  if (unnoticed.ok) unnoticed.value.close();
  const found = await look();
  expect(found.damage).toHaveLength(1);
  expect(found.isSound).toBe(false);
  expect(await isMarked()).toBe(true);
  expect(openWriter(dataFile)).toMatchObject({ ok: false, failure: { reason: "data-file-damaged" } });

  const engine = await openIt([]);
  const events = await engine.store.call("eventsAfter", { afterId: 0, limit: 1000 });
  expect(events.at(-1)?.kind).toBe("data-file-restored");
  await engine.close(0);
  expect(await isMarked()).toBe(false);
  expect(await look()).toEqual({ damage: [], isSound: true });
});
