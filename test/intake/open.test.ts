import { execFile, fork } from "node:child_process";
import { mkdir, rename, rm, symlink, unlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it, onTestFinished } from "vitest";
import { openImage, type OpenWays } from "../../electron/engine/intake/open.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const run = promisify(execFile);

/** What Linux, other Unix systems, and Windows offer. */
const WAYS: readonly (readonly [name: string, ways: OpenWays])[] = [
  ["Linux", { noFollow: true, descriptorLinks: true }],
  ["Unix", { noFollow: true, descriptorLinks: false }],
  ["Windows", { noFollow: false, descriptorLinks: false }],
];

/** The content, or why there is none. */
async function contentOf(root: string, path: string, ways: OpenWays): Promise<string> {
  const opened = await openImage(root, path, ways);
  if (!opened.ok) {
    const { failure } = opened;
    return failure.reason === "special-file" ? failure.kind : failure.reason;
  }
  const content = await opened.value.handle.readFile("utf8");
  await opened.value.close();
  await opened.value.close();
  return content;
}

describe.each(WAYS)("opening an image in the way of %s", (_, ways) => {
  it("gives the file and what it is at this moment", async () => {
    const root = await temporaryFolder();
    await mkdir(join(root, "sub"));
    await writeFile(join(root, "sub/a.jpg"), "picture");
    const opened = await openImage(root, "sub/a.jpg", ways);
    expect(opened).toMatchObject({ ok: true, value: { observation: { path: "sub/a.jpg", bytes: 7 } } });
    if (opened.ok) await opened.value.close();
    for (const spelling of [`${root}/`, `${root}/sub/..`]) {
      expect(await contentOf(spelling, "sub/a.jpg", ways)).toBe("picture");
    }
  });

  it("may go through a root that is itself a link", async () => {
    const root = await temporaryFolder();
    await writeFile(join(root, "a.jpg"), "picture");
    const alias = join(await temporaryFolder(), "alias");
    await symlink(root, alias);
    expect(await contentOf(alias, "a.jpg", ways)).toBe("picture");
  });

  it("refuses links, wherever they lead", async () => {
    const root = await temporaryFolder();
    const outside = await temporaryFolder();
    await writeFile(join(outside, "secret.jpg"), "secret");
    await writeFile(join(root, "a.jpg"), "picture");
    await symlink(join(outside, "secret.jpg"), join(root, "out.jpg"));
    await symlink("a.jpg", join(root, "in.jpg"));
    await symlink("nowhere", join(root, "dangling.jpg"));
    await symlink("loop.jpg", join(root, "loop.jpg"));
    for (const name of ["out.jpg", "in.jpg", "dangling.jpg", "loop.jpg"]) {
      expect([name, await contentOf(root, name, ways)]).toEqual([name, "symbolic link"]);
    }
  });

  it("refuses a file behind a folder that leads outside", async () => {
    const root = await temporaryFolder();
    const outside = await temporaryFolder();
    const sibling = `${root}-sibling`;
    await mkdir(sibling);
    onTestFinished(() => rm(sibling, { recursive: true }));
    for (const folder of [outside, sibling]) await writeFile(join(folder, "secret.jpg"), "secret");
    await symlink(outside, join(root, "link"));
    await symlink(sibling, join(root, "sibling"));
    expect(await contentOf(root, "link/secret.jpg", ways)).toBe("symbolic link");
    expect(await contentOf(root, "sibling/secret.jpg", ways)).toBe("symbolic link");
  });

  it("names pipes, sockets and folders, and never waits for them", async () => {
    const root = await temporaryFolder();
    await run("mkfifo", [join(root, "pipe.jpg")]);
    await mkdir(join(root, "folder.jpg"));
    const server = createServer().listen(join(root, "socket.jpg"));
    onTestFinished(() => void server.close());
    const pipes = Array.from({ length: 8 }, () => contentOf(root, "pipe.jpg", ways));
    expect(new Set(await Promise.all(pipes))).toEqual(new Set(["named pipe"]));
    expect(await contentOf(root, "folder.jpg", ways)).toBe("folder");
    expect(await contentOf(root, "socket.jpg", ways)).toBe("socket");
  });

  it("tells a file that is gone", async () => {
    const root = await temporaryFolder();
    await writeFile(join(root, "a.jpg"), "x");
    expect(await contentOf(root, "b.jpg", ways)).toBe("vanished");
    expect(await contentOf(root, "a.jpg/b.jpg", ways)).toBe("vanished");
    expect(await contentOf(join(root, "none"), "a.jpg", ways)).toBe("vanished");
  });

  it("throws for a path that no walk can have found", async () => {
    await expect(openImage("/tmp", "../etc/passwd", ways)).rejects.toThrow("expected a relative path");
  });

  it("never gives a byte from outside while names are swapped under it", async () => {
    const root = await temporaryFolder();
    const outside = await temporaryFolder();
    await mkdir(join(root, "real"));
    await mkdir(join(root, "folder"));
    await writeFile(join(outside, "a.jpg"), "secret");
    await writeFile(join(root, "real/a.jpg"), "picture");
    await writeFile(join(root, "folder/a.jpg"), "picture");
    await writeFile(join(root, "a.jpg"), "picture");
    const swapper = fork(new URL("./swap-program.ts", import.meta.url), [root, outside]);
    onTestFinished(() => void swapper.kill());
    await new Promise((resolve) => swapper.once("message", resolve));
    const outcomes = new Set<string>();
    for (let i = 0; i < 1500; i += 1) {
      outcomes.add(await contentOf(root, "a.jpg", ways));
      outcomes.add(await contentOf(root, "folder/a.jpg", ways));
    }
    expect(outcomes).not.toContain("secret");
    const expected = ["picture", "symbolic link", "vanished", "still-changing"];
    expect([...outcomes].filter((outcome) => !expected.includes(outcome))).toEqual([]);
    expect(outcomes).toContain("picture");
  });
});

describe("an open image", () => {
  it("stays the same file when its name is given to another", async () => {
    const root = await temporaryFolder();
    await writeFile(join(root, "a.jpg"), "old");
    const opened = await openImage(root, "a.jpg");
    if (!opened.ok) throw new Error(opened.failure.reason);
    await writeFile(join(root, "b.jpg"), "new");
    await rename(join(root, "b.jpg"), join(root, "a.jpg"));
    expect(await opened.value.handle.readFile("utf8")).toBe("old");
    await opened.value.close();
    const again = await openImage(root, "a.jpg");
    expect(again.ok && again.value.observation.fileId).not.toBe(opened.value.observation.fileId);
    if (again.ok) await again.value.close();
    await unlink(join(root, "a.jpg"));
  });
});
