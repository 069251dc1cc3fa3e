import { execFile, execFileSync } from "node:child_process";
import { link, mkdir, rename, rm, symlink, unlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  observe,
  walk,
  type WalkEntry,
  type WalkOptions,
  type WalkSummary,
} from "../../electron/engine/intake/walk.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const run = promisify(execFile);
const ALL = { recursive: true, include: [], exclude: [], excludedFolders: [] };

interface Walked {
  entries: WalkEntry[];
  summary: WalkSummary;
  /** "kind path", sorted. */
  list: string[];
}

async function walked(root: string, options: Partial<WalkOptions> = {}): Promise<Walked> {
  const entries: WalkEntry[] = [];
  const result = await walk({ ...ALL, root, ...options }, async (batch) => {
    entries.push(...batch);
  });
  if (!result.ok) throw new Error(`expected a walk, found ${result.failure.reason}`);
  return {
    entries,
    summary: result.value,
    list: entries.map((entry) => `${entry.kind} ${pathOf(entry)}`).sort(),
  };
}

function pathOf(entry: WalkEntry): string {
  return entry.kind === "special" ? entry.path : entry.observation.path;
}

async function fill(root: string, ...paths: string[]): Promise<void> {
  for (const path of paths) {
    await mkdir(join(root, path, ".."), { recursive: true });
    await writeFile(join(root, path), path);
  }
}

describe("a walk", () => {
  it("reports images, and files that are none with the reason, each once and by relative path", async () => {
    const root = await temporaryFolder();
    await fill(root, "a.jpg", "b/c/d.TIFF", "b/notes.txt", "b/README");
    const { list, entries, summary } = await walked(root);
    expect(list).toEqual(["file a.jpg", "file b/c/d.TIFF", "foreign b/README", "foreign b/notes.txt"]);
    expect(entries.find((entry) => pathOf(entry) === "b/notes.txt")).toMatchObject({ found: "text" });
    expect(entries.find((entry) => pathOf(entry) === "a.jpg")).toMatchObject({ observation: { bytes: 5 } });
    expect(summary).toMatchObject({ complete: true, files: 2, junk: 0, excluded: 0, unreadable: [] });
  });

  it("stays in the folder itself when told so", async () => {
    const root = await temporaryFolder();
    await fill(root, "a.jpg", "b/c.jpg");
    expect((await walked(root, { recursive: false })).list).toEqual(["file a.jpg"]);
  });

  it("leaves out and counts junk", async () => {
    const root = await temporaryFolder();
    await fill(root, "a.jpg", "a.jpg.part", ".hidden.jpg", "@eaDir/a.jpg", "$RECYCLE.BIN/b/c.jpg");
    const { list, summary } = await walked(root);
    expect(list).toEqual(["file a.jpg"]);
    expect(summary.junk).toBe(4);
  });

  it("honours include and exclude globs, and does not enter excluded folders", async () => {
    const root = await temporaryFolder();
    await fill(root, "a.jpg", "b.PNG", "raw/a.jpg", "sub/raw/b.jpg", "sub/c.jpg");
    const only = await walked(root, { include: ["*.jpg"] });
    expect(only.list).toEqual(["file a.jpg", "file raw/a.jpg", "file sub/c.jpg", "file sub/raw/b.jpg"]);
    expect(only.summary.excluded).toBe(1);
    const without = await walked(root, { exclude: ["raw", "*.png"] });
    expect(without.list).toEqual(["file a.jpg", "file sub/c.jpg"]);
    expect(without.summary.excluded).toBe(3);
    expect((await walked(root, { exclude: ["sub/**"] })).list).not.toContain("file sub/c.jpg");
  });

  it("never enters Nightrun's own folders, by whatever path they are met", async () => {
    const root = await temporaryFolder();
    const alias = join(await temporaryFolder(), "alias");
    await symlink(root, alias);
    await fill(root, "a.jpg", "results/a.jpg.png", "data/x.jpg", "night.db");
    const excludedFolders = [join(alias, "results"), `${root}/sub/../data/`];
    for (const start of [root, alias, `${root}/`]) {
      const excludedFiles = [join(root, "night.db")];
      const { list, summary } = await walked(start, { excludedFolders, excludedFiles });
      expect(list).toEqual(["file a.jpg"]);
      expect(summary).toMatchObject({ complete: true, excluded: 0 });
    }
  });

  it("does not enter a results folder that comes into being during the walk", async () => {
    const root = await temporaryFolder();
    const results = join(root, "sub/results");
    await fill(root, "a.jpg", "sub/b.jpg");
    const seen: string[] = [];
    await walk({ ...ALL, root, excludedFolders: [results] }, async (entries) => {
      seen.push(...entries.map(pathOf));
      await fill(root, "sub/results/a.jpg.png");
    });
    expect(seen.sort()).toEqual(["a.jpg", "sub/b.jpg"]);
  });

  it("reports links, pipes and sockets that are named like images, and follows none", async () => {
    const root = await temporaryFolder();
    const outside = await temporaryFolder();
    await fill(outside, "secret.jpg");
    await fill(root, "a.jpg", "sub/b.jpg");
    await symlink(join(outside, "secret.jpg"), join(root, "file-link.jpg"));
    await symlink(outside, join(root, "folder-link"));
    await symlink(outside, join(root, "folder-link.jpg"));
    await symlink("..", join(root, "sub/loop"));
    await symlink("nowhere", join(root, "dangling.jpg"));
    await run("mkfifo", [join(root, "pipe.jpg"), join(root, "pipe")]);
    const server = createServer().listen(join(root, "socket.jpg"));
    onTestFinished(() => void server.close());
    const { list, entries, summary } = await walked(root);
    expect(list).toEqual([
      "file a.jpg",
      "file sub/b.jpg",
      "special dangling.jpg",
      "special file-link.jpg",
      "special folder-link.jpg",
      "special pipe.jpg",
      "special socket.jpg",
    ]);
    expect(
      Object.fromEntries(
        entries.flatMap((entry) => (entry.kind === "special" ? [[entry.path, entry.special]] : [])),
      ),
    ).toEqual({
      "dangling.jpg": "symbolic link",
      "file-link.jpg": "symbolic link",
      "folder-link.jpg": "symbolic link",
      "pipe.jpg": "named pipe",
      "socket.jpg": "socket",
    });
    expect(summary.complete).toBe(true);
  });

  it("may start at a link, because the person chose it", async () => {
    const root = await temporaryFolder();
    await fill(root, "a.jpg");
    const alias = join(await temporaryFolder(), "alias");
    await symlink(root, alias);
    expect((await walked(alias)).list).toEqual(["file a.jpg"]);
    expect((await walked(alias)).summary.rootId).toBe((await walked(root)).summary.rootId);
  });

  it("reports both names of one file, with one file id", async () => {
    const root = await temporaryFolder();
    await fill(root, "a.jpg");
    await link(join(root, "a.jpg"), join(root, "b.jpg"));
    const { entries } = await walked(root);
    const ids = new Set(entries.map((entry) => (entry.kind === "file" ? entry.observation.fileId : "")));
    expect([entries.length, ids.size]).toEqual([2, 1]);
  });

  it("fails clearly when there is no folder", async () => {
    const root = await temporaryFolder();
    await fill(root, "file");
    for (const folder of [join(root, "none"), join(root, "file"), join(root, "file/below")]) {
      const result = await walk({ ...ALL, root: folder }, async () => undefined);
      expect(result).toEqual({ ok: false, failure: { reason: "folder-missing", folder } });
    }
  });

  it("waits for the callback, hands over at most 500 at a time, and passes its error on", async () => {
    const root = await temporaryFolder();
    await Promise.all(Array.from({ length: 1201 }, (_, i) => writeFile(join(root, `${i}.jpg`), "")));
    let running = 0;
    const sizes: number[] = [];
    await walk({ ...ALL, root }, async (entries) => {
      running += 1;
      expect(running).toBe(1);
      sizes.push(entries.length);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
    });
    expect(sizes).toEqual([500, 500, 201]);
    const error = Object.assign(new Error("the store is closed"), { code: "ENOENT" });
    await expect(walk({ ...ALL, root }, () => Promise.reject(error))).rejects.toBe(error);
  });

  it("leaves out what vanishes meanwhile and is still complete", async () => {
    const root = await temporaryFolder();
    await fill(root, "a.jpg", "sub/b.jpg", "sub/sub/c.jpg");
    const result = await walk({ ...ALL, root }, async () => {
      await rm(join(root, "sub"), { recursive: true, force: true });
    });
    expect(result).toMatchObject({ ok: true, value: { complete: true, files: 1 } });
  });
});

describe("a walk is not complete, so that nothing counts as missing,", () => {
  it("when it was aborted", async () => {
    const root = await temporaryFolder();
    await fill(root, "a.jpg", "sub/b.jpg");
    const abort = new AbortController();
    const { summary } = await walked(root, { signal: AbortSignal.abort() });
    expect(summary).toMatchObject({ complete: false, files: 0 });
    const result = await walk({ ...ALL, root, signal: abort.signal }, async () => {
      abort.abort();
    });
    expect(result).toMatchObject({ ok: true, value: { complete: false, files: 1 } });
  });

  it("when the folder was taken away or replaced meanwhile", async () => {
    for (const isReplaced of [false, true]) {
      const parent = await temporaryFolder();
      const root = join(parent, "root");
      await fill(root, "a.jpg", "sub/b.jpg");
      const result = await walk({ ...ALL, root }, async () => {
        await rename(root, join(parent, "away"));
        if (isReplaced) await mkdir(root);
      });
      expect(result).toMatchObject({ ok: true, value: { complete: false, files: 1 } });
    }
  });

  it("when a folder lies too deep to be read", async () => {
    const root = await temporaryFolder();
    onTestFinished(() => void execFileSync("rm", ["-rf", root]));
    const chain = Array.from({ length: 15 }, () => "d".repeat(250)).join("/");
    // No call takes a path this long, so the lower half is moved below the upper one.
    await fill(root, `${chain}/a.jpg`, `lower/${chain}/b.jpg`);
    await rename(join(root, "lower"), join(root, chain, "lower"));
    const { summary } = await walked(root);
    expect(summary).toMatchObject({ complete: false, files: 1 });
    expect(summary.unreadable.map(({ code }) => code)).toEqual(["ENAMETOOLONG"]);
  });

  it("when there is no right to read or to enter a folder, and says which", async () => {
    const root = await temporaryFolder();
    await fill(root, "a.jpg", "no-list/b.jpg", "no-enter/c.jpg", "no-enter/d.jpg", "no-read.jpg");
    execFileSync("chmod", ["755", root]);
    execFileSync("chmod", ["711", join(root, "no-list")]);
    execFileSync("chmod", ["744", join(root, "no-enter")]);
    execFileSync("chmod", ["600", join(root, "no-read.jpg")]);
    const program = new URL("./unprivileged-program.ts", import.meta.url).pathname;
    const isRoot = process.getuid?.() === 0;
    if (!isRoot) execFileSync("chmod", ["000", join(root, "no-list"), join(root, "no-read.jpg")]);
    if (!isRoot) execFileSync("chmod", ["444", join(root, "no-enter")]);
    const { stdout } = await run(process.execPath, [program, root]);
    execFileSync("chmod", ["-R", "u+rwx", root]);
    expect(JSON.parse(stdout)).toEqual({
      complete: false,
      unreadable: [
        { path: "no-enter", code: "EACCES" },
        { path: "no-list", code: "EACCES" },
      ],
      files: ["a.jpg", "no-read.jpg"],
      opened: { ok: false, failure: { reason: "unreadable", code: "EACCES" } },
      root: {
        ok: false,
        failure: { reason: "folder-unreadable", folder: join(root, "no-list"), code: "EACCES" },
      },
    });
  });
});

describe("a look at one path", () => {
  it("judges like the walk, and knows nothing that the walk does not report", async () => {
    const root = await temporaryFolder();
    const outside = await temporaryFolder();
    await fill(outside, "secret.jpg");
    await fill(
      root,
      "a.jpg",
      "b.txt",
      "sub/c.jpg",
      "@eaDir/d.jpg",
      "x.jpg.part",
      "results/e.jpg",
      "raw/f.jpg",
      "sub/raw/g.jpg",
    );
    await symlink(outside, join(root, "folder-link"));
    await symlink("a.jpg", join(root, "link.jpg"));
    await symlink("a.jpg", join(root, "link"));
    const everything = [
      "a.jpg",
      "b.txt",
      "sub",
      "sub/c.jpg",
      "@eaDir/d.jpg",
      "x.jpg.part",
      "results/e.jpg",
      "raw/f.jpg",
      "sub/raw/g.jpg",
      "folder-link/secret.jpg",
      "link.jpg",
      "link",
      "gone.jpg",
      "a.jpg/x.jpg",
    ];
    const variants = [
      ALL,
      { ...ALL, recursive: false },
      { ...ALL, exclude: ["raw"], excludedFolders: [join(root, "results")] },
      { ...ALL, include: ["*.jpg"], excludedFiles: [join(root, "a.jpg")] },
    ];
    for (const options of variants) {
      const { entries } = await walked(root, options);
      for (const path of everything) {
        const expected = entries.find((entry) => pathOf(entry) === path) ?? null;
        expect({ path, entry: await observe(root, path, options) }).toEqual({ path, entry: expected });
      }
    }
  });

  it("sees that a results folder has come into being since the last look", async () => {
    const root = await temporaryFolder();
    const alias = join(await temporaryFolder(), "alias");
    await symlink(root, alias);
    const options = { ...ALL, excludedFolders: [join(alias, "results")] };
    expect(await observe(root, "results/a.jpg", options)).toBeNull();
    await fill(root, "results/a.jpg");
    expect(await observe(root, "results/a.jpg", options)).toBeNull();
  });

  it("finds nothing once the file is gone", async () => {
    const root = await temporaryFolder();
    await fill(root, "a.jpg");
    expect(await observe(root, "a.jpg", ALL)).not.toBeNull();
    await unlink(join(root, "a.jpg"));
    expect(await observe(root, "a.jpg", ALL)).toBeNull();
  });
});

describe("a walk over 20,000 files", () => {
  it("finds them all without holding up the program", { timeout: 120_000 }, async () => {
    const root = await temporaryFolder();
    const script = 'for d in $(seq 20); do mkdir $d && (cd $d && seq -f "%g.jpg" 1000 | xargs touch); done';
    execFileSync("sh", ["-c", script], { cwd: root });
    await walked(root, { recursive: false });
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    const { summary } = await walked(root);
    delay.disable();
    expect(summary).toMatchObject({ complete: true, files: 20_000 });
    // Generous, because other programs share the machine.
    expect(delay.percentile(90) / 1e6).toBeLessThan(50);
    expect(delay.max / 1e6).toBeLessThan(1000);
  });
});
