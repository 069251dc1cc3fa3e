import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { makeFolder } from "../../electron/engine/make-folder.ts";

it("makes what is missing, again and at the same time, and never a file into a folder", async () => {
  const root = await mkdtemp(join(tmpdir(), "nightrun-folder-"));
  try {
    const deep = join(root, "a/b/c/d");
    await Promise.all([makeFolder(deep), makeFolder(deep), makeFolder(join(root, "a/b/x"))]);
    await makeFolder(deep, 0o700);
    expect((await stat(deep)).isDirectory()).toBe(true);
    await writeFile(join(root, "file"), "");
    await expect(makeFolder(join(root, "file"))).rejects.toMatchObject({ code: "ENOTDIR" });
    await expect(makeFolder(join(root, "file/below"))).rejects.toMatchObject({ code: "ENOTDIR" });
  } finally {
    await rm(root, { recursive: true });
  }
});

it.runIf(existsSync("/proc/self"))("ends where the system has no room for folders of ours", async () => {
  await expect(makeFolder("/proc/nightrun/data")).rejects.toMatchObject({ code: "ENOENT" });
});
