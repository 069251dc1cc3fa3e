import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { CALL_NAMES, trialPath, type CallName } from "../../electron/contract/api.ts";
import { SIMULATOR } from "../../electron/contract/batch.ts";
import { CALL_SCHEMAS, EVENT_SCHEMAS } from "../../electron/contract/schema/api.ts";
import { writePictures } from "../support/pictures.ts";
import { openStand, untilFinished, wholeBatch, type WindowStand } from "./window-stand.ts";

const WORKFLOW_FILE = JSON.stringify({
  metadata: { name: "drawn" },
  tasks: [{ task_id: 0, task_data: { name: "only", parameters: [], inputs: [], outputs: [] } }],
  connections: [],
});

/** Good inputs for every call, in an order in which each can succeed. */
function goodInputs(stand: WindowStand, batchId: number, imageId: number): [CallName, unknown][] {
  const settings = stand.settings({ name: "another" });
  const scope = wholeBatch(batchId);
  const deployment = "https://example.scale.ikomia.ai";
  return [
    ["app:state", {}],
    ["settings:get", {}],
    ["settings:save", { theme: "dark", minimumFreeBytes: 1, batteryFloorPercent: null, startAtLogin: false }],
    ["token:set", { deployment, token: "abcdefgh-12345678" }],
    ["token:state", { deployment }],
    ["token:clear", { deployment }],
    ["deployment:test", { deployment: SIMULATOR }],
    ["workflow:read", { text: WORKFLOW_FILE }],
    ["folder:list", { folder: null }],
    ["folder:choose", { title: "Images" }],
    ["batch:check", { settings }],
    ["batch:get", { batchId }],
    ["batch:update", { batchId, settings: stand.settings({ name: "changed" }) }],
    ["batch:rename", { batchId, name: "renamed" }],
    ["batch:export", { batchId }],
    ["batch:import", { text: JSON.stringify({ nightrunBatch: 1, name: "imported" }) }],
    ["batch:pause", { batchId }],
    ["batch:start", { batchId }],
    ["batch:try-now", { batchId }],
    ["batch:rescan", { batchId }],
    ["batch:try-image", { settings, path: null }],
    ["batch:night", { batchId, fromAt: null }],
    ["batch:events", { batchId, before: null, limit: 10 }],
    ["batch:in-flight", { batchId }],
    ["batch:failures", { batchId }],
    ["batch:export-results", { batchId, format: "jsonl", states: [] }],
    ["images:page", { scope, sort: "path", descending: false, after: null, limit: 2 }],
    ["images:counts", { scope }],
    ["images:retry-preview", { scope }],
    ["images:retry", { scope }],
    ["image:get", { imageId }],
    ["image:reveal", { imageId, what: "picture" }],
    ["batch:duplicate", { batchId }],
    ["batch:create", { settings }],
    ["batch:remove", { batchId }],
  ];
}

test("every call of the contract answers good input in the agreed form", async () => {
  const stand = await openStand();
  await writePictures(stand.folder, 3);
  await writeFile(
    join(stand.folder, "cut.png"),
    (await readFile(join(stand.folder, "0001.png"))).subarray(0, 40),
  );
  const { batchId } = await stand.value("batch:create", { settings: stand.settings() });
  await stand.value("batch:start", { batchId });
  await untilFinished(stand, batchId, 4);
  const page = {
    scope: wholeBatch(batchId),
    sort: "path",
    descending: false,
    after: null,
    limit: 10,
  } as const;
  const { rows } = await stand.value("images:page", page);
  expect(rows.map((row) => row.state)).toEqual(["done", "done", "done", "failed"]);
  const inputs = goodInputs(stand, batchId, rows[0]?.id ?? 0);
  expect(inputs.map(([name]) => name).sort()).toEqual([...CALL_NAMES].sort());
  for (const [name, input] of inputs) {
    const envelope = await stand.call(name, input as never);
    expect(envelope, name).toMatchObject({ ok: true });
    const value: unknown = envelope.ok ? envelope.value : null;
    expect(value, name).not.toMatchObject({ ok: false });
    const parsed = CALL_SCHEMAS[name].output.safeParse(value);
    expect(parsed.error?.issues, name).toBeUndefined();
  }
  expect(stand.problems).toEqual([]);
});

test("events come in the agreed form, too", async () => {
  const stand = await openStand();
  const kinds = new Set<string>();
  const wrong: unknown[] = [];
  stand.service.on(({ name, data }) => {
    kinds.add(name);
    const parsed = EVENT_SCHEMAS[name].safeParse(data);
    if (!parsed.success) wrong.push(name, parsed.error.issues);
  });
  await writePictures(stand.folder, 5);
  const { batchId } = await stand.value("batch:create", { settings: stand.settings() });
  await stand.value("batch:start", { batchId });
  await untilFinished(stand, batchId, 5);
  await expect.poll(() => [...kinds].sort()).toEqual(["batches:changed", "event:added", "images:changed"]);
  expect(wrong).toEqual([]);
});

test("a trial shows its picture and leaves the results folder, the ledger and the list of batches alone", async () => {
  const stand = await openStand();
  await writePictures(stand.folder, 2);
  const settings = stand.settings({
    decision: { deployment: SIMULATOR, outputs: [], parameters: [], inputs: [] },
  });
  const trial = await stand.value("batch:try-image", { settings, path: "0002.png" });
  expect(trial).toMatchObject({ path: "0002.png", width: 8, height: 8 });
  expect(trial.outputs.length).toBeGreaterThan(3);
  const picture = await stand.get(`/${trialPath(trial.trialId, "")}`);
  expect([picture.status, picture.headers["content-type"]]).toEqual([200, "image/webp"]);
  const masked = JSON.stringify(trial.outputs.map(({ raw }) => raw)).match(/"file":"(\.[^"]+)"/)?.[1] ?? "";
  const mask = await stand.get(`/${trialPath(trial.trialId, masked)}`);
  expect(mask.status).toBe(200);
  expect((await stand.get(`/${trialPath(trial.trialId, ".other.png")}`)).status).toBe(404);
  await expect(readFile(join(stand.base, "results"))).rejects.toMatchObject({ code: "ENOENT" });
  expect((await stand.value("app:state", {})).batches).toEqual([]);
});

test("a trial never leaves the folder", async () => {
  const stand = await openStand();
  await writeFile(join(stand.base, "outside.png"), "x");
  for (const path of ["../outside.png", "/etc/passwd", "a/../../outside.png", "..", "a\0b", "", "c:\\x"]) {
    const answer = await stand.call("batch:try-image", { settings: stand.settings(), path });
    expect(answer.ok && answer.value.ok, path).toBe(false);
  }
  expect(stand.problems).toEqual([]);
});

test("checking settings asks nobody, makes nothing, and names the field of every problem", async () => {
  const stand = await openStand();
  await stand.value("deployment:test", { deployment: SIMULATOR });
  await stand.simulator.close();
  const settings = stand.settings({
    name: " ",
    decision: {
      deployment: SIMULATOR,
      outputs: [{ taskName: "image_fact", taskIndex: 0, outputIndex: null }],
      parameters: [{ taskName: "image_facts", taskIndex: 0, name: "decodes", value: "1" }],
      inputs: [],
    },
    results: { resultsFolder: join(stand.base, "new", "results"), keepRaw: false },
  });
  const { problems } = await stand.value("batch:check", { settings });
  expect(problems.map(({ field, failure }) => [field, failure.reason])).toEqual([
    ["name", "usage"],
    ["decision.outputs.0", "unknown-task"],
    ["decision.parameters.0", "unknown-parameter"],
  ]);
  await expect(readFile(join(stand.base, "new"))).rejects.toMatchObject({ code: "ENOENT" });
});
