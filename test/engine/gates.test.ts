import { mkdir, rename } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { writePicture, writePictures } from "../support/pictures.ts";
import { type Rig } from "../support/open-rig.ts";
import { createRig } from "../support/rig.ts";

async function expectNoAttemptSpent(rig: Rig): Promise<void> {
  for (const image of await rig.images())
    expect(image.uncertain + image.lost + image.workflowErrors, image.path).toBe(0);
}

test("A server that is down is probed, spends no attempt, and gets the whole window when it is back", async () => {
  await using rig = await createRig({ speed: 50, limits: { concurrency: 4 } });
  await writePictures(rig.folder, 24);
  rig.simulator.control.hold();
  const runner = await rig.start();
  await rig.simulator.control.until((stats) => stats.accepted === 4);
  rig.simulator.control.change({ outage: "502" });
  rig.simulator.control.release();
  await rig.untilGate("unreachable");
  const [gate] = runner.gates();
  expect(gate?.nextTryAt).toBeGreaterThan(rig.clock.now() - 60_000);
  const before = rig.simulator.control.stats();
  await rig.simulator.control.until((stats) => stats.arrivalsMs.length >= before.arrivalsMs.length + 3);
  expect(rig.puts).toBe(before.requests.put);

  rig.simulator.control.change({ outage: null });
  await rig.untilGate("unreachable", false);
  rig.simulator.control.hold();
  await rig.simulator.control.until((stats) => stats.outstanding >= 3);
  rig.simulator.control.release();
  const { ledger } = await rig.finish();
  expect(ledger).toMatchObject({ seen: 24, done: 24, failed: 0 });
});

test("A server that cuts every connection is waited for; no image is sent to it again and again", async () => {
  await using rig = await createRig({ speed: 50, limits: { concurrency: 4 } });
  await writePictures(rig.folder, 6);
  const runner = await rig.start({ watch: true });
  await rig.untilLedger((ledger) => ledger.done === 6);
  rig.simulator.control.change({ outage: "reset" });
  await writePicture(rig.folder, "later.png", 99);
  await runner.rescan();
  await rig.untilGate("unreachable");
  const { arrivalsMs } = rig.simulator.control.stats();
  await rig.simulator.control.until((stats) => stats.arrivalsMs.length > arrivalsMs.length + 3);
  rig.simulator.control.change({ outage: null });
  await rig.untilLedger((ledger) => ledger.done === 7);
  // A reset after the whole body may have been accepted: that once costs an attempt, the outage does not.
  expect((await rig.image("later.png")).uncertain).toBeLessThanOrEqual(1);
});

test.each([
  [503, "in seconds", (): string => "40"],
  [429, "in seconds", (): string => "40"],
  [503, "as a date", (rig: Rig): string => new Date(rig.clock.now() + 42_000).toUTCString()],
])(
  "A %i with Retry-After %s is waited out as told, without an attempt",
  async (status, _form, retryAfter) => {
    await using rig = await createRig({ limits: { concurrency: 3 } });
    const runner = await rig.start({ watch: true });
    await writePictures(rig.folder, 6);
    rig.simulator.control.script({
      on: "put",
      fault: { kind: "status", status, headers: { "retry-after": retryAfter(rig) } },
    });
    await runner.rescan();
    await rig.untilGate("busy");
    const gate = runner.gates().find(({ kind }) => kind === "busy");
    const nextTryAt = gate?.nextTryAt ?? 0;
    expect(nextTryAt - (gate?.since ?? 0)).toBeGreaterThan(20_000);
    expect(nextTryAt - (gate?.since ?? 0)).toBeLessThan(45_000);
    await rig.untilGate("busy", false);
    expect(rig.clock.now()).toBeGreaterThanOrEqual(nextTryAt - 100);
    await rig.untilLedger((ledger) => ledger.done === 6);
    await expectNoAttemptSpent(rig);
  },
);

test("Of several answers with Retry-After the longest wait counts", async () => {
  await using rig = await createRig({ speed: 50, limits: { concurrency: 2 } });
  const answer = (seconds: number): Parameters<typeof rig.simulator.control.script>[0] => ({
    on: "put",
    fault: { kind: "status", status: 503, headers: { "retry-after": String(seconds) } },
  });
  rig.simulator.control.script(answer(5), answer(90));
  await writePictures(rig.folder, 2);
  const runner = await rig.start({ watch: true });
  await rig.simulator.control.until((stats) => stats.requests.put === 2);
  await rig.untilGate("busy");
  await rig.until(() => {
    const [gate] = runner.gates();
    return gate === undefined || (gate.nextTryAt ?? 0) - gate.since > 60_000;
  });
  expect(runner.gates().map(({ kind }) => kind)).toEqual(["busy"]);
  await rig.untilLedger((ledger) => ledger.done === 2);
});

test("Five unknown outcomes in a row close a gate, and one submission at a time opens it again", async () => {
  await using rig = await createRig({ speed: 50, limits: { concurrency: 5 } });
  await writePictures(rig.folder, 15);
  rig.simulator.control.script({ on: "put", fault: { kind: "reset-after" }, times: "always" });
  await rig.start();
  await rig.untilGate("unknown-outcomes");
  rig.simulator.control.clearScript();
  const { ledger } = await rig.finish();
  expect(ledger).toMatchObject({ seen: 15, done: 15 });
  const extra = (await rig.images()).reduce((sum, image) => sum + image.uncertain, 0);
  // Those that were on their way when the gate closed end like the five.
  expect(extra).toBeGreaterThanOrEqual(5);
  expect(extra).toBeLessThanOrEqual(9);
  expect(rig.simulator.control.stats().accepted).toBe(15 + extra);
});

test("Twenty refused images in a row stop a batch for a person to look at", async () => {
  await using rig = await createRig({ limits: { concurrency: 2 } });
  await writePictures(rig.folder, 40);
  rig.simulator.control.script({
    on: "put",
    fault: { kind: "status", status: 422, body: "{}" },
    times: "always",
  });
  await rig.start();
  const { ending, ledger } = await rig.finish();
  expect(ending).toMatchObject({ kind: "stopped", gate: { kind: "all-refused" } });
  expect(ledger.failed).toBeGreaterThanOrEqual(20);
  expect(ledger.failed).toBeLessThanOrEqual(22);
  expect(ledger.failed + ledger.waiting).toBe(40);
});

test("A workflow that fails for every image stops the batch, too", async () => {
  await using rig = await createRig({ speed: 50, limits: { concurrency: 2 } });
  await writePictures(rig.folder, 40);
  rig.simulator.control.script({
    on: "put",
    fault: { kind: "run-error", status: 520, message: "no" },
    times: "always",
  });
  await rig.start();
  const { ending } = await rig.finish();
  expect(ending).toMatchObject({ kind: "stopped", gate: { kind: "all-refused" } });
  expect(rig.simulator.control.stats().accepted).toBeLessThan(30);
});

test("The limit of runs is exact under concurrency, and a larger one goes on from there", async () => {
  await using rig = await createRig({ limits: { concurrency: 8, maxRuns: 7 } });
  await writePictures(rig.folder, 20);
  const stopped = await rig.runToEnd();
  expect(stopped.ending).toMatchObject({ kind: "stopped", gate: { kind: "run-limit" } });
  expect(stopped.ledger).toMatchObject({ seen: 20, done: 7, waiting: 13 });
  expect(rig.puts).toBe(7);

  rig.settings = { ...rig.settings, limits: { ...rig.settings.limits, maxRuns: 12 } };
  const raised = await rig.runToEnd();
  expect(raised.ledger).toMatchObject({ done: 12, waiting: 8 });
  expect(rig.puts).toBe(12);
});

test("A limit that is raised while the batch waits at it lets it go on", async () => {
  await using rig = await createRig({ limits: { concurrency: 2, maxRuns: 2 } });
  await writePictures(rig.folder, 5);
  const runner = await rig.start({ watch: true });
  await rig.untilGate("run-limit");
  const batches = await rig.engine.store.call("listBatches", null);
  const settings = { ...rig.settings, limits: { ...rig.settings.limits, maxRuns: null } };
  const prepared = await rig.engine.prepare(settings);
  if (prepared.ok) await rig.engine.saveBatch(batches[0]?.id ?? null, prepared.value);
  await rig.untilLedger((ledger) => ledger.done === 5);
  expect(runner.gates()).toEqual([]);
});

test("A full disk stops submitting and collecting, and room lets both go on without loss", async () => {
  let minimumFreeBytes = 0;
  await using rig = await createRig({ limits: { concurrency: 3 }, minimumFreeBytes: () => minimumFreeBytes });
  await writePictures(rig.folder, 9);
  rig.simulator.control.hold();
  const runner = await rig.start();
  await rig.simulator.control.until((stats) => stats.accepted === 3);
  minimumFreeBytes = Number.MAX_SAFE_INTEGER;
  await rig.untilGate("disk-low");
  // A question that was on its way when the disk filled up is answered before there is a result to take.
  for (let asked = -1; asked !== rig.simulator.control.stats().requests.results;) {
    asked = rig.simulator.control.stats().requests.results;
    await sleep(200);
  }
  rig.simulator.control.release();
  await rig.simulator.control.until((stats) => stats.finished === 3);
  expect(rig.simulator.control.stats().taken).toBe(0);
  minimumFreeBytes = 0;
  await rig.untilGate("disk-low", false);
  const { ledger } = await rig.finish();
  expect(runner.gates()).toEqual([]);
  expect(ledger).toMatchObject({ seen: 9, done: 9 });
  expect(rig.puts).toBe(9);
});

test("A folder that goes away makes nothing missing, and its return goes on", async () => {
  await using rig = await createRig({ limits: { concurrency: 2 } });
  await writePictures(rig.folder, 4);
  const runner = await rig.start({ watch: true });
  await rig.untilLedger((ledger) => ledger.done === 4);
  await rename(rig.folder, `${rig.folder}-away`);
  await runner.rescan();
  await rig.untilGate("folder-away");
  expect((await runner.ledger()).ledger).toMatchObject({ seen: 4, done: 4, missing: 0 });

  // Another folder at the same path is not taken for it either.
  await mkdir(rig.folder);
  await runner.rescan();
  expect(runner.gates().map(({ kind }) => kind)).toContain("folder-away");
  expect((await runner.ledger()).ledger).toMatchObject({ seen: 4, done: 4, missing: 0 });

  await rename(rig.folder, `${rig.folder}-empty`);
  await rename(`${rig.folder}-away`, rig.folder);
  await writePicture(rig.folder, "new.png", 50);
  await rig.untilGate("folder-away", false);
  await rig.untilLedger((ledger) => ledger.done === 5);
  expect(rig.puts).toBe(5);
});

test("A pause submits nothing more and still collects what is paid for", async () => {
  await using rig = await createRig({ limits: { concurrency: 3 } });
  await writePictures(rig.folder, 9);
  rig.simulator.control.hold();
  const runner = await rig.start({ watch: true });
  await rig.simulator.control.until((stats) => stats.accepted === 3);
  await runner.pause();
  rig.simulator.control.release();
  await rig.untilLedger((ledger) => ledger.done === 3 && ledger.inFlight === 0);
  expect(rig.puts).toBe(3);
  await runner.resume();
  await rig.untilLedger((ledger) => ledger.done === 9);
  expect(rig.puts).toBe(9);
});

test("A pause outlives the program", async () => {
  await using rig = await createRig();
  await writePictures(rig.folder, 2);
  const runner = await rig.start();
  await runner.pause();
  await rig.close();
  const puts = rig.puts;
  const again = await rig.start();
  expect(again.gates().map(({ kind }) => kind)).toEqual(["paused"]);
  const { ending } = await rig.finish();
  expect(ending).toMatchObject({ kind: "stopped", gate: { kind: "paused" } });
  expect(rig.puts).toBe(puts);
});

test("An outage longer than one is willing to wait ends the run, and nothing is lost", async () => {
  await using rig = await createRig({ speed: 50, limits: { concurrency: 2, giveUpAfterMs: 30_000 } });
  await writePictures(rig.folder, 4);
  rig.simulator.control.script({ on: "put", fault: { kind: "status", status: 503 }, times: "always" });
  await rig.start();
  const { ending, ledger } = await rig.finish();
  expect(ending).toEqual({ kind: "gave-up", afterMs: 30_000 });
  expect(ledger).toMatchObject({ seen: 4, waiting: 4, failed: 0 });

  rig.simulator.control.clearScript();
  expect((await rig.runToEnd()).ledger).toMatchObject({ done: 4 });
});
