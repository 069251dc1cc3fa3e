import { chmod, mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { SIMULATOR } from "../../electron/contract/batch.ts";
import { listFolder } from "../../electron/engine/handlers/folders.ts";
import { createMemoryTokens } from "../../electron/engine/handlers/memory-tokens.ts";
import { writePicture, writePictures } from "../support/pictures.ts";
import { openStand, until, untilFinished, wholeBatch } from "./window-stand.ts";

test("a removed batch is gone with its run log, its results stay, and ids are never given twice", async () => {
  const stand = await openStand();
  await writePictures(stand.folder, 5);
  const { batchId } = await stand.value("batch:create", { settings: stand.settings() });
  await stand.value("batch:start", { batchId });
  await untilFinished(stand, batchId, 5);
  const other = await stand.value("batch:duplicate", { batchId });
  await stand.value("batch:remove", { batchId });
  expect(await stand.call("batch:get", { batchId })).toMatchObject({
    ok: true,
    value: { ok: false, failure: { reason: "unknown-batch" } },
  });
  const left = await stand.engine?.store.call("openRuns", batchId);
  expect(left).toEqual([]);
  expect((await readdir(join(stand.base, "results"))).length).toBe(5);
  await stand.value("batch:start", { batchId: other.batchId });
  await untilFinished(stand, other.batchId, 5);
  const page = {
    scope: wholeBatch(other.batchId),
    sort: "path",
    descending: false,
    after: null,
    limit: 9,
  } as const;
  const { rows } = await stand.value("images:page", page);
  for (const row of rows) expect(row.id).toBeGreaterThan(5);
  for (const row of rows)
    expect((await stand.value("image:get", { imageId: row.id })).runs[0]?.id).toBeGreaterThan(5);
  expect(stand.problems).toEqual([]);
});

test("a duplicate has a name and a results folder of its own, and nothing of the first one's images", async () => {
  const stand = await openStand();
  const { batchId } = await stand.value("batch:create", { settings: stand.settings() });
  const first = await stand.value("batch:duplicate", { batchId });
  const second = await stand.value("batch:duplicate", { batchId });
  const settings = await Promise.all(
    [first, second].map(async (copy) => (await stand.value("batch:get", copy)).settings),
  );
  expect(settings.map((s) => [s.name, s.results.resultsFolder])).toEqual([
    ["test (2)", join(stand.base, "results-2")],
    ["test (3)", join(stand.base, "results-3")],
  ]);
});

test("a batch file goes out without secrets and comes in as it was", async () => {
  const stand = await openStand();
  const settings = stand.settings({ name: "Herbarium / Blätter: *" });
  const { batchId } = await stand.value("batch:create", { settings });
  const { fileName, text } = await stand.value("batch:export", { batchId });
  expect(fileName).toBe("Herbarium - Blätter- -.nightrun.json");
  expect(text).not.toContain(stand.simulator.token);
  expect(await stand.value("batch:import", { text })).toEqual(
    (await stand.value("batch:get", { batchId })).settings,
  );
  const short = JSON.stringify({ nightrunBatch: 1, intake: { folder: "/x" } });
  expect((await stand.value("batch:import", { text: short })).decision.deployment).toBe(SIMULATOR);
  for (const bad of ["", "{}", '{"nightrunBatch":2}', '{"nightrunBatch":1,"token":"x"}', "[1]"]) {
    const answer = await stand.call("batch:import", { text: bad });
    expect(answer.ok && answer.value, bad).toMatchObject({ ok: false, failure: { reason: "bad-file" } });
  }
});

test("a changed decision makes a new revision; a changed name or limit does not; a folder with images stays", async () => {
  const stand = await openStand();
  await writePictures(stand.folder, 2);
  const { batchId } = await stand.value("batch:create", { settings: stand.settings() });
  await stand.value("batch:start", { batchId });
  await untilFinished(stand, batchId, 2);
  const renamed = await stand.value("batch:rename", { batchId, name: "  second name " });
  expect([renamed.name, renamed.revision]).toEqual(["second name", 1]);
  const decision = {
    ...stand.settings().decision,
    parameters: [{ taskName: "image_facts", taskIndex: 0, name: "decode", value: "False" }],
  };
  const detail = await stand.value("batch:update", { batchId, settings: stand.settings({ decision }) });
  expect(detail.card.revision).toBe(2);
  await untilFinished(stand, batchId, 2);
  expect(stand.simulator.control.stats().requests.put).toBe(4);
  const elsewhere = stand.settings({ intake: { ...stand.settings().intake, folder: stand.base } });
  const answer = await stand.call("batch:update", { batchId, settings: elsewhere });
  expect(answer.ok && answer.value).toMatchObject({ ok: false, failure: { reason: "usage" } });
});

test("a retry says before how many runs it is, and then takes just these", async () => {
  const stand = await openStand();
  await writePictures(stand.folder, 2);
  const sha256 = await writePicture(stand.folder, "bad.png", 3);
  const fault = { kind: "run-error" as const, status: 520 as const, message: "Out of memory" };
  stand.simulator.control.script({ on: "put", sha256, fault, times: "always" });
  const { batchId } = await stand.value("batch:create", { settings: stand.settings() });
  await stand.value("batch:start", { batchId });
  await untilFinished(stand, batchId, 3);
  const scope = { ...wholeBatch(batchId), states: ["failed" as const], reason: "workflow-error" as const };
  const { groups } = await stand.value("batch:failures", { batchId });
  expect(groups).toMatchObject([
    { reason: "workflow-error", count: 1, retryable: true, samples: [{ path: "bad.png" }] },
  ]);
  expect(await stand.value("images:retry-preview", { scope })).toEqual({ images: 1, runs: 1 });
  stand.simulator.control.clearScript();
  const { put } = stand.simulator.control.stats().requests;
  expect(await stand.value("images:retry", { scope })).toEqual({ images: 1, runs: 1 });
  await untilFinished(stand, batchId, 3);
  const counts = await stand.value("images:counts", { scope: wholeBatch(batchId) });
  expect([counts.byState.done, counts.total]).toEqual([3, 3]);
  expect(stand.simulator.control.stats().requests.put).toBe(put + 1);
});

test("an export is a new file in the results folder every time", async () => {
  const stand = await openStand();
  await writePictures(stand.folder, 2);
  const { batchId } = await stand.value("batch:create", { settings: stand.settings() });
  await stand.value("batch:start", { batchId });
  await untilFinished(stand, batchId, 2);
  const files = await Promise.all(
    ["jsonl", "csv", "csv"].map((format) =>
      stand.value("batch:export-results", { batchId, format: format as "csv", states: ["done"] }),
    ),
  );
  expect(new Set(files.map(({ file }) => file)).size).toBe(3);
  const names = await readdir(join(stand.base, "results"));
  expect(names.filter((name) => name.startsWith(".nightrun"))).toEqual([]);
  const [jsonl, csv] = await Promise.all(
    files.map(({ file }) => readFile(join(stand.base, "results", file), "utf8")),
  );
  expect(
    jsonl
      ?.trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { state: string }).state),
  ).toEqual(["done", "done"]);
  expect(csv?.split("\r\n")[0]).toContain("path");
});

test("folders are listed without hidden ones, links and those that cannot be read, in the order of their names", async () => {
  const stand = await openStand();
  for (const name of ["b10", "b9", ".hidden", "locked", "Ä"]) await mkdir(join(stand.folder, name));
  await symlink(stand.base, join(stand.folder, "linked"));
  await writePictures(stand.folder, 3);
  await writeFile(join(stand.folder, "note.txt"), "");
  await chmod(join(stand.folder, "locked"), 0o000);
  const listed = await listFolder(stand.folder);
  await chmod(join(stand.folder, "locked"), 0o700);
  const readable = process.getuid?.() === 0 ? ["Ä", "b9", "b10", "locked"] : ["Ä", "b9", "b10"];
  expect(listed).toMatchObject({ ok: true, value: { parent: stand.base, images: 3 } });
  expect(listed.ok && listed.value.folders.map(({ name }) => name)).toEqual(readable);
  expect(await listFolder(join(stand.folder, "nothing"))).toMatchObject({
    ok: false,
    failure: { reason: "folder-missing" },
  });
  expect(await listFolder("relative")).toMatchObject({ ok: false, failure: { reason: "folder-missing" } });
  expect((await stand.value("folder:list", { folder: null })).folder).toBe(stand.base);
});

test("settings of the app are kept, and take effect at once", async () => {
  const stand = await openStand();
  const settings = {
    theme: "light",
    minimumFreeBytes: 123,
    batteryFloorPercent: 20,
    startAtLogin: true,
  } as const;
  await stand.value("settings:save", settings);
  expect(await stand.value("settings:get", {})).toEqual(settings);
  expect(stand.service.minimumFreeBytes()).toBe(123);
});

test("only the end of a long token is ever shown", () => {
  const tokens = createMemoryTokens({ IKOMIA_TOKEN: "environment-token-9876" });
  expect(tokens.state("https://a.example")).toEqual({ source: "environment", ending: "9876", note: null });
  expect(tokens.set("https://a.example", "short")).toMatchObject({ source: "memory", ending: null });
  expect(tokens.apiToken("https://a.example")).toBe("short");
  expect(tokens.apiToken("https://b.example")).toBe("environment-token-9876");
  expect(tokens.clear("https://a.example")).toMatchObject({ source: "environment" });
  expect(createMemoryTokens({}).state("https://a.example")).toMatchObject({ source: "none" });
});

test("what happened in a night is counted where it happened", async () => {
  const stand = await openStand();
  await writePictures(stand.folder, 6);
  await writeFile(join(stand.folder, "twin.png"), await readFile(join(stand.folder, "0001.png")));
  const { batchId } = await stand.value("batch:create", { settings: stand.settings() });
  await stand.value("batch:start", { batchId });
  await untilFinished(stand, batchId, 7);
  const night = await stand.value("batch:night", { batchId, fromAt: null });
  const sum = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0);
  expect(sum(night.done)).toBe(7);
  expect(night.inFlight.at(-1)).toBe(0);
  expect(night.runTimeMs.some((ms) => ms !== null)).toBe(true);
  expect(night.totalRunTimeMs).toBeGreaterThan(0);
  expect(night.extraRuns).toEqual({ uncertain: 0, lost: 0, workflowErrors: 0 });
});

test("while a night goes on, its series end with the last complete step", async () => {
  const stand = await openStand({ simulator: { latency: { minMs: 0, maxMs: 2 } } });
  await writePictures(stand.folder, 3);
  const { batchId } = await stand.value("batch:create", { settings: stand.settings() });
  await stand.value("batch:start", { batchId });
  await untilFinished(stand, batchId, 3);
  const ended = await stand.value("batch:night", { batchId, fromAt: Date.now() - 60_000 });
  stand.simulator.control.hold();
  await writePicture(stand.folder, "late.png", 99);
  await until(
    () => stand.value("batch:get", { batchId }),
    ({ card }) => card.ledger.inFlight === 1,
  );
  const going = await stand.value("batch:night", { batchId, fromAt: Date.now() - 60_000 });
  stand.simulator.control.release();
  expect(ended.fromAt + ended.done.length * ended.bucketMs).toBeGreaterThan(ended.fromAt + 55_000);
  expect(going.fromAt + going.done.length * going.bucketMs).toBeLessThanOrEqual(Date.now());
});
