import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openReader } from "../../electron/engine/store/database.ts";
import { startEngineProcess } from "../support/crash-loop.ts";
import { writePicture, writePictures } from "../support/pictures.ts";
import { createRig } from "../support/rig.ts";

test("A complete answer on disk is taken up after a kill without asking the server for it", async () => {
  await using rig = await createRig();
  const sha256 = await writePicture(rig.folder, "one.png", 1);
  rig.simulator.control.hold();
  const engine = startEngineProcess(rig, { speed: 20 });
  await rig.simulator.control.until((stats) => stats.requests.results > 0);
  await engine.kill();
  const reader = openReader(rig.dataFile);
  if (!reader.ok) throw new Error(reader.failure.reason);
  const run = reader.value.sql("SELECT id, state FROM runs").get() as { id: number; state: string };
  reader.value.close();
  expect(run.state).toBe("SUBMITTED");
  // As the kill between the fsync of the answer and the commit of its row leaves it.
  const answer = JSON.stringify([{ DATA_DICT: { bytes: 1, sha256 } }]);
  await writeFile(join(`${rig.dataFile}.spool`, `${run.id}.answer`), answer);
  await rig.simulator.control.forget();
  rig.simulator.control.resetStats();

  const { ledger } = await rig.runToEnd();
  expect(ledger).toMatchObject({ done: 1 });
  expect(rig.simulator.control.stats().requests).toMatchObject({ put: 0, results: 0 });
  expect(await rig.resultSha("one.png")).toBe(sha256);
});

test("A good shutdown in the middle leaves runs to be collected, not to be made again", async () => {
  await using rig = await createRig({ limits: { concurrency: 4 } });
  await writePictures(rig.folder, 12);
  rig.simulator.control.hold();
  await rig.start();
  await rig.simulator.control.until((stats) => stats.accepted === 4);
  await rig.close();
  expect((await rig.images()).filter((image) => image.stage === "SUBMITTED")).toHaveLength(4);
  rig.simulator.control.release();

  const { ledger } = await rig.runToEnd();
  expect(ledger).toMatchObject({ done: 12 });
  expect(rig.puts).toBe(12);
  for (const image of await rig.images()) expect(image.lost).toBe(0);
});

test("A stop collects what is paid for and submits nothing more", async () => {
  await using rig = await createRig({ limits: { concurrency: 3 } });
  await writePictures(rig.folder, 12);
  rig.simulator.control.hold();
  const runner = await rig.start();
  await rig.simulator.control.until((stats) => stats.accepted === 3);
  const stopped = runner.stop(10_000);
  rig.simulator.control.release();
  await stopped;
  expect((await runner.ledger()).ledger).toMatchObject({ done: 3, waiting: 9, inFlight: 0 });
  expect(rig.puts).toBe(3);
});

test("A stop with a deadline ends at it, and the runs stay to be collected", async () => {
  await using rig = await createRig({ limits: { concurrency: 3 } });
  await writePictures(rig.folder, 3);
  rig.simulator.control.hold();
  const runner = await rig.start();
  await rig.simulator.control.until((stats) => stats.accepted === 3);
  await runner.stop(100);
  expect((await runner.ledger()).ledger).toMatchObject({ inFlight: 3 });
});

test("A file that comes into a watched folder is run through the hint alone, and so is one that changes", async () => {
  await using rig = await createRig({ timing: { walkEveryMs: 3_600_000 } });
  const runner = await rig.start({ watch: true });
  await rig.until(() => !runner.walking);
  await writePicture(rig.folder, "one.png", 1);
  await rig.untilLedger((ledger) => ledger.done === 1);
  const sha256 = await writePicture(rig.folder, "one.png", 2);
  await rig.simulator.control.until((stats) => stats.accepted === 2);
  await rig.untilLedger((ledger) => ledger.seen === 1 && ledger.done === 1);
  expect(await rig.resultSha("one.png")).toBe(sha256);
});

test("After a kill a result that may be gone is given up long before the time-out of its run", async () => {
  await using rig = await createRig({ speed: 50 });
  await writePicture(rig.folder, "one.png", 1);
  rig.simulator.control.hold();
  const engine = startEngineProcess(rig, { speed: 50 });
  await rig.simulator.control.until((stats) => stats.requests.results > 0);
  await engine.kill();
  // As if the server had handed the result to the killed process.
  await rig.simulator.control.forget();
  rig.simulator.control.release();

  const { ledger } = await rig.runToEnd();
  expect(ledger).toMatchObject({ done: 1 });
  const [lost] = await rig.runs();
  expect(lost).toMatchObject({ state: "LOST", suspect: 1 });
  // Its time-out would be ten minutes.
  expect((lost?.finishedAt ?? 0) - (lost?.submittedAt ?? 0)).toBeLessThan(300_000);
});
