import { expect, test } from "vitest";
import { writePictures } from "../support/pictures.ts";
import { createRig } from "../support/rig.ts";

test("A low battery stops submitting, collects what is paid for, and goes on with the mains", async () => {
  let isLow = false;
  await using rig = await createRig({
    speed: 50,
    limits: { concurrency: 2 },
    isBatteryLow: () => isLow,
  });
  await writePictures(rig.folder, 8);
  rig.simulator.control.hold();
  await rig.start();
  await rig.simulator.control.until((stats) => stats.accepted === 2);
  isLow = true;
  await rig.untilGate("battery-low");
  rig.simulator.control.release();
  await rig.untilLedger((ledger) => ledger.done === 2);
  expect(rig.puts).toBe(2);
  isLow = false;
  const { ledger } = await rig.finish();
  expect(ledger).toMatchObject({ seen: 8, done: 8, failed: 0 });
});

test("A start on a low battery submits nothing", async () => {
  let isLow = true;
  await using rig = await createRig({ speed: 50, isBatteryLow: () => isLow });
  await writePictures(rig.folder, 3);
  await rig.start();
  await rig.untilGate("battery-low");
  await rig.untilLedger((ledger) => ledger.waiting === 3);
  expect(rig.puts).toBe(0);
  isLow = false;
  await rig.finish();
});
