import { mkdirSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { openImage } from "../../electron/engine/intake/open.ts";
import { absolutePath, joinBytes } from "../../electron/engine/intake/path.ts";
import { observe, walk } from "../../electron/engine/intake/walk.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const ALL = { recursive: true, include: [], exclude: [], excludedFolders: [] };

const NAMES: readonly (readonly [what: string, name: string | Buffer])[] = [
  ["composed accent", "caf\u00e9.jpg"],
  ["decomposed accent", "cafe\u0301.jpg"],
  ["Latin-1 bytes", Buffer.from("caf\xe9.jpg", "latin1")],
  ["what the escape of these bytes looks like", "caf%E9.jpg"],
  ["the escape of the escape", "caf%25E9.jpg"],
  ["a lone continuation byte", Buffer.from("\x80.jpg", "latin1")],
  ["an encoded surrogate", Buffer.from("\xed\xa0\x80.jpg", "latin1")],
  ["a replacement character", "\ufffd.jpg"],
  ["a byte order mark", "\ufeffa.jpg"],
  ["a newline", "line\nbreak.jpg"],
  ["a backslash", "back\\slash.jpg"],
  ["backslashes like a path", "up\\..\\..\\a.jpg"],
  ["a leading dash", "-rf.jpg"],
  ["a leading tilde", "~home.jpg"],
  ["a tilde inside", "IMG~1.JPG"],
  ["255 bytes", `${"x".repeat(251)}.jpg`],
  ["255 bytes of two-byte letters", `${"é".repeat(125)}x.jpg`],
  ["a reserved Windows name", "CON.jpg"],
  ["an alternate stream", "a.txt:b.jpg"],
  ["a right-to-left mark", "photo\u202egpj.jpg"],
  ["control characters", "\x01\x1b[31m.jpg"],
  ["quotes and stars", "'\"*?<>|.jpg"],
  ["a formula", "=1+1.jpg"],
  ["an astral character", "\u{1f319}.jpg"],
  ["only spaces before the extension", "  .jpg"],
  ["a prototype's name", "__proto__.jpg"],
];

describe("a hostile name", () => {
  it("is found by the walk, told apart from all others, and opens the very file", async () => {
    const root = await temporaryFolder();
    const folder = Buffer.concat([
      Buffer.from(root),
      Buffer.from("/"),
      Buffer.from("sub \xff\n%FF", "latin1"),
    ]);
    mkdirSync(folder);
    const wanted = NAMES;
    for (const [what, name] of wanted) writeFileSync(joinBytes(folder, Buffer.from(name)), what);

    const found = new Map<string, string>();
    await walk({ ...ALL, root }, async (entries) => {
      for (const entry of entries) {
        expect(entry.kind).toBe("file");
        if (entry.kind !== "file") continue;
        const { path } = entry.observation;
        expect(await observe(root, path, ALL)).toEqual(entry);
        const opened = await openImage(root, path);
        if (!opened.ok) throw new Error(`${path}: ${opened.failure.reason}`);
        expect(opened.value.observation).toEqual(entry.observation);
        found.set(path, await opened.value.handle.readFile("utf8"));
        await opened.value.close();
      }
    });
    expect([...found.values()].sort()).toEqual(wanted.map(([what]) => what).sort());
    for (const path of found.keys()) expect(path.startsWith("sub %FF\n%25FF/")).toBe(true);
    expect(absolutePath(root, "sub %FF\n%25FF/-rf.jpg")).toEqual(joinBytes(folder, Buffer.from("-rf.jpg")));
  });

  it("that ends in a dot, a space or a tilde is no image's, and not lost either", async () => {
    const root = await temporaryFolder();
    for (const name of ["dot.jpg.", "space.jpg ", "tilde.jpg~"]) writeFileSync(`${root}/${name}`, "x");
    const kinds: string[] = [];
    const result = await walk({ ...ALL, root }, async (entries) => {
      for (const entry of entries) if (entry.kind === "foreign") kinds.push(entry.observation.path);
    });
    expect(kinds.sort()).toEqual(["dot.jpg.", "space.jpg "]);
    expect(result).toMatchObject({ ok: true, value: { junk: 1 } });
  });
});
