import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { systemClock } from "../../electron/engine/clock.ts";
import { openLog } from "../../electron/engine/log.ts";
import { redact } from "../../electron/engine/redact.ts";
import { openStore, type Store } from "../../electron/engine/store/store.ts";

const CANARY = "CANARY_0123456789abcdef";
const folders: string[] = [];
const stores: Store[] = [];

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "nightrun-log-"));
  folders.push(folder);
  return folder;
}

async function openData(folder: string): Promise<Store> {
  const opened = await openStore({ file: join(folder, "data.db"), mode: "write", clock: systemClock });
  if (!opened.ok) throw new Error(opened.failure.reason);
  stores.push(opened.value);
  return opened.value;
}

async function textOf(folder: string): Promise<string> {
  const names = (await readdir(folder)).sort();
  return (await Promise.all(names.map((name) => readFile(join(folder, name), "utf8")))).join("");
}

afterEach(async () => {
  await Promise.all(stores.splice(0).map((store) => store.close()));
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true })));
});

describe("the log", () => {
  it("tells every event once, in order, in words, without secrets, to its owner only", async () => {
    const folder = await temporaryFolder();
    const store = await openData(folder);
    const logs = join(folder, "logs");
    const log = await openLog({ folder: logs, store, clock: systemClock, secrets: () => [CANARY] });
    const add = (last: string): Promise<void> =>
      store.call("addEvent", { at: 1_000, event: { batchId: 7, kind: "sent-again", detail: { last } } });
    for (let i = 0; i < 1_200; i++) void add(`cut ${i}`);
    await add(`the server said ${CANARY}`);
    await log.follow();
    await add("the last\nof two lines");
    await log.follow();
    await log.close();

    const lines = (await textOf(logs)).trimEnd().split("\n");
    expect(lines).toHaveLength(1_202);
    expect(lines[0]).toBe(
      "1970-01-01T00:00:01.000Z  notice   batch 7: No usable answer came (cut 0), so it will be sent again. Only one result is kept.",
    );
    expect(lines[1_199]).toContain("(cut 1199)");
    expect(lines.join("\n")).not.toContain(CANARY);
    const [name = ""] = await readdir(logs);
    expect((await stat(join(logs, name))).mode & 0o077).toBe(0);
  });

  it("writes nothing, and stops nobody, where its folder cannot be made", async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, "logs"), "a file in its place");
    const log = await openLog({
      folder: join(folder, "logs"),
      store: await openData(folder),
      clock: systemClock,
      secrets: () => [],
    });
    log.problem({ reason: "internal", message: "x" });
    await log.follow();
    await log.close();
    expect(await readFile(join(folder, "logs"), "utf8")).toBe("a file in its place");
  });
});

describe("redact", () => {
  it.each([
    ["Authorization: Bearer abcdef123456", "Authorization: Bearer…"],
    ["Authorization: Token abcdef123456", "Authorization: Token…"],
    ["got eyJhbGciOi.eyJzdWIiOi.c2lnbmF0dXJl from it", "got … from it"],
    ["proxy http://user:secret@proxy.example:8080", "proxy http://…proxy.example:8080"],
    ["a Token is missing", "a Token is missing"],
  ])("%s", (text, expected) => {
    expect(redact(text, [])).toBe(expected);
  });

  it("leaves no known secret in any text", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string({ minLength: 6 }), (before, after, secret) => {
        fc.pre(!before.includes(secret) && !after.includes(secret) && !"…".includes(secret));
        expect(redact(`${before} ${secret} ${after}`, [secret])).not.toContain(` ${secret} `);
      }),
    );
  });
});
