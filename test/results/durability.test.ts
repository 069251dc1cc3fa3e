import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { link, lstat, mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { syncFolder, temporaryPath, writeDurably } from "../../electron/engine/results/durable-file.ts";
import { temporaryFolder } from "./support/fixtures.ts";

const RESULTS = join(import.meta.dirname, "../../electron/engine/results");

function hasStrace(): boolean {
  try {
    execFileSync("strace", ["-f", "-o", "/dev/null", "true"], { stdio: "ignore" });
    return true;
  } catch {
    console.log("skipped: the order of system calls is not checked, because strace does not work here");
    return false;
  }
}
const canTrace = process.platform === "linux" && hasStrace();

/** The file-changing system calls of a piece of code that have to do with `folder`, in order, shortened. */
function systemCalls(folder: string, code: string): string[] {
  const log = join(folder, "trace.log");
  const calls = "trace=fsync,rename,renameat,renameat2,unlink,pwrite64,write,link,linkat";
  execFileSync("strace", [
    "-f",
    "-qq",
    "-y",
    "-o",
    log,
    "-e",
    calls,
    process.execPath,
    "--input-type=module",
    "-e",
    code,
  ]);
  return readFileSync(log, "utf8")
    .split("\n")
    .filter((line) => line.includes(`${folder}/work`))
    .map((line) => line.replace(/^\d+\s+/, "").replaceAll(`${folder}/work`, "@"))
    .filter((line) => !line.includes("resumed"))
    .map((line) => {
      const name =
        /^\w+/
          .exec(line)?.[0]
          .replace(/^p?write(?:64)?$/, "write")
          .replace(/^renameat2?$/, "rename") ?? "";
      const paths = [...line.matchAll(/[<"](@[^>"]*)[>"]/g)].map((match) => match[1]);
      return `${name} ${paths.join(" ")}`;
    });
}

describe("the order of things on disk", () => {
  test.skipIf(!canTrace)("of a spooled answer: bytes, fsync, name, fsync of the folder", async () => {
    await using folder = await temporaryFolder();
    mkdirSync(join(folder.path, "work"));
    const calls = systemCalls(
      folder.path,
      `import { openSpool } from ${JSON.stringify(join(RESULTS, "spool.ts"))};
       const spool = await openSpool(${JSON.stringify(join(folder.path, "work"))});
       const writer = await spool.create(9);
       await writer.write(Buffer.from("answer"));
       await writer.commit();`,
    );
    const opened = "fsync @";
    expect(calls).toEqual([
      opened,
      "write @/9.part",
      "fsync @/9.part",
      "rename @/9.part @/9.answer",
      "fsync @",
    ]);
  });

  test.skipIf(!canTrace)("of a file: bytes, fsync, name, fsync of the folder", async () => {
    await using folder = await temporaryFolder();
    mkdirSync(join(folder.path, "work"));
    const calls = systemCalls(
      folder.path,
      `import { writeDurably } from ${JSON.stringify(join(RESULTS, "durable-file.ts"))};
       await writeDurably(${JSON.stringify(join(folder.path, "work", "a.json"))}, "{}");`,
    );
    const temp = /@\/\.nightrun-[0-9a-f]{16}\.tmp/.exec(calls[0] ?? "")?.[0] ?? "none";
    expect(calls).toEqual([`write ${temp}`, `fsync ${temp}`, `rename ${temp} @/a.json`, "fsync @"]);
  });

  test.skipIf(!canTrace)(
    "of an image's results: every file before its name, the JSON last, one fsync of the folder",
    async () => {
      await using folder = await temporaryFolder();
      mkdirSync(join(folder.path, "work"));
      const calls = systemCalls(
        folder.path,
        `import { writeResultFiles } from ${JSON.stringify(join(RESULTS, "files.ts"))};
         const bytes = Buffer.from("picture");
         const pictures = [{ suffix: ".a-0.0.png", bytes }, { suffix: ".a-0.1.png", bytes }];
         await writeResultFiles({ resultsFolder: ${JSON.stringify(join(folder.path, "work"))}, path: "p.jpg", json: "{}", pictures }, "1");`,
      );
      const named = calls.map((call) => call.replaceAll(/\.nightrun-[0-9a-f]{16}\.tmp/g, "T"));
      expect(named).toEqual([
        ...["write @/T", "fsync @/T", "rename @/T @/p.jpg.a-0.0.png"],
        ...["write @/T", "fsync @/T", "rename @/T @/p.jpg.a-0.1.png"],
        ...["write @/T", "fsync @/T", "rename @/T @/p.jpg.json"],
        "fsync @",
      ]);
    },
  );
});

describe("what a crash left complete, but maybe not durable", () => {
  test.skipIf(!canTrace)("is made durable by writing the same results again", async () => {
    await using folder = await temporaryFolder();
    const work = join(folder.path, "work");
    mkdirSync(work);
    await writeFile(join(work, "p.jpg.json"), "{}");
    const calls = systemCalls(
      folder.path,
      `import { writeResultFiles } from ${JSON.stringify(join(RESULTS, "files.ts"))};
       await writeResultFiles({ resultsFolder: ${JSON.stringify(work)}, path: "p.jpg", json: "{}", pictures: [] }, "1");`,
    );
    expect(calls).toEqual(["fsync @"]);
  });

  test.skipIf(!canTrace)("is made durable by moving an answer again", async () => {
    await using folder = await temporaryFolder();
    const work = join(folder.path, "work");
    mkdirSync(join(work, "spool"), { recursive: true });
    await writeFile(join(work, "1.raw"), "");
    const calls = systemCalls(
      folder.path,
      `import { openSpool } from ${JSON.stringify(join(RESULTS, "spool.ts"))};
       const spool = await openSpool(${JSON.stringify(join(work, "spool"))});
       await spool.moveTo(1, ${JSON.stringify(join(work, "1.raw"))});`,
    );
    expect(calls).toEqual(["fsync @/spool", "fsync @", "fsync @/spool"]);
  });
});

describe("a durable file", () => {
  test("replaces the one of its name, and leaves nothing else behind", async () => {
    await using folder = await temporaryFolder();
    const file = join(folder.path, "a.json");
    await writeDurably(file, "old");
    await writeDurably(file, new TextEncoder().encode("new"));
    expect(await readFile(file, "utf8")).toBe("new");
    expect(await readdir(folder.path)).toEqual(["a.json"]);
  });

  test("replaces a link, not what the link leads to", async () => {
    await using folder = await temporaryFolder();
    const outside = join(folder.path, "outside");
    await writeFile(outside, "mine");
    await symlink(outside, join(folder.path, "a.json"));
    await writeDurably(join(folder.path, "a.json"), "result");
    expect(await readFile(outside, "utf8")).toBe("mine");
    expect((await lstat(join(folder.path, "a.json"))).isFile()).toBe(true);
  });

  test("is not written into what stands under its temporary name", async () => {
    await using folder = await temporaryFolder();
    const outside = join(folder.path, "outside");
    await writeFile(outside, "mine");
    const file = join(folder.path, "sub", "a.json");
    await mkdir(join(folder.path, "sub"));
    const temp = temporaryPath(file);
    for (const plant of [symlink, link]) {
      await plant(outside, temp);
      await writeDurably(file, "result");
      expect(await readFile(outside, "utf8")).toBe("mine");
      expect(await readdir(join(folder.path, "sub"))).toEqual(["a.json"]);
    }
  });

  test("can have a name that is not UTF-8", async () => {
    if (process.platform !== "linux") return;
    await using folder = await temporaryFolder();
    const file = Buffer.concat([Buffer.from(`${folder.path}/`), Buffer.from([0x61, 0xff, 0x2e, 0x6a])]);
    await writeDurably(file, "bytes");
    expect(await readFile(file, "utf8")).toBe("bytes");
    await syncFolder(Buffer.from(folder.path));
    expect(await readdir(Buffer.from(folder.path) as never, { encoding: "buffer" })).toEqual([
      file.subarray(-4),
    ]);
  });

  test("that cannot be put in place leaves no temporary file and the earlier one as it was", async () => {
    await using folder = await temporaryFolder();
    const file = join(folder.path, "a.json");
    await mkdir(join(file, "full"), { recursive: true });
    await expect(writeDurably(file, "x")).rejects.toThrow(/EISDIR|ENOTEMPTY|EEXIST|EPERM/);
    expect(await readdir(folder.path)).toEqual(["a.json"]);
  });
});
