import { copyFile, mkdtemp, open, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { listBackups } from "../../electron/engine/backup.ts";
import { systemClock } from "../../electron/engine/clock.ts";
import { openEngine, type Engine } from "../../electron/engine/engine.ts";

const folders: string[] = [];

async function temporaryData(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "nightrun-backup-"));
  folders.push(folder);
  return join(folder, "night.db");
}

afterEach(async () => {
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true })));
});

async function tryOpen(dataFile: string, shiftMs = 0): ReturnType<typeof openEngine> {
  return openEngine({
    dataFile,
    clock: { ...systemClock, now: () => Date.now() + shiftMs },
    random: Math.random,
    env: {},
    version: "0",
    resolve: () => Promise.reject(new Error("not wanted here")),
  });
}

async function openOrThrow(dataFile: string, shiftMs = 0): Promise<Engine> {
  const opened = await tryOpen(dataFile, shiftMs);
  if (!opened.ok) throw new Error(opened.failure.reason);
  return opened.value;
}

/** A data file with one event in it, closed, and so with one backup. */
async function makeData(): Promise<string> {
  const dataFile = await temporaryData();
  const engine = await openOrThrow(dataFile);
  await engine.store.call("addEvent", {
    at: 1,
    event: { batchId: null, kind: "run-started", detail: { folder: "before" } },
  });
  await engine.close(0);
  return dataFile;
}

async function kindsIn(engine: Engine): Promise<string[]> {
  return (await engine.store.call("eventsAfter", { afterId: 0, limit: 100 })).map((event) => event.kind);
}

async function flip(file: string, from: number): Promise<void> {
  const handle = await open(file, "r+");
  await handle.write(Buffer.alloc(600, 0x5a), 0, 600, from);
  await handle.close();
}

describe("a damaged data file", () => {
  it.each([
    ["has a page overwritten", (file: string) => flip(file, 4096 * 3)],
    ["has its header overwritten", (file: string) => flip(file, 0)],
    ["is cut to nothing", (file: string) => truncate(file, 0)],
    ["is another kind of file", (file: string) => writeFile(file, "these are not the rows you look for")],
  ])("that %s is kept aside, and the backup takes its place with a notice", async (_, damage) => {
    const dataFile = await makeData();
    await damage(dataFile);
    const damaged = await readFile(dataFile);
    const engine = await openOrThrow(dataFile);
    expect(await kindsIn(engine)).toEqual(["run-started", "data-file-restored"]);
    await engine.close(0);
    const [aside = ""] = (await readdir(dirname(dataFile))).filter((name) => name.includes(".damaged-"));
    expect(await readFile(join(dirname(dataFile), aside))).toEqual(damaged);
  });

  it("without a backup is refused and left as it is", async () => {
    const dataFile = await makeData();
    for (const { file } of await listBackups(dataFile)) await rm(file);
    await flip(dataFile, 0);
    const damaged = await readFile(dataFile);
    expect(await tryOpen(dataFile)).toMatchObject({ ok: false, failure: { reason: "data-file-damaged" } });
    expect(await readFile(dataFile)).toEqual(damaged);
  });

  it("is never taken for an empty start, wherever its bytes were changed", { timeout: 60_000 }, async () => {
    const dataFile = await makeData();
    const { length } = await readFile(dataFile);
    const [backup] = await listBackups(dataFile);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: length - 600 }), async (from) => {
        await copyFile(backup?.file ?? "", dataFile);
        await flip(dataFile, from);
        const opened = await tryOpen(dataFile);
        if (!opened.ok) return;
        const kinds = await kindsIn(opened.value).catch(() => ["unreadable"]);
        await opened.value.close(0);
        expect(kinds).not.toEqual([]);
      }),
      { numRuns: 20 },
    );
  });

  it("whose write-ahead file vanished after an unclean end is told of", async () => {
    const dataFile = await temporaryData();
    const engine = await openOrThrow(dataFile);
    await engine.store.backup(join(dirname(dataFile), "copy.db"));
    await engine.close(0);
    const copy = await openOrThrow(join(dirname(dataFile), "copy.db"));
    expect(await kindsIn(copy)).toEqual(["latest-changes-lost"]);
    await copy.close(0);
    const again = await openOrThrow(join(dirname(dataFile), "copy.db"));
    expect(await kindsIn(again)).toEqual(["latest-changes-lost"]);
    await again.close(0);
  });
});

describe("backups", () => {
  it("are made once a day and the last three are kept", async () => {
    const dataFile = await temporaryData();
    const HOUR_MS = 3_600_000;
    for (const hours of [0, 1, 25, 26, 50, 75, 100]) {
      const engine = await openOrThrow(dataFile, hours * HOUR_MS);
      await engine.close(0);
    }
    const backups = await listBackups(dataFile);
    const hours = backups.map(({ at }) => Math.round((at - Date.now()) / HOUR_MS));
    expect(hours).toEqual([100, 75, 50]);
  });
});
