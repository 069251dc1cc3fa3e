import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { fstatSync } from "node:fs";
import { copyFile, open, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { expect, onTestFinished, test } from "vitest";
import { sha256Of } from "../support/pictures.ts";
import { createRig } from "../support/rig.ts";

/** A valid JPEG of a few hundred kilobytes; another seed gives another one. */
async function photo(seed: number): Promise<Buffer> {
  const [width, height] = [640, 480];
  let grain = seed;
  const raw = Buffer.alloc(width * height * 3);
  for (let at = 0; at < raw.length; at++) {
    grain = (grain * 1_103_515_245 + 12_345) & 0x7fffffff;
    raw[at] = grain >> 16;
  }
  return sharp(raw, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 95 })
    .toBuffer();
}

/** Between the samples of a file's middle and its end: nobody looks there who does not read all of it. */
function unsampled(bytes: number): number {
  return Math.floor(0.7 * bytes);
}

type Read = (this: { fd: number }, ...given: unknown[]) => Promise<{ bytesRead: number }>;

/** Lets every read of a picture of this size pass through `meet` first, until the test ends. */
async function onRead(bytes: number, meet: (at: number, length: number) => void): Promise<void> {
  const probe = await open(import.meta.filename);
  const handles = Object.getPrototypeOf(probe) as { read: Read };
  await probe.close();
  const { read } = handles;
  handles.read = function (...given) {
    const [, , length, position] = given as [Buffer, number, number, number];
    if (fstatSync(this.fd).size === bytes) meet(position, length);
    return read.apply(this, given);
  };
  onTestFinished(() => void (handles.read = read));
}

test("A picture is read once: while it is sent", async () => {
  await using rig = await createRig();
  const bytes = await photo(1);
  await writeFile(join(rig.folder, "one.jpg"), bytes);
  let read = 0;
  await onRead(bytes.length, (_at, length) => (read += length));
  const { ledger } = await rig.runToEnd();
  expect(ledger.done).toBe(1);
  expect(await rig.resultSha("one.jpg")).toBe(sha256Of(bytes));
  const image = await rig.image("one.jpg");
  expect(Buffer.from(image.sha256 ?? []).toString("hex")).toBe(sha256Of(bytes));
  // All of it, and what its header, its end and its samples take: far from twice.
  expect(read).toBeGreaterThanOrEqual(bytes.length);
  expect(read).toBeLessThan(1.6 * bytes.length);
});

test("Pictures that differ only where nobody looked are two, and each has its own result", async () => {
  await using rig = await createRig();
  const first = await photo(2);
  const second = Buffer.from(first);
  const at = unsampled(second.length);
  second[at] = (second[at] ?? 0) === 0x11 ? 0x12 : 0x11;
  await writeFile(join(rig.folder, "one.jpg"), first);
  await writeFile(join(rig.folder, "two.jpg"), second);
  await copyFile(join(rig.folder, "two.jpg"), join(rig.folder, "twin of two.jpg"));
  const { ledger } = await rig.runToEnd();
  expect(ledger).toMatchObject({ seen: 3, done: 3 });
  expect(rig.puts).toBe(2);
  expect(await rig.resultSha("one.jpg")).toBe(sha256Of(first));
  expect(await rig.resultSha("two.jpg")).toBe(sha256Of(second));
  expect(await rig.resultSha("twin of two.jpg")).toBe(sha256Of(second));
});

test("After an unknown outcome a picture is known by what was sent, and is sent again under the same key", async () => {
  await using rig = await createRig();
  const bytes = await photo(7);
  await writeFile(join(rig.folder, "one.jpg"), bytes);
  const keys: string[] = [];
  const onRequest = (message: unknown): void => {
    const { headers } = (message as { request: { headers: string[] } }).request;
    const at = headers.indexOf("idempotency-key");
    if (at !== -1) keys.push(headers[at + 1] ?? "");
  };
  subscribe("undici:request:create", onRequest);
  onTestFinished(() => void unsubscribe("undici:request:create", onRequest));
  rig.simulator.control.script({ on: "put", fault: { kind: "reset-after" } });
  await rig.start();
  await rig.untilLedger((ledger) => ledger.uncertain === 1);
  const { sha256 } = await rig.image("one.jpg");
  expect(Buffer.from(sha256 ?? []).toString("hex")).toBe(sha256Of(bytes));
  await rig.finish();
  expect(keys).toHaveLength(2);
  expect(keys[0]).toMatch(/^nightrun-\d+-\d+-0-/);
  expect(keys[1]).toBe(keys[0]);
});

test("A copy that comes while the first is at the deployment waits for its result", async () => {
  await using rig = await createRig();
  const bytes = await photo(3);
  await writeFile(join(rig.folder, "one.jpg"), bytes);
  rig.simulator.control.hold();
  await rig.start({ watch: true });
  await rig.simulator.control.until((stats) => stats.accepted === 1);
  await copyFile(join(rig.folder, "one.jpg"), join(rig.folder, "two.jpg"));
  await rig.until(async () => (await rig.images()).some(({ stage }) => stage === "FOLLOWING"));
  rig.simulator.control.release();
  await rig.untilLedger((ledger) => ledger.done === 2);
  expect(rig.puts).toBe(1);
  expect(await rig.resultSha("two.jpg")).toBe(sha256Of(bytes));
});

test("A picture that cannot be read to its end fails with its reason and is no endless try", async () => {
  await using rig = await createRig();
  const bytes = await photo(4);
  await writeFile(join(rig.folder, "bad sector.jpg"), bytes);
  await writeFile(join(rig.folder, "good.jpg"), await photo(5));
  const bad = unsampled(bytes.length);
  await onRead(bytes.length, (at, length) => {
    if (at <= bad && bad < at + length) throw Object.assign(new Error("input/output error"), { code: "EIO" });
  });
  const { ledger } = await rig.runToEnd();
  expect(ledger).toMatchObject({ seen: 2, done: 1, failed: 1 });
  expect(await rig.image("bad sector.jpg")).toMatchObject({ stage: "FAILED", reason: "unreadable" });
  // Once, to find out; from then on it is read before it is sent.
  const tries = (await rig.runs()).filter(({ path }) => path === "bad sector.jpg");
  expect(tries.map(({ state }) => state)).toEqual(["REJECTED"]);
  expect(rig.simulator.control.stats().accepted).toBe(1);
});

test("A picture that is renamed before it was sent is neither missing nor sent twice", async () => {
  await using rig = await createRig();
  const bytes = await photo(6);
  await writeFile(join(rig.folder, "before.jpg"), bytes);
  const runner = await rig.start({ watch: true });
  await runner.pause();
  await rig.until(async () => (await rig.images()).some(({ stage }) => stage === "READY"));
  await rename(join(rig.folder, "before.jpg"), join(rig.folder, "after.jpg"));
  await runner.rescan();
  await runner.resume();
  const ledger = await rig.untilLedger(({ done }) => done === 1);
  expect(ledger).toMatchObject({ seen: 1, missing: 0 });
  expect(rig.puts).toBe(1);
});

test("A picture that is renamed while it is on its way is not run again", async () => {
  await using rig = await createRig();
  const bytes = await photo(8);
  await writeFile(join(rig.folder, "before.jpg"), bytes);
  let lastReadAt = Number.POSITIVE_INFINITY;
  await onRead(bytes.length, (at, length) => {
    if (at > 0 && at + length === bytes.length && length > 16 * 1024) lastReadAt = performance.now();
  });
  rig.simulator.control.script({ on: "put", fault: { kind: "delay", ms: 1000 } });
  await rig.start({ watch: true });
  await rig.until(async () => (await rig.images()).some(({ stage }) => stage === "SENDING"));
  // All of it has left, and the answer is yet to come.
  await expect.poll(() => performance.now() - lastReadAt).toBeGreaterThan(100);
  await rename(join(rig.folder, "before.jpg"), join(rig.folder, "after.jpg"));
  const ledger = await rig.untilLedger(({ seen, done }) => seen === 1 && done === 1);
  expect(ledger.missing).toBe(0);
  await rig.until(async () =>
    (await rig.images()).some(({ path, stage }) => path === "after.jpg" && stage === "DONE"),
  );
  // A rename touches the file: a submission that met it is cut before its end, and no run.
  expect(rig.simulator.control.stats().accepted).toBe(1);
  expect(await rig.resultSha("after.jpg")).toBe(sha256Of(bytes));
});
