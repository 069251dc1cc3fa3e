import BetterSqlite3 from "better-sqlite3";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { expectOneLine, openRig, type Rig } from "./rig.ts";

async function withRig(work: (rig: Rig) => Promise<void>): Promise<void> {
  await using rig = await openRig();
  await rig.draw("a.jpg");
  await work(rig);
  expect(rig.simulator.control.stats().requests.put).toBe(0);
}

test("a damaged data file is put aside for its backup, and that is said", async () => {
  await using rig = await openRig();
  await rig.draw("a.jpg");
  expect((await rig.run(["run"])).code).toBe(0);
  const bytes = await readFile(rig.data);
  bytes.fill(0x5a, 4096, 4096 * 3);
  await writeFile(rig.data, bytes);
  const ended = await rig.run(["run"]);
  expect(ended.stderr).toMatch(/^nightrun: The data file was damaged\. It is kept as .* took its place/m);
  expect(ended.code).toBe(0);
});

describe.concurrent(
  "a data file that cannot be used ends every command with exit code 4 and is not changed",
  () => {
    test("one of a newer Nightrun", () =>
      withRig(async (rig) => {
        const database = new BetterSqlite3(rig.data);
        database.pragma("user_version = 999");
        database.exec("CREATE TABLE future (x)");
        database.close();
        const before = await readFile(rig.data);
        for (const command of ["run", "status", "retry"])
          expectOneLine(await rig.run([command]), 4, "newer Nightrun", "999", "Update Nightrun");
        expect(await readFile(rig.data)).toEqual(before);
      }));

    test("something else under its name", () =>
      withRig(async (rig) => {
        await writeFile(rig.data, "These are my notes, not a database.\n");
        for (const command of ["run", "images"])
          expectOneLine(await rig.run([command]), 4, "not a SQLite database", "--data");
        expect(await readFile(rig.data, "utf8")).toBe("These are my notes, not a database.\n");
      }));

    test("a database of another program", () =>
      withRig(async (rig) => {
        const database = new BetterSqlite3(rig.data);
        database.exec("CREATE TABLE photos (name TEXT); INSERT INTO photos VALUES ('holiday')");
        database.close();
        const before = await readFile(rig.data);
        expectOneLine(await rig.run(["run"]), 4, "--data");
        expect(await readFile(rig.data)).toEqual(before);
      }));

    test("a damaged one", () =>
      withRig(async (rig) => {
        await rig.run(["run", join(rig.place, "pictures"), "--include", "nothing"]);
        const bytes = await readFile(rig.data);
        bytes.fill(0x5a, 4096, 4096 * 3);
        await writeFile(rig.data, bytes);
        await rm(`${rig.data}.backups`, { recursive: true, force: true });
        expectOneLine(await rig.run(["run"]), 4, "damaged", "backup");
      }));

    test("a folder in its place", () =>
      withRig(async (rig) => {
        await mkdir(rig.data);
        expectOneLine(await rig.run(["run"]), 4, "cannot be written", "--data");
      }));

    test("a file where its folder should be", () =>
      withRig(async (rig) => {
        await writeFile(join(rig.place, "file"), "");
        expectOneLine(await rig.run(["run", "--data", join(rig.place, "file", "night.db")]), 4, "--data");
      }));
  },
);
