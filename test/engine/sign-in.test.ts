import { expect, test } from "vitest";
import { writePictures } from "../support/pictures.ts";
import { createRig } from "../support/rig.ts";

test("A JWT that lives 1.5 s costs no image its run, and is renewed one at a time", async () => {
  await using rig = await createRig({
    speed: 1,
    simulator: { jwtSeconds: 1.5, latency: { minMs: 100, maxMs: 150 } },
    limits: { concurrency: 4 },
  });
  await writePictures(rig.folder, 120);

  const { ledger } = await rig.runToEnd();
  expect(ledger).toMatchObject({ seen: 120, done: 120, failed: 0 });
  expect(rig.puts).toBe(120);
  const { requests, signInRefusals } = rig.simulator.control.stats();
  expect(requests.token).toBeGreaterThan(2);
  // Renewed before it expires, and asked for once by all: as many questions as lives, not as images.
  expect(requests.token).toBeLessThan(20);
  expect(signInRefusals).toBeLessThanOrEqual(4);
});

test.each([307, 401, 403] as const)(
  "A JWT refused with %i is renewed once for all, without an attempt",
  async (signInStatus) => {
    await using rig = await createRig({ simulator: { signInStatus }, limits: { concurrency: 4 } });
    await writePictures(rig.folder, 12);
    rig.simulator.control.hold();
    const runner = await rig.start();
    await rig.simulator.control.until((stats) => stats.accepted === 4);
    rig.simulator.control.revoke();
    rig.simulator.control.release();

    const { ledger } = await rig.finish();
    expect(runner.gates()).toEqual([]);
    expect(ledger).toMatchObject({ seen: 12, done: 12 });
    const { requests, accepted, signInRefusals } = rig.simulator.control.stats();
    expect(accepted).toBe(12);
    expect(signInRefusals).toBeGreaterThan(0);
    expect(requests.token).toBe(2);
    for (const image of await rig.images())
      expect(image.uncertain + image.lost + image.workflowErrors).toBe(0);
  },
);

test("A revoked API token closes the sign-in gate, spends no attempt, and a new token goes on from there", async () => {
  let token = "simulator-token";
  await using rig = await createRig({ limits: { concurrency: 4 }, apiToken: () => token });
  await writePictures(rig.folder, 30);
  rig.simulator.control.hold();
  const runner = await rig.start();
  await rig.simulator.control.until((stats) => stats.accepted === 4);
  rig.simulator.control.change({ token: "another-token" });
  rig.simulator.control.revoke();
  rig.simulator.control.release();

  await rig.untilGate("sign-in");
  const ending = await runner.untilEnded(new AbortController().signal);
  expect(ending).toMatchObject({ kind: "stopped", gate: { kind: "sign-in" } });
  const { accepted } = rig.simulator.control.stats();
  expect(accepted).toBeLessThan(30);

  token = "another-token";
  runner.tryNow();
  await rig.untilGate("sign-in", false);
  const { ledger } = await rig.finish();
  expect(ledger).toMatchObject({ seen: 30, done: 30 });
  expect(rig.simulator.control.stats().accepted).toBe(30);
  for (const image of await rig.images()) expect(image.uncertain + image.lost + image.workflowErrors).toBe(0);
});

test("A deployment that refuses every JWT closes the sign-in gate instead of asking for ever", async () => {
  await using rig = await createRig();
  await writePictures(rig.folder, 3);
  rig.simulator.control.script({ on: "put", fault: { kind: "status", status: 401 }, times: "always" });
  await rig.start();
  await rig.untilGate("sign-in");
  expect(rig.puts).toBeLessThan(20);
  const { ledger } = await rig.finish();
  expect(ledger).toMatchObject({ seen: 3, waiting: 3, failed: 0 });
});
