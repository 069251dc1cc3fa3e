import { expect, test } from "vitest";
import { brokenInvariants, lookInto } from "../reliability/support/invariants.ts";
import { startEngineProcess } from "../support/crash-loop.ts";
import { writePicture, writePictures } from "../support/pictures.ts";
import { createRig } from "../support/rig.ts";

test("Killed after the run id was stored, the result is collected without another submission", async () => {
  await using rig = await createRig({ limits: { concurrency: 5 } });
  const written = await writePictures(rig.folder, 5);
  rig.simulator.control.hold();
  const engine = startEngineProcess(rig, { speed: 20 });
  await rig.simulator.control.until((stats) => stats.requests.results >= 5);
  await engine.kill();
  rig.simulator.control.release();

  const { ledger } = await rig.runToEnd();
  expect(ledger).toMatchObject({ done: 5 });
  expect(rig.puts).toBe(5);
  await rig.close();
  expect(await brokenInvariants(rig, written)).toEqual([]);
});

test("Killed between the intent and the run id, the image is uncertain and is sent once more", async () => {
  await using rig = await createRig();
  const written = new Map([["one.png", await writePicture(rig.folder, "one.png", 1)]]);
  rig.simulator.control.script({ on: "put", fault: { kind: "stall" } });
  const engine = startEngineProcess(rig, { speed: 20 });
  await rig.simulator.control.until((stats) => stats.requests.put === 1);
  await engine.kill();

  const { store } = await rig.open();
  const [image] = await rig.images();
  expect(image).toMatchObject({ stage: "UNCERTAIN", uncertain: 1 });
  const events = await store.call("listEvents", {
    batchId: 1,
    imageId: image?.id ?? 0,
    beforeId: null,
    limit: 10,
  } as never);
  expect(JSON.stringify(events)).toContain("sent-again");
  const { ledger } = await rig.runToEnd();
  expect(ledger).toMatchObject({ done: 1 });
  expect(rig.puts).toBe(2);
  await rig.close();
  expect(await brokenInvariants(rig, written)).toEqual([]);
});

test("Killed while a result came in, its loss is known at once and the image runs again", async () => {
  await using rig = await createRig();
  const written = new Map([["one.png", await writePicture(rig.folder, "one.png", 1)]]);
  rig.simulator.control.script({ on: "results", fault: { kind: "drip", bytes: 1, everyMs: 60_000 } });
  const engine = startEngineProcess(rig, { speed: 20 });
  await rig.simulator.control.until((stats) => stats.taken === 1);
  // The head is recorded before the body is read; the row tells when.
  const isReceiving = (): boolean =>
    lookInto(
      rig.dataFile,
      (db) => db.sql("SELECT 1 FROM runs WHERE state = 'RECEIVING'").get() !== undefined,
    );
  while (!isReceiving()) await new Promise((resolve) => setImmediate(resolve));
  await engine.kill();

  const { ledger } = await rig.runToEnd();
  expect(ledger).toMatchObject({ done: 1 });
  expect((await rig.image("one.png")).lost).toBe(1);
  await rig.close();
  expect(await brokenInvariants(rig, written)).toEqual([]);
});
