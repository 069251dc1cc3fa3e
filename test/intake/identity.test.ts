import { createHash, randomBytes } from "node:crypto";
import { appendFile, open, truncate, utimes, writeFile, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { createReader } from "../../electron/engine/intake/formats/reader.ts";
import { fingerprintOf, hashImage, sha256Hex } from "../../electron/engine/intake/identity.ts";
import { temporaryFolder } from "./temporary-folder.ts";

async function fileOf(content: Buffer): Promise<{ file: string; handle: FileHandle }> {
  const file = join(await temporaryFolder(), "a.jpg");
  await writeFile(file, content);
  const handle = await open(file);
  onTestFinished(() => handle.close());
  return { file, handle };
}

/** The same descriptor; `meanwhile` happens before its second read. */
function interrupted(handle: FileHandle, meanwhile: () => Promise<void>): FileHandle {
  let reads = 0;
  return new Proxy(handle, {
    get(target, key) {
      if (key === "stat") return target.stat.bind(target);
      if (key !== "read") return undefined;
      return async (buffer: Buffer, offset: number, length: number, position: number) => {
        reads += 1;
        if (reads === 2) await meanwhile();
        return target.read(buffer, offset, length, position);
      };
    },
  });
}

const STILL_CHANGING = { ok: false, failure: { reason: "still-changing" } };

describe("the hash of a file", () => {
  it.each([0, 1, 256 * 1024 - 1, 256 * 1024, 256 * 1024 + 1, 1_500_000])(
    "is SHA-256, for %i bytes",
    async (bytes) => {
      const content = randomBytes(bytes);
      const { handle } = await fileOf(content);
      const results = await Promise.all(Array.from({ length: 6 }, () => hashImage(handle, bytes)));
      const expected = createHash("sha256").update(content).digest();
      for (const result of results) expect(result).toEqual({ ok: true, value: expected });
      expect(sha256Hex(expected)).toBe(expected.toString("hex"));
      expect(sha256Hex(new Uint8Array(expected).subarray(0, 2))).toBe(expected.toString("hex", 0, 2));
    },
  );

  it("is refused when the size is not the expected one", async () => {
    const { handle } = await fileOf(randomBytes(1000));
    expect(await hashImage(handle, 999)).toEqual(STILL_CHANGING);
    expect(await hashImage(handle, 1001)).toEqual(STILL_CHANGING);
  });

  it("is refused when the file changes while it is read", async () => {
    const bytes = 2_400_000;
    const changes: ((file: string) => Promise<void>)[] = [
      (file) => truncate(file, 1_200_000),
      (file) => appendFile(file, "x"),
      async (file) => {
        const writer = await open(file, "r+");
        await writer.write("x", 0);
        await writer.close();
        // A coarse file system clock must not hide it from this test.
        await utimes(file, 5, 5);
      },
    ];
    for (const change of changes) {
      const { file, handle } = await fileOf(randomBytes(bytes));
      expect(
        await hashImage(
          interrupted(handle, () => change(file)),
          bytes,
        ),
      ).toEqual(STILL_CHANGING);
    }
  });

  it("tells the code of a read error", async () => {
    const { handle } = await fileOf(Buffer.from("x"));
    const broken = interrupted(handle, async () => undefined);
    const failing = new Proxy(broken, {
      get: (target, key) =>
        key === "read"
          ? () => Promise.reject(Object.assign(new Error("input/output error"), { code: "EIO" }))
          : (Reflect.get(target, key) as unknown),
    });
    expect(await hashImage(failing, 1)).toEqual({
      ok: false,
      failure: { reason: "unreadable", code: "EIO" },
    });
  });
});

describe("the fingerprint of a file", () => {
  async function printOf(content: Buffer, bytes = content.length): Promise<number | null> {
    const { handle } = await fileOf(content);
    return fingerprintOf(createReader(handle, bytes));
  }

  it.each([1, 100, 16 * 1024, 40_000, 1_500_000])("is equal for equal bytes, %i of them", async (bytes) => {
    const content = randomBytes(bytes);
    const print = await printOf(content);
    expect(print).toBe(await printOf(Buffer.from(content)));
    expect(Number.isSafeInteger(print) && (print ?? -1) >= 0).toBe(true);
  });

  it("is another one for another size, beginning, middle or end", async () => {
    const content = randomBytes(1_500_000);
    const others = [0, 750_000, 1_499_999].map((at) => {
      const other = Buffer.from(content);
      other[at] = (other[at] ?? 0) ^ 1;
      return other;
    });
    const prints = [
      content,
      ...others,
      content.subarray(0, -1),
      Buffer.alloc(500_000),
      Buffer.alloc(500_001),
    ];
    expect(new Set(await Promise.all(prints.map((bytes) => printOf(bytes)))).size).toBe(prints.length);
  });

  it("is the same after the reader was used for an inspection", async () => {
    const content = randomBytes(300_000);
    const { handle } = await fileOf(content);
    const used = createReader(handle, content.length);
    for (const at of [0, 5, 299_000, 20_000, 120_000]) await used.at(at, 700);
    expect(await fingerprintOf(used)).toBe(await printOf(content));
  });

  it("is none when the file is shorter than it was", async () => {
    expect(await printOf(randomBytes(1000), 1001)).toBeNull();
  });
});
