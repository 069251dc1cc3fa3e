import { execFile, execFileSync } from "node:child_process";
import { mkdir, rename, rm, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it, onTestFinished } from "vitest";
import { watchFolder, type WatchOptions } from "../../electron/engine/intake/watch.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const run = promisify(execFile);

/** A user namespace has watch limits of its own that a test may lower. */
function canLowerLimits(): boolean {
  try {
    execFileSync("unshare", ["-Ur", "true"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** Hints that a busy machine may add at any time are of no interest. */
function named(hints: readonly (string | null)[]): Set<string> {
  return new Set(hints.filter((path) => path !== null));
}

/** A watch whose hints can be waited for. */
async function watching(root: string, options: Partial<WatchOptions> = {}) {
  const hints: (string | null)[] = [];
  const troubles: string[] = [];
  let waiting: { wanted: string | null; resolve: () => void }[] = [];
  const watch = await watchFolder({
    root,
    recursive: true,
    ignored: () => false,
    onTrouble: ({ code }) => troubles.push(code),
    ...options,
    onHint: (path) => {
      hints.push(path);
      for (const { wanted, resolve } of waiting) if (wanted === path) resolve();
      waiting = waiting.filter(({ wanted }) => wanted !== path);
    },
  });
  onTestFinished(() => watch.close());
  const hinted = (wanted: string | null): Promise<void> =>
    hints.includes(wanted) ? Promise.resolve() : new Promise((resolve) => waiting.push({ wanted, resolve }));
  return { watch, hints, troubles, hinted };
}

describe("the watch", () => {
  it("hints at new, changed and removed files, also in new folders, by relative path", async () => {
    const root = await temporaryFolder();
    await writeFile(join(root, "old.jpg"), "1");
    const { hints, hinted } = await watching(root);
    await writeFile(join(root, "new%25.jpg"), "1");
    await hinted("new%2525.jpg");
    await writeFile(join(root, "old.jpg"), "22");
    await hinted("old.jpg");
    await mkdir(join(root, "a/b"), { recursive: true });
    await writeFile(join(root, "a/b/~deep\n.jpg"), "1");
    await hinted("a/b/~deep\n.jpg");
    hints.length = 0;
    await unlink(join(root, "old.jpg"));
    await hinted("old.jpg");
  });

  it("stays silent about junk, ignored folders and, when told so, subfolders", async () => {
    const root = await temporaryFolder();
    const results = join(root, "results");
    await mkdir(results);
    const { hints, hinted } = await watching(root, { ignored: (path) => path === results });
    await writeFile(join(results, "a.jpg"), "1");
    await mkdir(join(root, "@eaDir"));
    await writeFile(join(root, "@eaDir/a.jpg"), "1");
    await writeFile(join(root, "half.jpg.part"), "1");
    await writeFile(join(root, "last.jpg"), "1");
    await hinted("last.jpg");
    expect(named(hints)).toEqual(new Set(["last.jpg"]));

    const flat = await watching(root, { recursive: false });
    await mkdir(join(root, "sub"));
    await writeFile(join(root, "sub/a.jpg"), "1");
    await writeFile(join(root, "flat.jpg"), "1");
    await flat.hinted("flat.jpg");
    expect(named(flat.hints)).toEqual(new Set(["flat.jpg"]));
  });

  it("never looks behind a link", async () => {
    const root = await temporaryFolder();
    const outside = await temporaryFolder();
    await run("ln", ["-s", outside, join(root, "link")]);
    const { hints, hinted } = await watching(root);
    await writeFile(join(outside, "secret.jpg"), "1");
    await writeFile(join(root, "last.jpg"), "1");
    await hinted("last.jpg");
    expect(named(hints)).toEqual(new Set(["last.jpg"]));
  });

  it("starts on a missing folder and asks for a walk when it appears", async () => {
    const parent = await temporaryFolder();
    const root = join(parent, "later");
    const { troubles, hinted } = await watching(root, { rootCheckMs: 20 });
    await mkdir(root);
    await hinted(null);
    await writeFile(join(root, "a.jpg"), "1");
    await hinted("a.jpg");
    expect(troubles).toEqual([]);
  });

  it("watches the new folder when the root is replaced", async () => {
    const parent = await temporaryFolder();
    const root = join(parent, "root");
    await mkdir(root);
    const { hinted } = await watching(root, { rootCheckMs: 20 });
    await mkdir(join(parent, "other"));
    await rename(root, join(parent, "away"));
    await rename(join(parent, "other"), root);
    await hinted(null);
    await writeFile(join(root, "a.jpg"), "1");
    await hinted("a.jpg");
  });

  it("asks for a walk after the event loop stood still", async () => {
    const { hints, hinted } = await watching(await temporaryFolder());
    hints.length = 0;
    const until = performance.now() + 1000;
    while (performance.now() < until);
    await hinted(null);
  });

  it("gives no hint after it is closed", async () => {
    const root = await temporaryFolder();
    const closed = await watching(root);
    await closed.watch.close();
    const other = await watching(root);
    await writeFile(join(root, "a.jpg"), "1");
    await other.hinted("a.jpg");
    expect(named(closed.hints)).toEqual(new Set());
  });

  it("is not switched to polling from outside", async () => {
    process.env["CHOKIDAR_USEPOLLING"] = "1";
    process.env["CHOKIDAR_INTERVAL"] = "100000000";
    onTestFinished(() => {
      delete process.env["CHOKIDAR_USEPOLLING"];
      delete process.env["CHOKIDAR_INTERVAL"];
    });
    const root = await temporaryFolder();
    const { hinted } = await watching(root);
    await writeFile(join(root, "a.jpg"), "1");
    await hinted("a.jpg");
    expect(process.env["CHOKIDAR_USEPOLLING"]).toBe("1");
  });

  it("says so when the name of the folder cannot be watched", async () => {
    const root = join(await temporaryFolder(), "back\\slash");
    await mkdir(root);
    const { troubles } = await watching(root);
    expect(troubles).toEqual(["unwatchable-name"]);
  });

  it.skipIf(!canLowerLimits())(
    "reports the watch limit once, not once for each folder, and asks for a walk",
    async () => {
      const root = await temporaryFolder();
      for (let i = 0; i < 60; i += 1) await mkdir(join(root, `folder-${i}`));
      const program = new URL("./watch-limit-program.ts", import.meta.url).pathname;
      const limited = `echo 20 > /proc/sys/user/max_inotify_watches && exec "$0" "$1" "$2"`;
      const arguments_ = ["-Ur", "sh", "-c", limited, process.execPath, program, root];
      const { stdout } = await run("unshare", arguments_);
      expect(JSON.parse(stdout)).toEqual({ troubles: ["ENOSPC"], walks: 1 });
      await rm(root, { recursive: true, force: true });
    },
  );
});
