import { once } from "node:events";
import { copyFile, mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { BatchCard, BatchDetail, Envelope, ImagesPage } from "../../electron/contract/api.ts";
import { DEFAULT_LIMITS, type BatchSettings } from "../../electron/contract/batch.ts";
import { systemClock } from "../../electron/engine/clock.ts";
import { openStore } from "../../electron/engine/store/store.ts";
import { IPC_CHANNELS } from "../../electron/shell/ipc.ts";
import { makeStandInElectron } from "./support/electron.ts";

/** The whole shell over a stand-in for Electron: real engine, real data file, real simulator. */
const made = vi.hoisted((): { electron: unknown } => ({ electron: null }));
vi.mock("electron", async () => {
  const support = await import("./support/electron.ts");
  const { module, electron } = support.makeStandInElectron();
  made.electron = electron;
  return module;
});
const { startDesktop } = await import("../../electron/shell/desktop.ts");
const electron = made.electron as ReturnType<typeof makeStandInElectron>["electron"];

const scans = join(electron.folder, "scans");
const signals = ["SIGINT", "SIGTERM", "SIGHUP", "uncaughtException", "unhandledRejection"] as const;
const before = signals.map((name) => new Set(process.listeners(name as "SIGINT")));

async function ask<T>(name: string, input: unknown): Promise<T> {
  const answer = (await electron.call(name, input)) as Envelope<{ ok: true; value: T } | T>;
  if (!answer.ok) throw new Error(`${name}: ${JSON.stringify(answer.failure)}`);
  const inner = answer.value as { ok?: boolean; value?: T };
  if (inner.ok === false) throw new Error(`${name}: ${JSON.stringify(inner)}`);
  return inner.ok === true ? (inner.value as T) : (answer.value as T);
}

beforeAll(async () => {
  await mkdir(scans);
  const samples = join(import.meta.dirname, "..", "..", "resources", "samples");
  for (const name of ["IMG_2041.jpg", "IMG_2042.jpg"]) await copyFile(join(samples, name), join(scans, name));
  startDesktop({ kind: "window", isHidden: false, folder: null });
  expect(electron.log).toEqual([
    "sandbox",
    "no remote-debugging-port",
    "no remote-debugging-pipe",
    "scheme app",
  ]);
  expect(electron.windows).toEqual([]);
  electron.ready();
  await vi.waitFor(() => expect(electron.windows[0]?.isShown).toBe(true), 15_000);
});

afterAll(async () => {
  signals.forEach((name, index) => {
    for (const listener of process.listeners(name as "SIGINT"))
      if (!before[index]?.has(listener)) process.off(name, listener);
  });
  await rm(electron.folder, { recursive: true, force: true });
});

test("opens one guarded window on the packaged page", () => {
  expect(electron.log).toContain("permissions guarded");
  expect(electron.windows).toHaveLength(1);
  const [window] = electron.windows;
  expect(window?.loaded).toEqual(["app://ui/index.html"]);
  expect(window?.options.webPreferences).toMatchObject({ sandbox: true, contextIsolation: true });
  expect(window?.options.webPreferences?.preload).toMatch(/out[/\\]preload[/\\]preload\.cjs$/);
  expect(electron.tray.tip).toBe("Nightrun: nothing runs");
  expect(electron.menu.length).toBeGreaterThan(3);
  expect([...electron.channels.keys()].sort()).toEqual([...IPC_CHANNELS].sort());
});

test("answers the window as a desktop that writes its data file", async () => {
  expect(await ask("app:state", {})).toMatchObject({
    host: "desktop",
    native: true,
    readOnly: false,
    dataFile: join(electron.folder, "night.db"),
  });
});

test("takes a token and never gives it back", async () => {
  const deployment = "https://my.deployment.example";
  const state = await ask("token:set", { deployment, token: "CANARY_0123456789" });
  expect(state).toMatchObject({ source: "memory", ending: "6789" });
  expect(JSON.stringify(await ask("token:state", { deployment }))).not.toContain("CANARY");
  expect((await readdir(join(electron.folder, "user"))).includes("tokens.json")).toBe(false);
});

test("goes through a night: runs, shows it everywhere, keeps the work when the window closes, ends", async () => {
  const settings: BatchSettings = {
    name: "Mai",
    decision: {
      deployment: "simulator",
      outputs: [{ taskName: "infer_colour_histogram", taskIndex: 0, outputIndex: null }],
      parameters: [],
      inputs: [],
    },
    intake: { folder: scans, recursive: true, include: [], exclude: [], dedupe: true },
    results: { resultsFolder: `${scans}-results`, keepRaw: false },
    limits: DEFAULT_LIMITS,
  };
  const report = await ask<{ workflow: { tasks: { name: string; taskIndex: number }[] } }>(
    "deployment:test",
    {
      deployment: "simulator",
    },
  );
  const [task] = report.workflow.tasks;
  settings.decision = {
    ...settings.decision,
    outputs: [{ taskName: task?.name ?? "", taskIndex: task?.taskIndex ?? 0, outputIndex: null }],
  };
  const { batchId } = await ask<{ batchId: number }>("batch:create", { settings });
  await ask("batch:start", { batchId });
  await vi.waitFor(() => expect(electron.blocks).toBeGreaterThan(0), 10_000);

  // The window goes, the work does not.
  electron.windows[0]?.close();
  expect(electron.windows[0]?.isGone).toBe(false);
  expect(electron.windows[0]?.isShown).toBe(false);
  expect(electron.notices[0]).toMatchObject({ title: "Nightrun goes on" });

  await vi.waitFor(() => expect(electron.notices.map(({ title }) => title)).toContain("Mai is done"), 25_000);
  expect(electron.blocks).toBe(0);
  const detail = await ask<BatchDetail>("batch:get", { batchId });
  expect(detail.card.ledger).toMatchObject({ seen: 2, done: 2 });
  const told = electron.windows[0]?.sent.filter(({ name }) => name === "batches:changed") ?? [];
  expect((told.at(-1)?.data as { batches: BatchCard[] }).batches[0]?.ledger.done).toBe(2);

  // Pictures come by id through the page's own scheme.
  const scope = { batchId, states: [], reason: null, search: "", label: null, imageIds: null };
  const page = await ask<ImagesPage>("images:page", {
    scope,
    sort: "path",
    descending: false,
    after: null,
    limit: 10,
  });
  const picture = await electron.handle?.(new Request(`app://ui/preview/${page.rows[0]?.id ?? 0}/96`));
  expect(picture?.status).toBe(200);
  expect(picture?.headers.get("content-type")).toMatch(/^image\//);
  const revealed = await ask("image:reveal", { imageId: page.rows[0]?.id, what: "picture" });
  expect(revealed).toEqual({ revealed: true });
  expect(electron.log.at(-1)).toBe(`reveal ${join(scans, "IMG_2041.jpg")}`);
}, 60_000);

test("a second start shows the window, at the folder it was given", async () => {
  electron.app.emit("second-instance", {}, ["/opt/Nightrun/nightrun", scans], "/", {});
  await vi.waitFor(() => expect(electron.windows[0]?.isShown).toBe(true));
  expect(electron.windows[0]?.loaded.at(-1)).toBe(
    `app://ui/index.html#/new?folder=${encodeURIComponent(scans)}`,
  );
});

test("a dropped file that is no folder leads nowhere, a folder to a new batch", async () => {
  const loads = electron.windows[0]?.loaded.length;
  await electron.call("desktop:folder-dropped", { path: join(scans, "IMG_2041.jpg") });
  await electron.call("desktop:folder-dropped", { path: electron.folder });
  const address = `app://ui/index.html#/new?folder=${encodeURIComponent(electron.folder)}`;
  await vi.waitFor(() => expect(electron.windows[0]?.loaded.at(-1)).toBe(address));
  expect(electron.windows[0]?.loaded).toHaveLength((loads ?? 0) + 1);
});

test("loads a page that fell over again, but neither at once nor in a circle", async () => {
  const [window] = electron.windows;
  window?.webContents.emit("render-process-gone", {}, { reason: "clean-exit" });
  for (let times = 0; times < 5; times += 1)
    window?.webContents.emit("render-process-gone", {}, { reason: "crashed" });
  expect(window?.reloads).toBe(0);
  await new Promise((resolve) => setImmediate(resolve));
  expect(window?.reloads).toBe(3);
});

test("quits through the engine, and frees the data file", async () => {
  const exited = once(electron.app, "exited");
  let prevented = 0;
  electron.app.emit("before-quit", { preventDefault: () => (prevented += 1) });
  await exited;
  expect(prevented).toBe(1);
  expect(electron.log.at(-1)).toBe("exit 0");
  expect(electron.windows[0]?.isGone).toBe(true);
  const again = await openStore({
    file: join(electron.folder, "night.db"),
    mode: "write",
    clock: systemClock,
  });
  expect(again.ok).toBe(true);
  if (again.ok) await again.value.close();
});
