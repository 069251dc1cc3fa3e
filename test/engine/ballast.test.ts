import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { BALLAST_BYTES, ballastFile, createBallast } from "../../electron/engine/ballast.ts";

async function dataFile(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "nightrun-ballast-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  return join(folder, "night.db");
}

test("The ballast takes up its room for real, gives it back once, and is made again", async () => {
  const file = await dataFile();
  const ballast = createBallast(file, () => 0);
  expect(await ballast.release()).toBe(false);
  expect(await ballast.keep()).toBe(true);
  const made = await stat(ballastFile(file));
  expect(made.size).toBe(BALLAST_BYTES);
  expect(made.blocks * 512).toBeGreaterThanOrEqual(BALLAST_BYTES);
  expect(await ballast.keep()).toBe(false);
  expect(await ballast.release()).toBe(true);
  expect(await ballast.release()).toBe(false);
  expect(await ballast.keep()).toBe(true);
});

test("It is not made where it would take the room that has to stay free", async () => {
  const file = await dataFile();
  const ballast = createBallast(file, () => Number.MAX_SAFE_INTEGER);
  expect(await ballast.keep()).toBe(false);
  await expect(stat(ballastFile(file))).rejects.toThrow("ENOENT");
});
