import { execFile } from "node:child_process";
import { chmod, mkdir, readFile, rename, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectOneLine, jsonLines, openRig, picture, type Ended, type Rig } from "./rig.ts";

const run = promisify(execFile);
const AS_NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
// A checkout under a private folder, as `mktemp -d` makes them, is not there for anybody else.
const canBeAnother =
  process.getuid?.() === 0 &&
  (await run("setpriv", [...AS_NOBODY.slice(1), "test", "-r", fileURLToPath(import.meta.url)]).then(
    () => true,
    () => false,
  ));
if (!canBeAnother)
  console.warn("SKIPPED: reading as another user (needs root, setpriv and a checkout that others can read)");

// One folder for all: what is unfinished holds a run for 30 s.
describe("a folder with everything that can be wrong with a file", () => {
  let rig: Rig;
  let ended: Ended;
  let images: Map<string, Record<string, unknown>>;

  beforeAll(async () => {
    rig = await openRig();
    const at = (name: string): string => join(rig.pictures, name);
    await rig.draw("good.jpg", "sub/good.png", "cut.jpg", "unreadable.jpg", "results.jpg");
    const { length } = await readFile(at("cut.jpg"));
    await truncate(at("cut.jpg"), length - 20);
    await writeFile(at("empty.jpg"), "");
    await run("mkfifo", [at("pipe.jpg")]);
    await symlink(at("good.jpg"), at("link.jpg"));
    await mkdir(at("folder.jpg"));
    await writeFile(at("text.jpg"), "This is no picture at all, it only has the name of one.\n".repeat(20));
    await writeFile(at("notes.txt"), "notes");
    await writeFile(at(".hidden.jpg"), await picture("x.jpg"));
    await writeFile(at("copying.jpg.part"), await picture("x.jpg"));
    const bytesName = Buffer.concat([
      Buffer.from(`${rig.pictures}/caf`),
      Buffer.from([0xe9]),
      Buffer.from(".jpg"),
    ]);
    await writeFile(bytesName, await picture("x.jpg"));
    let through: readonly string[] = [];
    if (canBeAnother) {
      await chmod(at("unreadable.jpg"), 0);
      await chmod(rig.place, 0o777);
      through = AS_NOBODY;
    } else await rm(at("unreadable.jpg"));
    ended = await rig.run(["run"], { through });
    const listed = await rig.run(["images", "--json"]);
    images = new Map(jsonLines(listed.stdout).map((image) => [image.path as string, image]));
  }, 90_000);
  afterAll(() => rig.stop());

  test("ends with exit code 1, and the ledger adds up", () => {
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain("Nothing is unaccounted for.");
    expect(ended.stderr).not.toMatch(/^\s+at /m);
    expect(ended.stdout).toBe("");
  });
  test("says what it waits for, instead of standing still for half a minute", () => {
    expect(ended.stderr).toMatch(/Waiting up to 30 s for .*cut\.jpg/);
  });
  test.each([
    ["cut.jpg", "failed", "truncated", /ends too early.*Copy it again/],
    ["empty.jpg", "failed", "empty-file", /zero bytes.*Copy it again/],
    ["pipe.jpg", "skipped", "special-file", /named pipe/],
    ["link.jpg", "skipped", "special-file", /symbolic link/],
    ["notes.txt", "skipped", "unsupported-format", /text/],
  ])("%s is %s with its reason and what to do", (path, state, reason, sentence) => {
    expect(images.get(path)).toMatchObject({ state, reason });
    expect(ended.stderr).toMatch(new RegExp(`${state} {2}${path}: .*${sentence.source}`));
  });
  test("text with the name of a picture is never sent", () => {
    expect(["failed", "skipped"]).toContain(images.get("text.jpg")?.state);
  });
  test.runIf(canBeAnother)("an unreadable file fails with its reason and what to do", () => {
    expect(images.get("unreadable.jpg")).toMatchObject({ state: "failed", reason: "unreadable" });
    expect(ended.stderr).toMatch(/failed {2}unreadable\.jpg: .*EACCES.*permissions/);
  });
  test("hidden and half-copied files are none of its business", () => {
    expect(images.has(".hidden.jpg")).toBe(false);
    expect(images.has("copying.jpg.part")).toBe(false);
    expect(images.has("folder.jpg")).toBe(false);
  });
  test("every good picture is done, also one whose name is not UTF-8", () => {
    const done = [...images.values()].filter((image) => image.state === "done").map((image) => image.path);
    expect(done).toEqual(["caf%E9.jpg", "good.jpg", "results.jpg", "sub/good.png"]);
    expect(rig.simulator.control.stats().accepted).toBe(4);
  });
  test("exports list the same images in path order, with the keys in their order", async () => {
    const jsonl = await rig.run(["export"]);
    const lines = jsonl.stdout.trim().split("\n");
    const paths = jsonLines(jsonl.stdout).map((image) => image.path as string);
    expect(paths).toEqual([...paths].sort());
    expect(new Set(paths)).toEqual(new Set(images.keys()));
    for (const line of lines)
      expect(line).toMatch(
        /^\{"path":.*"sha256":.*"bytes":.*"state":.*"reason":.*"runId":.*"runs":\[.*\],"outputs":.*"files":\[.*\]\}$/,
      );
    const csv = await rig.run(["export", "--format", "csv", "--state", "done,failed"]);
    const [head, ...rows] = csv.stdout.trim().split("\r\n");
    expect(head).toMatch(/^"path","sha256","bytes","state","reason","runId"/);
    const wanted = [...images.values()].filter(({ state }) => state === "done" || state === "failed");
    expect(rows).toHaveLength(wanted.length);
  });
  test("what was mended is run by the same command, and nothing else is", async () => {
    const before = rig.simulator.control.stats().accepted;
    for (const name of ["empty.jpg", "text.jpg"]) await rm(join(rig.pictures, name));
    if (canBeAnother) await chmod(join(rig.pictures, "unreadable.jpg"), 0o644);
    await writeFile(join(rig.pictures, "cut.jpg"), await picture("x.jpg"));
    if (canBeAnother) await rig.run(["retry", "--reason", "unreadable"], { through: AS_NOBODY });
    const again = await rig.run(["run"], { through: canBeAnother ? AS_NOBODY : [] });
    const listed = await rig.run(["images", "--json", "--state", "failed,waiting"]);
    expect(listed.stdout).toBe("");
    expect(rig.simulator.control.stats().accepted).toBe(before + (canBeAnother ? 2 : 1));
    expect(again.stderr).toContain("Nothing is unaccounted for.");
  }, 60_000);
});

describe.concurrent("a file that changes under a run", () => {
  test("vanishes while it waits for its turn: it is missing, and the run ends with exit code 1", async () => {
    await using rig = await openRig();
    await rig.draw("a.jpg", "b.jpg", "z.jpg");
    const { control } = rig.simulator;
    control.hold();
    const running = rig.start(["run", "--concurrency", "1"]);
    await control.until((stats) => stats.accepted === 1);
    const rows = jsonLines((await rig.run(["images", "--json", "--state", "waiting"])).stdout);
    const victim = rows.at(-1)?.path as string;
    await rename(join(rig.pictures, victim), join(rig.place, "elsewhere.jpg"));
    control.release();
    const ended = await running.ended;
    expect(ended.stderr).toContain("2 done · 1 missing = 3 seen");
    expect(ended.stderr).toMatch(new RegExp(`missing {2}${victim}: .*Put it back`));
    expect(ended.code).toBe(1);
    await rename(join(rig.place, "elsewhere.jpg"), join(rig.pictures, victim));
    expect((await rig.run(["run"])).code).toBe(0);
    expect(control.stats().accepted).toBe(3);
  });
  test("changes while it waits for its turn: the new bytes are run, once", async () => {
    await using rig = await openRig();
    await rig.draw("a.jpg", "b.jpg", "z.jpg");
    const { control } = rig.simulator;
    control.hold();
    const running = rig.start(["run", "--concurrency", "1"]);
    await control.until((stats) => stats.accepted === 1);
    const rows = jsonLines((await rig.run(["images", "--json", "--state", "waiting"])).stdout);
    const victim = rows.at(-1)?.path as string;
    const bytes = await picture("x.png");
    await writeFile(join(rig.pictures, victim), bytes);
    control.release();
    expect((await running.ended).stderr).toContain("3 done = 3 seen");
    const stats = control.stats();
    expect(stats.accepted).toBe(3);
    expect(Object.values(stats.images).every((image) => image.puts === 1)).toBe(true);
  });
});

test.runIf(canBeAnother)("a folder that cannot be read is refused in one line", async () => {
  await using rig = await openRig();
  await chmod(rig.pictures, 0);
  await chmod(rig.place, 0o777);
  expectOneLine(await rig.run(["run"], { through: AS_NOBODY }), 2, "cannot be read", "EACCES", "permissions");
});
