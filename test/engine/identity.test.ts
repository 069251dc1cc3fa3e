import { existsSync } from "node:fs";
import { copyFile, mkdir, readFile, rename, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { writePicture, writePictures } from "../support/pictures.ts";
import { type Rig } from "../support/open-rig.ts";
import { createRig } from "../support/rig.ts";

async function rigWith(count: number, options: Parameters<typeof createRig>[0] = {}): Promise<Rig> {
  const rig = await createRig(options);
  await writePictures(rig.folder, count);
  await rig.runToEnd();
  expect(rig.puts).toBe(count);
  return rig;
}

function setParameter(rig: Rig, value: "True" | "False"): void {
  const { decision } = rig.settings;
  rig.settings = {
    ...rig.settings,
    decision: {
      ...decision,
      parameters: [{ taskName: "image_facts", taskIndex: 0, name: "decode", value }],
    },
  };
}

test("A renamed file is not run again, and the new name has the result", async () => {
  await using rig = await rigWith(3);
  const sha256 = await rig.resultSha("0002.png");
  await rename(join(rig.folder, "0002.png"), join(rig.folder, "other.png"));

  const { ledger } = await rig.runToEnd();
  expect(rig.puts).toBe(3);
  expect(ledger).toMatchObject({ seen: 3, done: 3, missing: 0 });
  expect(await rig.resultSha("other.png")).toBe(sha256);
});

test("A file moved into a sub-folder is not run again", async () => {
  await using rig = await rigWith(2);
  await mkdir(join(rig.folder, "a", "b"), { recursive: true });
  await rename(join(rig.folder, "0001.png"), join(rig.folder, "a", "b", "0001.png"));

  const { ledger } = await rig.runToEnd();
  expect(rig.puts).toBe(2);
  expect(ledger).toMatchObject({ seen: 2, done: 2 });
  expect(existsSync(join(rig.resultsFolder, "a", "b", "0001.png.json"))).toBe(true);
});

test("A renamed folder of images is not run again", async () => {
  await using rig = await createRig();
  await writePictures(join(rig.folder, "before"), 20);
  await rig.runToEnd();
  await rename(join(rig.folder, "before"), join(rig.folder, "after"));

  const { ledger } = await rig.runToEnd();
  expect(rig.puts).toBe(20);
  expect(ledger).toMatchObject({ seen: 20, done: 20, missing: 0 });
});

test("Equal bytes under two names need one run and give two results on disk", async () => {
  await using rig = await createRig();
  const sha256 = await writePicture(rig.folder, "one.png", 1);
  await copyFile(join(rig.folder, "one.png"), join(rig.folder, "two.png"));

  const { ledger } = await rig.runToEnd();
  expect(rig.puts).toBe(1);
  expect(ledger).toMatchObject({ seen: 2, done: 2 });
  expect(await rig.resultSha("one.png")).toBe(sha256);
  expect(await rig.resultSha("two.png")).toBe(sha256);
});

test("A copy of a finished image gets its result without a run", async () => {
  await using rig = await rigWith(2);
  await copyFile(join(rig.folder, "0001.png"), join(rig.folder, "copy.png"));

  const { ledger } = await rig.runToEnd();
  expect(rig.puts).toBe(2);
  expect(ledger).toMatchObject({ seen: 3, done: 3 });
  expect(await rig.resultSha("copy.png")).toBe(await rig.resultSha("0001.png"));
});

test("New bytes under an old name are one new run, and the earlier result is kept", async () => {
  await using rig = await rigWith(2);
  const before = await readFile(join(rig.resultsFolder, "0001.png.json"), "utf8");
  const sha256 = await writePicture(rig.folder, "0001.png", 77);

  const { ledger } = await rig.runToEnd();
  expect(rig.puts).toBe(3);
  expect(ledger).toMatchObject({ seen: 2, done: 2 });
  expect(await rig.resultSha("0001.png")).toBe(sha256);
  const kept = (await rig.resultFiles()).filter((file) => file.startsWith(".earlier/"));
  expect(kept).toHaveLength(1);
  expect(await readFile(join(rig.resultsFolder, kept[0] ?? ""), "utf8")).toBe(before);
});

test("Old bytes that come back under their name need no run", async () => {
  await using rig = await rigWith(1);
  await writePicture(rig.folder, "0001.png", 77);
  await rig.runToEnd();
  const sha256 = await writePicture(rig.folder, "0001.png", 1);

  const { ledger } = await rig.runToEnd();
  expect(rig.puts).toBe(2);
  expect(ledger).toMatchObject({ seen: 1, done: 1 });
  expect(await rig.resultSha("0001.png")).toBe(sha256);
});

test("A new time stamp alone runs nothing", async () => {
  await using rig = await rigWith(3);
  for (const name of ["0001.png", "0003.png"]) await utimes(join(rig.folder, name), 1, 1);

  const { ledger } = await rig.runToEnd();
  expect(rig.puts).toBe(3);
  expect(ledger).toMatchObject({ seen: 3, done: 3 });
});

test("A changed parameter runs every image once more, keeps the earlier results, and going back runs nothing", async () => {
  await using rig = await rigWith(4);
  const before = await readFile(join(rig.resultsFolder, "0001.png.json"), "utf8");
  setParameter(rig, "True");

  const changed = await rig.runToEnd();
  expect(rig.puts).toBe(8);
  expect(changed.ledger).toMatchObject({ seen: 4, done: 4 });
  const kept = (await rig.resultFiles()).filter((file) => file.startsWith(".earlier/"));
  expect(kept).toHaveLength(4);
  const first = kept.find((file) => file.endsWith("0001.png.json")) ?? "";
  expect(await readFile(join(rig.resultsFolder, first), "utf8")).toBe(before);

  setParameter(rig, "False");
  const back = await rig.runToEnd();
  expect(rig.puts).toBe(8);
  expect(back.ledger).toMatchObject({ seen: 4, done: 4 });
  expect(await readFile(join(rig.resultsFolder, "0001.png.json"), "utf8")).toBe(before);
});

test("Without dedupe equal bytes are two runs, and a renamed file is still none", async () => {
  await using rig = await createRig({ intake: { dedupe: false } });
  await writePicture(rig.folder, "one.png", 1);
  await copyFile(join(rig.folder, "one.png"), join(rig.folder, "two.png"));
  await rig.runToEnd();
  expect(rig.puts).toBe(2);

  await rename(join(rig.folder, "two.png"), join(rig.folder, "three.png"));
  const { ledger } = await rig.runToEnd();
  expect(rig.puts).toBe(2);
  expect(ledger).toMatchObject({ seen: 2, done: 2, missing: 0 });
});

test("A deleted duplicate leaves the ledger, and the one that stays is done", async () => {
  await using rig = await createRig();
  await writePicture(rig.folder, "one.png", 1);
  await copyFile(join(rig.folder, "one.png"), join(rig.folder, "two.png"));
  await rig.runToEnd();
  await rm(join(rig.folder, "two.png"));

  const { ledger } = await rig.runToEnd();
  expect(rig.puts).toBe(1);
  expect(ledger).toMatchObject({ seen: 1, done: 1, missing: 0 });
});

test("When the leader of equal files is deleted before it is sent, a follower takes over", async () => {
  await using rig = await createRig();
  await writePicture(rig.folder, "one.png", 1);
  await copyFile(join(rig.folder, "one.png"), join(rig.folder, "three.png"));
  await copyFile(join(rig.folder, "one.png"), join(rig.folder, "two.png"));
  const runner = await rig.start({ watch: true });
  await runner.pause();
  await rig.until(async () => (await rig.images()).filter((i) => i.stage === "FOLLOWING").length === 2);
  const leader = (await rig.images()).find((image) => image.stage === "READY");
  await rm(join(rig.folder, leader?.path ?? ""));
  await runner.rescan();
  await runner.resume();

  await rig.untilLedger((ledger) => ledger.done === 2);
  expect(rig.puts).toBe(1);
});

test("Followers fail with their leader, and a retry of a follower runs the leader once", async () => {
  await using rig = await createRig();
  const sha256 = await writePicture(rig.folder, "one.png", 1);
  await copyFile(join(rig.folder, "one.png"), join(rig.folder, "two.png"));
  rig.simulator.control.script({ on: "put", sha256, fault: { kind: "status", status: 422, body: "{}" } });

  const failed = await rig.runToEnd();
  expect(failed.ledger).toMatchObject({ seen: 2, failed: 2 });
  expect((await rig.images()).map((image) => image.reason)).toEqual(["refused-input", "refused-input"]);
  const follower = (await rig.images()).find((image) => image.leaderId !== null);

  const scope = {
    states: ["failed" as const],
    reason: null,
    search: follower?.path ?? "-",
    label: null,
    imageIds: null,
  };
  const retried = await rig.engine.store.call("retryImages", {
    scope: { ...scope, batchId: follower?.batchId ?? 0 },
    at: rig.clock.now(),
    mono: rig.clock.mono(),
  });
  expect(retried).toEqual({ images: 1, runs: 1 });
  const again = await rig.runToEnd();
  expect(rig.puts).toBe(2);
  expect(again.ledger).toMatchObject({ seen: 2, done: 2 });
});

test("Going back to earlier parameters brings back the pictures of that time, not those of the time between", async () => {
  await using rig = await createRig();
  await writePicture(rig.folder, "one.png", 1);
  const picture = join(rig.resultsFolder, "one.png.ocv_canny-0.0.png");
  const setBlur = (value: string): void => {
    rig.settings = {
      ...rig.settings,
      decision: {
        ...rig.settings.decision,
        outputs: [{ taskName: "ocv_canny", taskIndex: 0, outputIndex: 0 }],
        parameters: [{ taskName: "ocv_canny", taskIndex: 0, name: "threshold1", value }],
      },
    };
  };
  setBlur("50");
  await rig.runToEnd();
  const before = await readFile(picture);
  // The picture of the time between is replaced by hand, so that it surely differs.
  setBlur("51");
  await rig.runToEnd();
  await writeFile(picture, "other bytes");

  setBlur("50");
  await rig.runToEnd();
  expect(rig.puts).toBe(2);
  expect(await readFile(picture)).toEqual(before);
});

test("Settings that change in the middle of a run apply to every image, those in flight included", async () => {
  await using rig = await createRig({ limits: { concurrency: 2 } });
  const written = await writePictures(rig.folder, 8);
  rig.simulator.control.hold();
  const runner = await rig.start({ watch: true });
  await rig.simulator.control.until((stats) => stats.accepted === 2);
  setParameter(rig, "True");
  const prepared = await rig.engine.prepare(rig.settings);
  if (!prepared.ok) throw new Error(prepared.failure[0]?.reason);
  await rig.engine.saveBatch(runner.batchId, prepared.value);
  rig.simulator.control.release();
  // Two were paid for under the former settings; they are kept, and run once more.
  await rig.simulator.control.until((stats) => stats.taken === 10);
  await rig.untilLedger((ledger) => ledger.done === 8);
  expect(rig.puts).toBe(10);
  const current = (await rig.images()).filter((image) => image.stage === "DONE");
  expect(new Set(current.map((image) => image.revisionId)).size).toBe(1);
  for (const [path, sha256] of written) expect(await rig.resultSha(path)).toBe(sha256);
});

test("Two contents that take turns under one name keep their own pictures, however often", async () => {
  await using rig = await createRig();
  const { decision } = rig.settings;
  const outputs = [{ taskName: "ocv_canny", taskIndex: 0, outputIndex: 0 }];
  rig.settings = { ...rig.settings, decision: { ...decision, outputs, parameters: [] } };
  const picture = join(rig.resultsFolder, "one.png.ocv_canny-0.0.png");
  await writePicture(rig.folder, "one.png", 1);
  await rig.runToEnd();
  await writePicture(rig.folder, "one.png", 2);
  await rig.runToEnd();
  // Of equal pictures nothing could be told: this one is marked by hand.
  await writeFile(picture, "the second's");
  await writePicture(rig.folder, "one.png", 1);
  await rig.runToEnd();
  expect(await readFile(picture, "utf8")).not.toBe("the second's");
  await writePicture(rig.folder, "one.png", 2);
  await rig.runToEnd();
  expect(rig.puts).toBe(2);
  expect(await readFile(picture, "utf8")).toBe("the second's");
});
