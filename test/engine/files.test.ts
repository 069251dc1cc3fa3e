import { copyFile, mkdir, rename, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { BatchRunner } from "../../electron/engine/batch-runner.ts";
import { writePicture, writePictures } from "../support/pictures.ts";
import { type Rig } from "../support/open-rig.ts";
import { createRig } from "../support/rig.ts";

/** Starts with all files known and ready, and nothing sent yet. */
async function startPaused(rig: Rig, ready: number): Promise<BatchRunner> {
  const runner = await rig.start();
  await runner.pause();
  await rig.until(
    async () => (await rig.images()).filter((image) => image.stage === "READY").length === ready,
  );
  return runner;
}

test("A file that changes after it was queued is sent with its new content only", async () => {
  await using rig = await createRig();
  const before = await writePicture(rig.folder, "one.png", 1);
  const runner = await startPaused(rig, 1);
  const after = await writePicture(rig.folder, "one.png", 2);
  await runner.resume();
  const { ledger } = await rig.finish();
  expect(ledger).toMatchObject({ seen: 1, done: 1 });
  expect(await rig.resultSha("one.png")).toBe(after);
  expect(Object.keys(rig.simulator.control.stats().images)).not.toContain(before);
});

test("A file that vanishes after it was queued is missing, and the others go on", async () => {
  await using rig = await createRig();
  await writePictures(rig.folder, 3);
  const runner = await startPaused(rig, 3);
  await rm(join(rig.folder, "0002.png"));
  await runner.resume();
  const { ending, ledger } = await rig.finish();
  expect(ending).toEqual({ kind: "complete" });
  expect(ledger).toMatchObject({ seen: 3, done: 2, missing: 1 });
  expect((await rig.image("0002.png")).reason).toBe("vanished");
});

test("A queued file whose folder is now a link out of the batch is not sent, and the run ends", async () => {
  await using rig = await createRig();
  await writePicture(rig.folder, "sub/one.png", 1);
  const runner = await startPaused(rig, 1);
  const outside = `${rig.folder}-outside`;
  await rename(join(rig.folder, "sub"), outside);
  await symlink(outside, join(rig.folder, "sub"));
  await runner.resume();
  const { ending, ledger } = await rig.finish();
  expect(ending).toEqual({ kind: "complete" });
  expect(ledger.done).toBe(0);
  expect(rig.puts).toBe(0);
});

test("A truncated picture fails with its reason after its time, and nothing of it is sent", async () => {
  await using rig = await createRig();
  await writePictures(rig.folder, 2);
  await truncate(join(rig.folder, "0001.png"), 60);
  const { ending, ledger } = await rig.runToEnd();
  expect(ending).toEqual({ kind: "complete" });
  expect(ledger).toMatchObject({ seen: 2, done: 1, failed: 1 });
  expect((await rig.image("0001.png")).reason).toBe("truncated");
  expect(rig.puts).toBe(1);
});

test("A result that cannot be written fails the image, is kept, and is written by a retry without a run", async () => {
  await using rig = await createRig();
  const sha256 = await writePicture(rig.folder, "sub/one.png", 1);
  await mkdir(rig.resultsFolder);
  await writeFile(join(rig.resultsFolder, "sub"), "in the way");
  const failed = await rig.runToEnd();
  expect(failed.ledger).toMatchObject({ failed: 1 });
  const image = await rig.image("sub/one.png");
  expect(image.reason).toBe("cannot-write-output");

  await rm(join(rig.resultsFolder, "sub"));
  const scope = {
    batchId: image.batchId,
    states: ["failed" as const],
    reason: null,
    search: "",
    label: null,
    imageIds: null,
  };
  const { store } = await rig.open();
  const retried = await store.call("retryImages", { scope, at: rig.clock.now(), mono: rig.clock.mono() });
  expect(retried).toEqual({ images: 1, runs: 0 });
  expect((await rig.runToEnd()).ledger).toMatchObject({ done: 1 });
  expect(await rig.resultSha("sub/one.png")).toBe(sha256);
  expect(rig.puts).toBe(1);
});

test("A run ends when all that is left is held, files with the same bytes included", async () => {
  await using rig = await createRig({ limits: { onUncertain: "hold" } });
  await writePicture(rig.folder, "one.png", 1);
  await copyFile(join(rig.folder, "one.png"), join(rig.folder, "two.png"));
  rig.simulator.control.script({ on: "put", fault: { kind: "reset-after" } });
  const { ending, ledger } = await rig.runToEnd();
  expect(ending).toEqual({ kind: "stopped", gate: null });
  expect(ledger).toMatchObject({ uncertain: 1, waiting: 1 });
});
