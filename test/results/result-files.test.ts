import { execFileSync } from "node:child_process";
import { mkdtempSync, rmdirSync } from "node:fs";
import { chmod, lstat, mkdir, readdir, readFile, rename, symlink, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { temporaryPath } from "../../electron/engine/results/durable-file.ts";
import { type ResultDisk, type ResultFiles, writeResultFiles } from "../../electron/engine/results/files.ts";
import { resultJson } from "../../electron/engine/results/result-json.ts";
import { readOne, temporaryFolder } from "./support/fixtures.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A result with a real JSON, and pictures with this text under these suffixes. */
function result(
  resultsFolder: string,
  path: string,
  run: string,
  pictures: Record<string, string> = {},
): ResultFiles {
  const taken = Object.entries(pictures).map(([suffix, text]) => ({ suffix, bytes: bytes(text) }));
  const outputs = [{ ...readOne({ DATA_DICT: { run } }), pictures: taken }];
  const parts = { path, sha256: "ab12", bytes: 3, runId: run, revision: 1, deployment: "simulator", outputs };
  return { resultsFolder, path, json: resultJson(parts), pictures: taken };
}

/** Every file below a folder with its content, by relative path. */
async function tree(folder: string, prefix = ""): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const at = join(folder, entry.name);
    if (entry.isDirectory()) Object.assign(found, await tree(at, `${prefix}${entry.name}/`));
    else found[prefix + entry.name] = entry.isFile() ? await readFile(at, "utf8") : "not a file";
  }
  return found;
}

async function written(files: ResultFiles, earlier = "1", disk?: ResultDisk): Promise<string[]> {
  const outcome = await writeResultFiles(files, earlier, disk);
  if (!outcome.ok) throw new Error(JSON.stringify(outcome.failure));
  return outcome.value;
}

describe("result files", () => {
  test("stand beside the image's name in its folders, the JSON named first", async () => {
    await using folder = await temporaryFolder();
    const root = join(folder.path, "results");
    const files = result(root, "a/b/photo.jpg", "r1", { ".t-0.0.png": "one", ".t-0.1.mask-0.png": "two" });
    const names = await written(files);
    expect(names).toEqual([
      "a/b/photo.jpg.json",
      "a/b/photo.jpg.t-0.0.png",
      "a/b/photo.jpg.t-0.1.mask-0.png",
    ]);
    expect(await tree(root)).toEqual({
      "a/b/photo.jpg.json": files.json,
      "a/b/photo.jpg.t-0.0.png": "one",
      "a/b/photo.jpg.t-0.1.mask-0.png": "two",
    });
    expect((JSON.parse(files.json) as { files: string[] }).files).toEqual(names);
  });

  test("written again with the same content are not touched", async () => {
    await using folder = await temporaryFolder();
    const files = result(folder.path, "photo.jpg", "r1", { ".t-0.0.png": "one" });
    const names = await written(files);
    const before = await Promise.all(names.map((name) => lstat(join(folder.path, name))));
    expect(await written(files, "2")).toEqual(names);
    const after = await Promise.all(names.map((name) => lstat(join(folder.path, name))));
    expect(after.map((stat) => [stat.ino, stat.mtimeMs])).toEqual(
      before.map((stat) => [stat.ino, stat.mtimeMs]),
    );
    expect(await readdir(folder.path)).toHaveLength(2);
  });

  test("that are missing are added without touching the others", async () => {
    await using folder = await temporaryFolder();
    const files = result(folder.path, "photo.jpg", "r1", { ".t-0.0.png": "one", ".t-0.1.png": "two" });
    await written(files);
    await unlink(join(folder.path, "photo.jpg.t-0.1.png"));
    await written(files);
    expect(Object.keys(await tree(folder.path)).sort()).toEqual([
      "photo.jpg.json",
      "photo.jpg.t-0.0.png",
      "photo.jpg.t-0.1.png",
    ]);
  });

  test("of images with similar names do not disturb each other", async () => {
    await using folder = await temporaryFolder();
    const paths = [
      "photo.jpg",
      "photo.jpg.png",
      "photo",
      "photo.jpg.t-0.0.png",
      "PHOTO.jpg",
      "photo.jpg.json",
    ];
    const all = paths.map((path) => result(folder.path, path, path, { ".t-0.0.png": path }));
    for (const files of all) await written(files);
    for (const files of all) await written(files);
    const found = await tree(folder.path);
    expect(Object.keys(found)).toHaveLength(paths.length * 2);
    for (const path of paths) expect(found[`${path}.t-0.0.png`]).toBe(path);
  });
});

describe("an earlier result of the same image", () => {
  test("moves aside with all its files, also those that the new one does not have", async () => {
    await using folder = await temporaryFolder();
    const old = result(folder.path, "a/photo.jpg", "old", {
      ".t-0.0.png": "same",
      ".t-0.1.mask-7.png": "only old",
    });
    await written(old);
    const other = result(folder.path, "a/photo.jpg.png", "other", { ".t-0.0.png": "x" });
    await written(other);
    const fresh = result(folder.path, "a/photo.jpg", "new", { ".t-0.0.png": "same" });
    await written(fresh, "rev-3");
    expect(await tree(folder.path)).toEqual({
      "a/photo.jpg.json": fresh.json,
      "a/photo.jpg.t-0.0.png": "same",
      "a/photo.jpg.png.json": other.json,
      "a/photo.jpg.png.t-0.0.png": "x",
      ".earlier/rev-3/a/photo.jpg.json": old.json,
      ".earlier/rev-3/a/photo.jpg.t-0.0.png": "same",
      ".earlier/rev-3/a/photo.jpg.t-0.1.mask-7.png": "only old",
    });
  });

  test("never overwrites one that is there already", async () => {
    await using folder = await temporaryFolder();
    const all = ["1", "2", "3", "4"].map((run) =>
      result(folder.path, "photo.jpg", run, { ".t-0.0.png": run }),
    );
    for (const files of all) await written(files, "rev");
    const found = await tree(folder.path);
    expect(found["photo.jpg.t-0.0.png"]).toBe("4");
    expect(found[".earlier/rev/photo.jpg.t-0.0.png"]).toBe("1");
    expect(found[".earlier/rev/photo.jpg (2).t-0.0.png"]).toBe("2");
    expect(found[".earlier/rev/photo.jpg (3).t-0.0.png"]).toBe("3");
    expect(found[".earlier/rev/photo.jpg (3).json"]).toBe(all[2]!.json);
    expect(Object.keys(found)).toHaveLength(8);
  });

  test("is kept, too, if it is a file of the person's own", async () => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, "photo.jpg.json"), "my notes");
    await writeFile(join(folder.path, "photo.jpg.t-0.0.png"), "my drawing");
    await written(result(folder.path, "photo.jpg", "r", { ".t-0.0.png": "one" }), "rev");
    const found = await tree(folder.path);
    expect(found[".earlier/rev/photo.jpg.json"]).toBe("my notes");
    expect(found[".earlier/rev/photo.jpg.t-0.0.png"]).toBe("my drawing");
  });

  test("cannot name files that are not its own", async () => {
    await using folder = await temporaryFolder();
    const victims = [
      "../victim",
      "other.jpg.json",
      "a/../other.jpg.json",
      "photo.jpg.x/../../victim",
      "/victim",
    ];
    await writeFile(join(folder.path, "other.jpg.json"), "other");
    const liar = { path: "photo.jpg", files: [...victims, 7, null, "photo.jpg.gone.png"] };
    await writeFile(join(folder.path, "photo.jpg.json"), JSON.stringify(liar));
    await written(result(folder.path, "photo.jpg", "r"), "rev");
    expect(Object.keys(await tree(join(folder.path, ".earlier")))).toEqual(["rev/photo.jpg.json"]);
    expect(await readFile(join(folder.path, "other.jpg.json"), "utf8")).toBe("other");
  });

  test.each(["../../outside", "/outside", "con", "a/b", "", ".."])(
    "goes below .earlier for the word %j",
    async (word) => {
      await using folder = await temporaryFolder();
      const root = join(folder.path, "results");
      await written(result(root, "photo.jpg", "old"));
      await written(result(root, "photo.jpg", "new"), word);
      expect(await readdir(folder.path)).toEqual(["results"]);
      expect(await readdir(root)).toEqual([".earlier", "photo.jpg.json"]);
      expect(Object.keys(await tree(join(root, ".earlier")))).toEqual([
        expect.stringMatching(/^[A-Za-z0-9._-]+\/photo\.jpg\.json$/),
      ]);
    },
  );
});

describe("a disk that ignores case", () => {
  test("keeps the results of both images: the second carries a hash of its path", async () => {
    await using folder = await temporaryFolder();
    const upper = result(folder.path, "Photo.jpg", "r1", { ".t-0.0.png": "upper" });
    // On such a disk the name of the second image finds the file of the first.
    await written(upper);
    await rename(join(folder.path, "Photo.jpg.json"), join(folder.path, "photo.jpg.json"));
    const lower = result(folder.path, "photo.jpg", "r2", { ".t-0.0.png": "lower" });
    const names = await written(lower);
    expect(names[0]).toMatch(/^photo\.jpg~[0-9a-f]{8}\.json$/);
    expect(await written(lower)).toEqual(names);
    expect(await readFile(join(folder.path, "photo.jpg.json"), "utf8")).toBe(upper.json);
    expect(await readFile(join(folder.path, names[1]!), "utf8")).toBe("lower");

    const again = await written(result(folder.path, "photo.jpg", "r3"), "rev");
    expect(again).toEqual([names[0]]);
    const found = await tree(folder.path);
    expect(found["photo.jpg.json"]).toBe(upper.json);
    expect(found[`.earlier/rev/${names[1]}`]).toBe("lower");
    expect(Object.keys(found)).not.toContain(names[1]);
  });
});

describe("a crash", () => {
  /** A disk that fails at its nth rename, as if the program had ended there. */
  function crashingAt(n: number): ResultDisk {
    let renames = 0;
    return {
      platform: "linux",
      rename: async (from, to) => {
        renames += 1;
        if (renames === n) throw Object.assign(new Error("EIO"), { code: "EIO" });
        await rename(from, to);
      },
    };
  }

  test.each([1, 2, 3])(
    "while an earlier result moves (file %i) loses nothing, and the next try ends it",
    async (n) => {
      await using folder = await temporaryFolder();
      const old = result(folder.path, "p.jpg", "old", { ".t-0.0.png": "a", ".t-0.1.png": "b" });
      const fresh = result(folder.path, "p.jpg", "new", { ".t-0.0.png": "c" });
      await written(old);
      const outcome = await writeResultFiles(fresh, "rev", crashingAt(n));
      expect(outcome).toMatchObject({ ok: false, failure: { reason: "cannot-write-output", code: "EIO" } });
      await written(fresh, "rev");
      await written(fresh, "rev");
      expect(await tree(folder.path)).toEqual({
        "p.jpg.json": fresh.json,
        "p.jpg.t-0.0.png": "c",
        ".earlier/rev/p.jpg.json": old.json,
        ".earlier/rev/p.jpg.t-0.0.png": "a",
        ".earlier/rev/p.jpg.t-0.1.png": "b",
      });
    },
  );

  test("while a file is written leaves only what the next try cleans up", async () => {
    await using folder = await temporaryFolder();
    const files = result(folder.path, "p.jpg", "r", { ".t-0.0.png": "a", ".t-0.1.png": "b" });
    await writeFile(temporaryPath(join(folder.path, "p.jpg.t-0.1.png")), "half");
    await writeFile(join(folder.path, "p.jpg.t-0.0.png"), "a");
    await written(files);
    expect(Object.keys(await tree(folder.path)).sort()).toEqual([
      "p.jpg.json",
      "p.jpg.t-0.0.png",
      "p.jpg.t-0.1.png",
    ]);
  });
});

describe("a link inside the results folder", () => {
  test("in place of a folder is refused, and nothing is written outside", async () => {
    await using folder = await temporaryFolder();
    const root = join(folder.path, "results");
    await mkdir(join(folder.path, "outside", "deep"), { recursive: true });
    await mkdir(root);
    await symlink(join(folder.path, "outside"), join(root, "sub"));
    for (const path of ["sub/photo.jpg", "sub/deep/photo.jpg"]) {
      expect(await writeResultFiles(result(root, path, "r"), "1")).toEqual({
        ok: false,
        failure: { reason: "cannot-write-output", file: `${path}.json`, code: "ELOOP" },
      });
    }
    expect(await tree(join(folder.path, "outside"))).toEqual({});
  });

  test("in place of .earlier is refused, and the earlier result stays", async () => {
    await using folder = await temporaryFolder();
    const root = join(folder.path, "results");
    const old = result(root, "photo.jpg", "old");
    await written(old);
    await mkdir(join(folder.path, "outside"));
    await symlink(join(folder.path, "outside"), join(root, ".earlier"));
    expect(await writeResultFiles(result(root, "photo.jpg", "new"), "1")).toMatchObject({ ok: false });
    expect(await tree(join(folder.path, "outside"))).toEqual({});
    expect(await readFile(join(root, "photo.jpg.json"), "utf8")).toBe(old.json);
  });

  test("in place of a file is moved aside, and what it leads to stays as it was", async () => {
    await using folder = await temporaryFolder();
    const root = join(folder.path, "results");
    await mkdir(root);
    await writeFile(join(folder.path, "precious"), "mine");
    const files = result(root, "photo.jpg", "r", { ".t-0.0.png": "one" });
    for (const name of ["photo.jpg.json", "photo.jpg.t-0.0.png"])
      await symlink(join(folder.path, "precious"), join(root, name));
    await written(files);
    expect(await readFile(join(folder.path, "precious"), "utf8")).toBe("mine");
    expect(await tree(root)).toMatchObject({ "photo.jpg.json": files.json, "photo.jpg.t-0.0.png": "one" });
  });
});

describe("a disk that refuses", () => {
  const isRoot = process.getuid?.() === 0;

  /** Runs in a mount namespace of its own, so that nothing is left on the machine. */
  function onSmallDisk(options: string, code: string): unknown {
    const mountPoint = mkdtempSync(join(tmpdir(), "nightrun-disk-"));
    try {
      return inNamespace(mountPoint, options, code);
    } finally {
      rmdirSync(mountPoint);
    }
  }

  function inNamespace(mountPoint: string, options: string, code: string): unknown {
    const module = JSON.stringify(join(import.meta.dirname, "../../electron/engine/results/files.ts"));
    const script = `const { writeResultFiles } = await import(${module}); const root = process.argv[1]; ${code}`;
    const shell = `mount -t tmpfs -o ${options} tmpfs "$1" && exec "$2" --input-type=module -e "$3" "$1"`;
    const args = ["-m", "sh", "-c", shell, "sh", mountPoint, process.execPath, script];
    return JSON.parse(execFileSync("unshare", args, { encoding: "utf8" }));
  }

  function canMount(): boolean {
    if (process.platform !== "linux" || !isRoot) {
      console.log("skipped: a full disk is not tried, because only root on Linux can mount a small one");
      return false;
    }
    try {
      onSmallDisk("size=1m", "console.log(1)");
      return true;
    } catch {
      console.log("skipped: a full disk is not tried, because this machine does not allow mounts");
      return false;
    }
  }
  const mountable = canMount();

  test.skipIf(!mountable)(
    "because it is full: says so, leaves no half file, and goes on when there is room",
    () => {
      const outcome = onSmallDisk(
        "size=1m",
        `import { readdirSync, writeFileSync, unlinkSync } from "node:fs";
       writeFileSync(root + "/ballast", Buffer.alloc(700_000));
       const pictures = [{ suffix: ".t-0.0.png", bytes: Buffer.alloc(200_000, 1) }, { suffix: ".t-0.1.png", bytes: Buffer.alloc(400_000, 2) }];
       const files = { resultsFolder: root, path: "p.jpg", json: "{}", pictures };
       const full = await writeResultFiles(files, "1");
       const between = readdirSync(root).sort();
       unlinkSync(root + "/ballast");
       const room = await writeResultFiles(files, "1");
       console.log(JSON.stringify({ full, between, room }));`,
      );
      expect(outcome).toEqual({
        full: {
          ok: false,
          failure: { reason: "cannot-write-output", file: "p.jpg.t-0.1.png", code: "ENOSPC" },
        },
        between: ["ballast", "p.jpg.t-0.0.png"],
        room: { ok: true, value: ["p.jpg.json", "p.jpg.t-0.0.png", "p.jpg.t-0.1.png"] },
      });
    },
  );

  test.skipIf(!mountable)("because it is read-only: says so", () => {
    const outcome = onSmallDisk(
      "size=1m,ro",
      `console.log(JSON.stringify(await writeResultFiles({ resultsFolder: root, path: "a/p.jpg", json: "{}", pictures: [] }, "1")));`,
    );
    expect(outcome).toEqual({
      ok: false,
      failure: { reason: "cannot-write-output", file: "a/p.jpg.json", code: "EROFS" },
    });
  });

  test.skipIf(isRoot)("because of permissions: says so", async () => {
    await using folder = await temporaryFolder();
    await chmod(folder.path, 0o500);
    expect(await writeResultFiles(result(folder.path, "p.jpg", "r"), "1")).toMatchObject({
      ok: false,
      failure: { reason: "cannot-write-output", code: "EACCES" },
    });
    await chmod(folder.path, 0o700);
  });

  test("because the path is too long: says so", async () => {
    await using folder = await temporaryFolder();
    const path = `${Array.from({ length: 25 }, () => "d".repeat(200)).join("/")}/p.jpg`;
    expect(await writeResultFiles(result(folder.path, path, "r"), "1")).toEqual({
      ok: false,
      failure: { reason: "cannot-write-output", file: `${path}.json`, code: "ENAMETOOLONG" },
    });
  });

  test("because a file stands where a folder has to be, or a folder where a file has to be: says so", async () => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, "a"), "");
    await mkdir(join(folder.path, "q.jpg.json"));
    expect(await writeResultFiles(result(folder.path, "a/p.jpg", "r"), "1")).toMatchObject({
      failure: { code: "ENOTDIR" },
    });
    expect(await writeResultFiles(result(folder.path, "q.jpg", "r"), "1")).toMatchObject({
      failure: { file: "q.jpg.json", code: "EISDIR" },
    });
  });

  test("because a spreadsheet holds the earlier file open (Windows): writes under the next number", async () => {
    await using folder = await temporaryFolder();
    const old = result(folder.path, "p.jpg", "old", { ".t-0.0.png": "a" });
    const fresh = result(folder.path, "p.jpg", "new", { ".t-0.0.png": "b" });
    await written(old);
    const locked: ResultDisk = {
      platform: "win32",
      rename: async (from, to) => {
        if (from.endsWith("p.jpg.json")) throw Object.assign(new Error("EBUSY"), { code: "EBUSY" });
        await rename(from, to);
      },
    };
    const names = await written(fresh, "rev", locked);
    expect(names).toEqual(["p.jpg (2).json", "p.jpg (2).t-0.0.png"]);
    expect(await written(fresh, "rev", locked)).toEqual(names);
    expect(await tree(folder.path)).toEqual({
      "p.jpg.json": old.json,
      "p.jpg (2).json": fresh.json,
      "p.jpg (2).t-0.0.png": "b",
      ".earlier/rev/p.jpg.t-0.0.png": "a",
    });
    const elsewhere = await writeResultFiles(fresh, "rev", { ...locked, platform: "linux" });
    expect(elsewhere).toMatchObject({ ok: false, failure: { code: "EBUSY" } });
  });
});
