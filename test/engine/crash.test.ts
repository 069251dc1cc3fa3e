import { expect, test } from "vitest";
import { openReader } from "../../electron/engine/store/database.ts";
import { startEngineProcess } from "../support/crash-loop.ts";
import { writePicture, writePictures } from "../support/pictures.ts";
import { type Rig } from "../support/open-rig.ts";
import { createRig } from "../support/rig.ts";

const SPEED = 50;

/** What must hold whatever happened: three witnesses (result files, data file, server) agree. */
async function expectInvariants(rig: Rig, written: Map<string, string>): Promise<void> {
  const images = (await rig.images()).filter((image) => image.current === 1);
  expect(images).toHaveLength(written.size);
  const runs = await rig.runs();
  const stats = rig.simulator.control.stats();
  for (const image of images) {
    expect(["DONE", "FAILED"], image.path).toContain(image.stage);
    if (image.stage === "FAILED") expect(image.reason, image.path).not.toBeNull();
    else expect(await rig.resultSha(image.path), image.path).toBe(written.get(image.path));
    const explained = 1 + image.uncertain + image.lost + image.workflowErrors;
    const accepted = stats.images[written.get(image.path) ?? ""]?.accepted ?? 0;
    expect(accepted, `${image.path}: more submissions than logged events explain`).toBeLessThanOrEqual(
      explained,
    );
    const own = runs.filter((run) => run.imageId === image.id && run.state !== "REJECTED");
    expect(own.length, image.path).toBeLessThanOrEqual(explained);
    expect(own.filter((run) => run.state === "DONE").length).toBe(image.stage === "DONE" ? 1 : 0);
  }
  const known = new Set(runs.map((run) => run.uuid));
  const collected = Object.entries(stats.runs).filter(([, run]) => run.gets > 0);
  for (const [uuid] of collected)
    expect(known.has(uuid), `${uuid} was asked for but is in no row`).toBe(true);
  expect(stats.doubleGets).toBe(0);
}

test(
  "Killed at any moment and with every fault at once, each image ends done or failed with a reason",
  { timeout: 180_000 },
  async () => {
    await using rig = await createRig({
      speed: SPEED,
      simulator: {
        seed: 7,
        latency: { minMs: 1, maxMs: 20 },
        jwtSeconds: 2,
        faults: {
          "put-reset-before": 0.03,
          "put-reset-after": 0.03,
          "put-503": 0.02,
          "put-429": 0.02,
          "get-lost": 0.02,
          "get-cut": 0.04,
          "get-502": 0.02,
          "run-500": 0.02,
          "run-520": 0.01,
          "jwt-short": 0.05,
        },
      },
      limits: { concurrency: 10, runTimeoutMs: 60_000 },
    });
    const written = await writePictures(rig.folder, 100);
    let kills = 0;
    for (;;) {
      const engine = startEngineProcess(rig, { speed: SPEED });
      await engine.said("open");
      if (kills >= 6) {
        expect(await engine.ending()).toEqual({ kind: "complete" });
        break;
      }
      // The moment of the kill is what is random here: after so many more requests, whichever they are.
      const requests = (): number => rig.simulator.control.stats().arrivalsMs.length;
      const at = requests() + 10 + Math.floor(Math.random() * 90);
      await Promise.race([
        rig.simulator.control.until((stats) => stats.arrivalsMs.length >= at),
        engine.ending(),
      ]);
      await engine.kill();
      kills++;
      const { store } = await rig.open();
      const { ledger } = await store.call("ledgerOf", 1);
      const { seen, ...parts } = ledger;
      expect(Object.values(parts).reduce((sum, n) => sum + n, 0)).toBe(seen);
      await rig.close();
    }
    // Else nothing was shown: the kills met nothing in flight, or no fault struck.
    expect(Object.keys(rig.simulator.control.stats().faults).length).toBeGreaterThan(3);
    const { store } = await rig.open();
    const events = await store.call("listEvents", { batchId: 1, before: null, after: null, limit: 10_000 });
    expect(events.filter(({ kind }) => kind === "ended-without-word").length).toBeGreaterThan(1);
    await expectInvariants(rig, written);
  },
);

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
  await expectInvariants(rig, written);
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
  await expectInvariants(rig, written);
});

test("Killed while a result came in, its loss is known at once and the image runs again", async () => {
  await using rig = await createRig();
  const written = new Map([["one.png", await writePicture(rig.folder, "one.png", 1)]]);
  rig.simulator.control.script({ on: "results", fault: { kind: "drip", bytes: 1, everyMs: 60_000 } });
  const engine = startEngineProcess(rig, { speed: 20 });
  await rig.simulator.control.until((stats) => stats.taken === 1);
  // The head is recorded before the body is read; the row tells when.
  for (let receiving = false; !receiving;) {
    const reader = openReader(rig.dataFile);
    if (!reader.ok) throw new Error(reader.failure.reason);
    receiving = reader.value.sql("SELECT 1 FROM runs WHERE state = 'RECEIVING'").get() !== undefined;
    reader.value.close();
    await new Promise((resolve) => setImmediate(resolve));
  }
  await engine.kill();

  const { ledger } = await rig.runToEnd();
  expect(ledger).toMatchObject({ done: 1 });
  expect((await rig.image("one.png")).lost).toBe(1);
  await expectInvariants(rig, written);
});
