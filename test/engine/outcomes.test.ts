import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { HELD } from "../../electron/engine/transitions.ts";
import { writePicture, writePictures } from "../support/pictures.ts";
import { createRig } from "../support/rig.ts";

test("A submission cut after it was accepted is uncertain, is sent again, and gives one result", async () => {
  await using rig = await createRig();
  const sha256 = await writePicture(rig.folder, "one.png", 1);
  rig.simulator.control.script({ on: "put", fault: { kind: "reset-after" } });
  await rig.start();
  await rig.untilLedger((ledger) => ledger.uncertain === 1);
  const { ledger } = await rig.finish();
  expect(ledger).toMatchObject({ seen: 1, done: 1 });
  expect(rig.simulator.control.stats().accepted).toBe(2);
  expect(await rig.resultSha("one.png")).toBe(sha256);
  expect((await rig.runs()).map((run) => run.state)).toEqual(["ORPHANED", "DONE"]);
});

test("A submission with an unknown outcome is sent again twice at most, then fails and says why", async () => {
  await using rig = await createRig();
  await writePicture(rig.folder, "one.png", 1);
  rig.simulator.control.script({ on: "put", fault: { kind: "reset-after" }, times: "always" });
  const { ledger } = await rig.runToEnd();
  expect(ledger).toMatchObject({ seen: 1, failed: 1 });
  expect(rig.puts).toBe(3);
  const image = await rig.image("one.png");
  expect(image.reason).toBe("outcome-unknown");
  expect(JSON.parse(image.failureJson ?? "")).toMatchObject({ times: 3 });
});

test("An image of unknown outcome waits at least 5 s before it is sent again", async () => {
  await using rig = await createRig();
  await writePicture(rig.folder, "one.png", 1);
  rig.simulator.control.script({ on: "put", fault: { kind: "status", status: 504, accepted: true } });
  await rig.runToEnd();
  const [first, second] = await rig.runs();
  expect((second?.intentAt ?? 0) - (first?.finishedAt ?? 0)).toBeGreaterThanOrEqual(5000);
});

test("With --on-uncertain hold nothing is sent again until a person says so", async () => {
  await using rig = await createRig({ limits: { onUncertain: "hold" } });
  await writePictures(rig.folder, 3);
  rig.simulator.control.script({ on: "put", fault: { kind: "reset-after" } });
  const { ending, ledger } = await rig.runToEnd();
  expect(ending).toEqual({ kind: "stopped", gate: null });
  expect(ledger).toMatchObject({ seen: 3, done: 2, uncertain: 1 });
  expect(rig.puts).toBe(3);
  const held = (await rig.images()).find((image) => image.stage === "UNCERTAIN");
  expect(held?.nextAt).toBe(HELD);

  expect((await rig.runToEnd()).ledger).toMatchObject({ done: 2, uncertain: 1 });
  const scope = {
    batchId: held?.batchId ?? 0,
    states: ["uncertain" as const],
    reason: null,
    search: "",
    label: null,
    imageIds: null,
  };
  await (await rig.open()).store.call("retryImages", { scope, at: rig.clock.now(), mono: rig.clock.mono() });
  expect((await rig.runToEnd()).ledger).toMatchObject({ done: 3 });
  expect(rig.puts).toBe(4);
});

test.each(["length", "chunked", "close"] as const)(
  "A result cut on its way (%s) is known to be lost, and the image runs again",
  async (framing) => {
    await using rig = await createRig();
    const sha256 = await writePicture(rig.folder, "one.png", 1);
    rig.simulator.control.script({ on: "results", fault: { kind: "cut", afterBytes: 20, framing } });
    const { ledger } = await rig.runToEnd();
    expect(ledger).toMatchObject({ done: 1 });
    expect(await rig.resultSha("one.png")).toBe(sha256);
    expect((await rig.runs()).map((run) => run.state)).toEqual(["LOST", "DONE"]);
    expect(rig.simulator.control.stats().doubleGets).toBe(0);
  },
);

test("A result that is lost every time fails the image after three runs", async () => {
  await using rig = await createRig();
  await writePicture(rig.folder, "one.png", 1);
  rig.simulator.control.script({
    on: "results",
    fault: { kind: "cut", afterBytes: 5, framing: "length" },
    times: "always",
  });
  const { ledger } = await rig.runToEnd();
  expect(ledger).toMatchObject({ failed: 1 });
  expect((await rig.image("one.png")).reason).toBe("result-lost");
  expect(rig.simulator.control.stats().accepted).toBe(3);
});

test("A run that the server forgot is found out and made again", async () => {
  await using rig = await createRig({ limits: { runTimeoutMs: 20_000 } });
  await writePicture(rig.folder, "one.png", 1);
  rig.simulator.control.hold();
  await rig.start();
  await rig.simulator.control.until((stats) => stats.accepted === 1);
  await rig.simulator.control.forget();
  rig.simulator.control.release();
  const { ledger } = await rig.finish();
  expect(ledger).toMatchObject({ done: 1 });
  expect((await rig.runs()).map((run) => run.state)).toEqual(["LOST", "DONE"]);
});

test.each([500, 520] as const)(
  "A workflow that fails with %i is tried once more, then the image fails with its message",
  async (status) => {
    await using rig = await createRig();
    const [lucky, unlucky] = [
      await writePicture(rig.folder, "a.png", 1),
      await writePicture(rig.folder, "b.png", 2),
    ];
    const fault = { kind: "run-error" as const, status, message: "Tensor has the wrong size" };
    rig.simulator.control.script(
      { on: "put", sha256: lucky, fault },
      { on: "put", sha256: unlucky, fault, times: "always" },
    );
    const { ledger } = await rig.runToEnd();
    expect(ledger).toMatchObject({ done: 1, failed: 1 });
    const image = await rig.image("b.png");
    expect(JSON.parse(image.failureJson ?? "")).toMatchObject({
      reason: "workflow-error",
      status,
      ...(status === 520 ? { message: "Tensor has the wrong size" } : {}),
    });
    expect(rig.simulator.control.stats().images[unlucky]?.accepted).toBe(2);
    expect(rig.simulator.control.stats().images[lucky]?.accepted).toBe(2);
  },
);

test("A run that never ends is given up at its time-out, run twice more, and then fails", async () => {
  await using rig = await createRig({ limits: { runTimeoutMs: 5000 } });
  await writePictures(rig.folder, 2);
  rig.simulator.control.script({ on: "put", fault: { kind: "endless" }, times: "always" });
  const { ledger } = await rig.runToEnd();
  expect(ledger).toMatchObject({ failed: 2 });
  for (const image of await rig.images()) {
    expect(image.reason).toBe("run-timeout");
    expect((JSON.parse(image.failureJson ?? "") as { waitedMs: number }).waitedMs).toBeGreaterThanOrEqual(
      5000,
    );
  }
  expect(rig.simulator.control.stats().accepted).toBe(6);
});

test("An answer of the wrong shape fails the image, and its bytes are kept", async () => {
  await using rig = await createRig();
  await writePicture(rig.folder, "one.png", 1);
  rig.simulator.control.script({ on: "results", fault: { kind: "body", body: '{"surprise": true}' } });
  const { ledger } = await rig.runToEnd();
  expect(ledger).toMatchObject({ failed: 1 });
  const failure = JSON.parse((await rig.image("one.png")).failureJson ?? "") as {
    reason: string;
    rawFile: string;
  };
  expect(failure.reason).toBe("unexpected-result");
  expect(await readFile(failure.rawFile, "utf8")).toBe('{"surprise": true}');
  expect(rig.puts).toBe(1);
});

test("With --keep-raw the raw answer stays beside the result", async () => {
  await using rig = await createRig({ keepRaw: true });
  await writePicture(rig.folder, "one.png", 1);
  await rig.runToEnd();
  expect(await rig.resultFiles()).toEqual(["one.png.json", "one.png.raw"]);
});

test("A run id that was given before is not believed", async () => {
  await using rig = await createRig({ limits: { concurrency: 1 } });
  const written = await writePictures(rig.folder, 3);
  rig.simulator.control.script({ on: "put", skip: 1, fault: { kind: "run-id", form: "earlier" } });
  const { ledger } = await rig.runToEnd();
  expect(ledger).toMatchObject({ done: 3 });
  for (const [path, sha256] of written) expect(await rig.resultSha(path)).toBe(sha256);
  expect((await rig.images()).reduce((sum, image) => sum + image.uncertain, 0)).toBe(1);
  expect(rig.problems).toEqual([]);
});

test("A picture that is too large for the deployment fails alone", async () => {
  await using rig = await createRig();
  await writePictures(rig.folder, 3);
  rig.simulator.control.script({ on: "put", fault: { kind: "status", status: 413 } });
  const { ledger } = await rig.runToEnd();
  expect(ledger).toMatchObject({ done: 2, failed: 1 });
});
