import { expect, test } from "vitest";
import { CALL_NAMES } from "../../electron/contract/api.ts";
import { SIMULATOR } from "../../electron/contract/batch.ts";
import { createDispatcher, LOOKING } from "../../electron/engine/handlers/dispatcher.ts";
import { writePictures } from "../support/pictures.ts";
import { listen } from "./event-client.ts";
import { openStand, untilFinished, wholeBatch } from "./window-stand.ts";

test("a window that only looks shows what another process does, as it happens", async () => {
  const writer = await openStand();
  await writePictures(writer.folder, 4);
  const { batchId } = await writer.value("batch:create", { settings: writer.settings() });
  const looker = await openStand({ beside: writer });
  const state = await looker.value("app:state", {});
  expect(state).toMatchObject({ readOnly: true, batches: [{ id: batchId, activity: "idle" }] });
  const window = await listen(looker);
  await writer.value("batch:start", { batchId });
  const before = performance.now();
  const seen = await window.next("batches:changed", ({ batches }) => batches[0]?.activity !== "idle");
  expect(seen.atMs - before).toBeLessThan(1500);
  await window.next("event:added", ({ event }) => event.kind === "run-started");
  await untilFinished(looker, batchId, 4);
  await window.next("images:changed", ({ rows }) => rows.some((row) => row.state === "done"));
  const { rows } = await looker.value("images:page", {
    scope: wholeBatch(batchId),
    sort: "updated",
    descending: true,
    after: null,
    limit: 10,
  });
  expect(rows.map((row) => row.state)).toEqual(["done", "done", "done", "done"]);
  expect((await looker.get(`/preview/${rows[0]?.id}/96`)).status).toBe(200);
});

test("a window that only looks changes nothing, whatever it is asked", async () => {
  const writer = await openStand();
  await writePictures(writer.folder, 1);
  const { batchId } = await writer.value("batch:create", { settings: writer.settings() });
  const looker = await openStand({ beside: writer });
  const scope = wholeBatch(batchId);
  const settings = writer.settings({ name: "other" });
  const inputs: Record<string, unknown> = {
    "settings:save": { theme: "dark", minimumFreeBytes: 1, batteryFloorPercent: null, startAtLogin: false },
    "token:set": { deployment: "https://a.example", token: "secret-secret" },
    "token:clear": { deployment: "https://a.example" },
    "deployment:test": { deployment: SIMULATOR },
    "batch:create": { settings },
    "batch:update": { batchId, settings },
    "batch:rename": { batchId, name: "x" },
    "batch:duplicate": { batchId },
    "batch:remove": { batchId },
    "batch:start": { batchId },
    "batch:pause": { batchId },
    "batch:try-now": { batchId },
    "batch:rescan": { batchId },
    "batch:try-image": { settings, path: null },
    "batch:export-results": { batchId, format: "csv", states: [] },
    "images:retry": { scope },
  };
  const changing = CALL_NAMES.filter((name) => !LOOKING.has(name));
  expect(Object.keys(inputs).sort()).toEqual([...changing].sort());
  for (const name of changing) {
    const answer = await looker.call(name, inputs[name] as never);
    expect(answer, name).toMatchObject({
      ok: false,
      failure: { reason: "usage", message: "This window only looks: nothing can be changed from it." },
    });
  }
  expect((await writer.value("app:state", {})).batches).toMatchObject([{ name: "test", activity: "idle" }]);
});

test("a call that changes something does not even reach its handler", async () => {
  const reached: string[] = [];
  const handlers = Object.fromEntries(CALL_NAMES.map((name) => [name, () => void reached.push(name)]));
  const call = createDispatcher({ handlers: handlers as never, readOnly: true, onProblem: () => undefined });
  await call("batch:remove", { batchId: 1 });
  await call("batch:get", { batchId: 1 });
  expect(reached).toEqual(["batch:get"]);
});

test("calls that a looking window answers leave the data file as it is", async () => {
  const writer = await openStand();
  await writer.value("batch:create", { settings: writer.settings() });
  const looker = await openStand({ beside: writer });
  const version = (): Promise<number> | undefined => writer.engine?.store.call("dataVersion", null);
  const before = await version();
  await looker.value("app:state", {});
  await looker.value("batch:night", { batchId: 1, fromAt: null });
  await looker.value("batch:check", { settings: writer.settings() });
  expect(await version()).toBe(before);
});
