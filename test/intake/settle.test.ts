import { copyFile, open, rename, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { sameObservation, type Observation } from "../../electron/engine/intake/observation.ts";
import { settleVerdict } from "../../electron/engine/intake/settle.ts";
import { observe } from "../../electron/engine/intake/walk.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const QUIET_MS = 2000;
const ALL = { recursive: true, include: [], exclude: [], excludedFolders: [] };

function seen(change: Partial<Observation> = {}): Observation {
  return { path: "a.jpg", bytes: 100, mtimeUs: 5, fileId: "1:2", ...change };
}

async function look(root: string): Promise<Observation> {
  const entry = await observe(root, "a.jpg", ALL);
  if (entry?.kind !== "file") throw new Error("expected a.jpg to be a file");
  return entry.observation;
}

function verdict(change: Partial<Observation>, afterMs: number): string {
  const first = { observation: seen(), atMono: 10_000 };
  return settleVerdict(first, { observation: seen(change), atMono: 10_000 + afterMs }, QUIET_MS);
}

describe("a file settles", () => {
  it("at the second equal look, when that is late enough", () => {
    expect(verdict({}, 0)).toBe("wait");
    expect(verdict({}, 1999)).toBe("wait");
    expect(verdict({}, 2000)).toBe("settled");
  });

  it("when the first look was before the machine was started", () => {
    expect(verdict({}, -5000)).toBe("settled");
  });

  it.each([
    ["grew", { bytes: 101 }],
    ["shrank", { bytes: 99 }],
    ["was written to without growing", { mtimeUs: 6 }],
    ["was replaced by one of the same size and time", { fileId: "1:3" }],
  ])("not when it %s, however long ago the first look was", (_, change) => {
    expect(verdict(change, 3_000_000)).toBe("changed");
  });

  it("whatever its own time says: 1970 and 2099 are as good as now", () => {
    for (const mtimeUs of [0, -1, 4_070_908_800_000_000]) {
      const observation = seen({ mtimeUs });
      expect(settleVerdict({ observation, atMono: 0 }, { observation, atMono: 2000 }, QUIET_MS)).toBe(
        "settled",
      );
    }
  });
});

describe("two looks at a real file", () => {
  it("differ when a preallocated file is filled without growing", async () => {
    const root = await temporaryFolder();
    const file = join(root, "a.jpg");
    const handle = await open(file, "w");
    await handle.truncate(10_000);
    await utimes(file, 1, 1);
    const before = await look(root);
    await handle.write("x", 5000);
    await handle.close();
    expect(sameObservation(before, await look(root))).toBe(false);
  });

  it("differ when another file with the same size and time takes its place", async () => {
    const root = await temporaryFolder();
    const file = join(root, "a.jpg");
    await writeFile(file, "old");
    const { atime, mtime } = await stat(file);
    const before = await look(root);
    await copyFile(file, join(root, "b"));
    await utimes(join(root, "b"), atime, mtime);
    await utimes(file, atime, mtime);
    const touched = await look(root);
    await rename(join(root, "b"), file);
    const after = await look(root);
    expect([after.bytes, after.mtimeUs]).toEqual([touched.bytes, touched.mtimeUs]);
    expect(sameObservation(touched, after)).toBe(false);
    expect(before.fileId).toBe(touched.fileId);
  });

  it("agree when nothing happened, and after a rename", async () => {
    const root = await temporaryFolder();
    await writeFile(join(root, "b.jpg"), "x");
    const entry = await observe(root, "b.jpg", ALL);
    await rename(join(root, "b.jpg"), join(root, "a.jpg"));
    expect(entry?.kind === "file" && sameObservation(entry.observation, await look(root))).toBe(true);
  });

  it("carry whole microseconds", async () => {
    const root = await temporaryFolder();
    await writeFile(join(root, "a.jpg"), "x");
    await utimes(join(root, "a.jpg"), 0, 4_000_000_000.123456);
    expect((await look(root)).mtimeUs).toBe(4_000_000_000_123_456);
  });
});
