import { expect, test } from "vitest";
import { writePictures } from "../support/pictures.ts";
import { createRig } from "../support/rig.ts";

test("500 images get 500 runs and 500 results, each of its own bytes, and a second start sends nothing", async () => {
  await using rig = await createRig({ limits: { concurrency: 10 } });
  const written = await writePictures(rig.folder, 500);

  const first = await rig.runToEnd();
  expect(first.ending).toEqual({ kind: "complete" });
  expect(first.ledger).toMatchObject({ seen: 500, done: 500 });
  expect(rig.puts).toBe(500);
  for (const [path, sha256] of written) expect(await rig.resultSha(path)).toBe(sha256);
  const { images, doubleGets } = rig.simulator.control.stats();
  expect(Object.values(images).every((image) => image.accepted === 1)).toBe(true);
  expect(doubleGets).toBe(0);

  const second = await rig.runToEnd();
  expect(second.ledger).toMatchObject({ seen: 500, done: 500 });
  expect(rig.puts).toBe(500);
  expect(rig.problems).toEqual([]);
});
