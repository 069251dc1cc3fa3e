import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { lstat, mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openSpool, SpoolFull } from "../../electron/engine/results/spool.ts";
import { temporaryFolder } from "./support/fixtures.ts";

const chunk = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("an answer in the spool", () => {
  test("is a part until it is committed, and complete with every byte after", async () => {
    await using folder = await temporaryFolder();
    const spool = await openSpool(join(folder.path, "spool"));
    const writer = await spool.create(7);
    await writer.write(chunk('[{"image":'));
    await writer.write(chunk('"AA"}]'));
    expect(await spool.isComplete(7)).toBe(false);
    expect(await spool.sizeOf(7)).toBeNull();
    expect(await spool.runIds()).toEqual([7]);
    expect(spool.atHand(7)).toBeNull();

    const { bytes, sha256 } = await writer.commit();
    expect(bytes).toBe(16);
    expect(sha256).toEqual(createHash("sha256").update('[{"image":"AA"}]').digest());
    expect(await spool.isComplete(7)).toBe(true);
    expect(await spool.sizeOf(7)).toBe(16);
    expect(spool.atHand(7)?.toString()).toBe('[{"image":"AA"}]');
    expect(await readFile(join(folder.path, "spool", "7.answer"), "utf8")).toBe('[{"image":"AA"}]');
    expect(await readdir(join(folder.path, "spool"))).toEqual(["7.answer"]);
  });

  test("that was abandoned stays as a part, and a new try replaces it", async () => {
    await using folder = await temporaryFolder();
    const spool = await openSpool(folder.path);
    const first = await spool.create(1);
    await first.write(chunk("cut off"));
    await first.abandon();
    await first.abandon();
    expect(await readFile(join(folder.path, "1.part"), "utf8")).toBe("cut off");
    expect(await (await openSpool(folder.path)).isComplete(1)).toBe(false);

    const second = await spool.create(1);
    await second.write(chunk("whole"));
    await second.commit();
    expect(spool.atHand(1)?.toString()).toBe("whole");
    expect(await readFile(spool.pathOf(1), "utf8")).toBe("whole");
  });

  test("is at hand as it lies on the disk, also where a larger one replaced a small one or it was removed", async () => {
    await using folder = await temporaryFolder();
    const spool = await openSpool(folder.path);
    for (const text of ["small", "l".repeat(100_000), "s"]) {
      const writer = await spool.create(1);
      await writer.write(chunk(text.slice(0, 3)));
      await writer.write(chunk(text.slice(3)));
      await writer.commit();
      expect(spool.atHand(1)?.toString() ?? null).toBe(text.length > 65_536 ? null : text);
      expect(await readFile(spool.pathOf(1), "utf8")).toBe(text);
      expect((await openSpool(folder.path)).atHand(1)).toBeNull();
    }
    await spool.remove(1);
    expect(spool.atHand(1)).toBeNull();
    expect(existsSync(spool.pathOf(1))).toBe(false);
  });

  test("is removed with the part of a new try that was given up", async () => {
    await using folder = await temporaryFolder();
    const spool = await openSpool(folder.path);
    const writer = await spool.create(1);
    await writer.write(chunk("whole"));
    await writer.commit();
    await (await spool.create(1)).abandon();
    expect(await readdir(folder.path)).toEqual(["1.answer", "1.part"]);
    await spool.remove(1);
    expect(await readdir(folder.path)).toEqual([]);
  });

  test("cannot be written or committed after its end", async () => {
    await using folder = await temporaryFolder();
    const spool = await openSpool(folder.path);
    const writer = await spool.create(1);
    await writer.commit();
    await expect(writer.write(chunk("late"))).rejects.toThrow("ended");
    await expect(writer.commit()).rejects.toThrow("ended");
    await writer.abandon();
    expect(await spool.sizeOf(1)).toBe(0);
  });

  test("larger than the spool takes is refused at the chunk that does not fit, and never complete", async () => {
    await using folder = await temporaryFolder();
    const spool = await openSpool(folder.path, { maxBytes: 10 });
    const writer = await spool.create(1);
    await writer.write(chunk("12345"));
    await writer.write(chunk("67890"));
    await expect(writer.write(chunk("!"))).rejects.toThrow(SpoolFull);
    await writer.abandon();
    expect(await spool.isComplete(1)).toBe(false);
    expect(await readFile(join(folder.path, "1.part"), "utf8")).toBe("1234567890");
  });

  test("belongs to the person alone: folder 0700, files 0600", async () => {
    await using folder = await temporaryFolder();
    const root = join(folder.path, "deep", "spool");
    const spool = await openSpool(root);
    const writer = await spool.create(1);
    expect((await lstat(root)).mode & 0o777).toBe(0o700);
    expect((await lstat(join(root, "1.part"))).mode & 0o777).toBe(0o600);
    await writer.commit();
    expect((await lstat(spool.pathOf(1))).mode & 0o777).toBe(0o600);
  });

  test("is never written through a link", async () => {
    await using folder = await temporaryFolder();
    const spool = await openSpool(join(folder.path, "spool"));
    const outside = join(folder.path, "outside");
    await writeFile(outside, "mine");
    await symlink(outside, join(folder.path, "spool", "3.part"));
    const writer = await spool.create(3);
    await writer.write(chunk("answer"));
    await writer.commit();
    expect(await readFile(outside, "utf8")).toBe("mine");
    expect(await readFile(spool.pathOf(3), "utf8")).toBe("answer");

    await mkdir(join(folder.path, "elsewhere"));
    await symlink(join(folder.path, "elsewhere"), join(folder.path, "linked"));
    await expect(openSpool(join(folder.path, "linked"))).rejects.toThrow("not a folder");
  });

  test.each([-1, 1.5, Number.NaN, 2 ** 60])("never has the run id %s", async (runId) => {
    await using folder = await temporaryFolder();
    const spool = await openSpool(folder.path);
    await expect(spool.create(runId)).rejects.toThrow("no run id");
  });
});

describe("the spool", () => {
  test("lists every run of which anything is there, ascending, and nothing else", async () => {
    await using folder = await temporaryFolder();
    const spool = await openSpool(folder.path);
    for (const runId of [30, 4, 100]) await (await spool.create(runId)).commit();
    await (await spool.create(4)).abandon();
    await (await spool.create(5)).abandon();
    await writeFile(join(folder.path, "notes.txt"), "");
    await writeFile(join(folder.path, "6.answer.bak"), "");
    expect(await spool.runIds()).toEqual([4, 5, 30, 100]);
  });

  test("removes complete answers and parts, and does not mind if there is none", async () => {
    await using folder = await temporaryFolder();
    const spool = await openSpool(folder.path);
    await (await spool.create(1)).commit();
    await (await spool.create(1)).abandon();
    await spool.remove(1);
    await spool.remove(1);
    expect(await readdir(folder.path)).toEqual([]);
  });

  test("moves an answer elsewhere, once or again", async () => {
    await using folder = await temporaryFolder();
    const spool = await openSpool(join(folder.path, "spool"));
    const writer = await spool.create(1);
    await writer.write(chunk("raw"));
    await writer.commit();
    const target = join(folder.path, "kept.raw");
    await spool.moveTo(1, target);
    await spool.moveTo(1, target);
    expect(await readFile(target, "utf8")).toBe("raw");
    expect(await spool.runIds()).toEqual([]);
    await expect(spool.moveTo(2, join(folder.path, "none"))).rejects.toThrow("ENOENT");
  });

  test.skipIf(!existsSync("/dev/shm"))("moves an answer to another disk", async () => {
    await using folder = await temporaryFolder();
    const other = `/dev/shm/nightrun-${process.pid}.raw`;
    if ((await lstat("/dev/shm")).dev === (await lstat(folder.path)).dev) {
      console.log("skipped: /dev/shm is on the same disk as the temporary folder");
      return;
    }
    const spool = await openSpool(folder.path);
    const writer = await spool.create(1);
    await writer.write(chunk("raw"));
    await writer.commit();
    try {
      await spool.moveTo(1, other);
      expect(await readFile(other, "utf8")).toBe("raw");
      expect(await spool.runIds()).toEqual([]);
      await spool.moveTo(1, other);
    } finally {
      execFileSync("rm", ["-f", other]);
    }
  });

  test("takes an answer of 50 MB in pieces", async () => {
    await using folder = await temporaryFolder();
    const spool = await openSpool(folder.path);
    const writer = await spool.create(1);
    const piece = Buffer.alloc(64 * 1024, 0x61);
    for (let i = 0; i < 800; i += 1) await writer.write(piece);
    expect((await writer.commit()).bytes).toBe(800 * 64 * 1024);
    expect(await spool.sizeOf(1)).toBe(800 * 64 * 1024);
  });
});
