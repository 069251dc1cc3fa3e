import { expect, test } from "@playwright/test";
import { spawn } from "node:child_process";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { ImagesQuery } from "../../electron/contract/api.ts";
import { DEFAULT_LIMITS, type BatchSettings } from "../../electron/contract/batch.ts";
import { startApp, type DesktopApp } from "./app.ts";

let desktop: DesktopApp;
test.beforeAll(async () => {
  desktop = await startApp();
});
test.afterAll(async () => {
  await desktop.close();
});

/** The batch of the first test. */
let night = 0;

const isVisible = (): Promise<boolean> =>
  desktop.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.isVisible() ?? false);

test.describe.configure({ mode: "serial" });

test("a night in the simulator goes to its end, with the window closed", async () => {
  test.setTimeout(180_000);
  const { scans } = desktop;
  const report = await desktop.call<{ workflow: { tasks: { name: string; taskIndex: number }[] } }>(
    "deployment:test",
    { deployment: "simulator" },
  );
  const task = report.workflow.tasks[0]!;
  const settings: BatchSettings = {
    name: "Mai",
    decision: {
      deployment: "simulator",
      outputs: [{ taskName: task.name, taskIndex: task.taskIndex, outputIndex: null }],
      parameters: [],
      inputs: [],
    },
    intake: { folder: scans, recursive: true, include: [], exclude: [], dedupe: true },
    results: { resultsFolder: `${scans}-results`, keepRaw: false },
    limits: { ...DEFAULT_LIMITS, concurrency: 2 },
  };
  const { batchId } = await desktop.call<{ batchId: number }>("batch:create", { settings });
  night = batchId;
  await desktop.call("batch:start", { batchId });
  await expect(desktop.page.getByText("Mai").filter({ visible: true }).first()).toBeVisible();

  await desktop.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.close());
  await expect.poll(isVisible).toBe(false);

  const ledger = (): Promise<{ seen: number; done: number }> =>
    desktop
      .call<{ card: { ledger: { seen: number; done: number } } }>("batch:get", { batchId })
      .then(({ card }) => card.ledger);
  await expect.poll(ledger, { timeout: 120_000 }).toMatchObject({ seen: 2, done: 2 });
  const files = await readdir(`${scans}-results`);
  expect(files).toContain("IMG_2041.jpg.json");
});

test("starting it again shows the window of the first, and ends", async () => {
  const second = spawn(desktop.program, desktop.args, { stdio: "ignore", env: desktop.env });
  const code = await new Promise((resolve, reject) => second.once("exit", resolve).once("error", reject));
  expect(code).toBe(0);
  await expect.poll(isVisible).toBe(true);
});

test("a picture comes by its id", async () => {
  const scope = { batchId: night, states: [], reason: null, search: "", label: null, imageIds: null };
  const query: ImagesQuery = { scope, sort: "path", descending: false, after: null, limit: 1 };
  const { rows } = await desktop.call<{ rows: { id: number }[] }>("images:page", query);
  const edge = await desktop.page.evaluate<number>(`(async () => {
    const image = new Image();
    image.src = "preview/${rows[0]?.id ?? 0}/96";
    await image.decode();
    return Math.max(image.naturalWidth, image.naturalHeight);
  })()`);
  expect(edge).toBe(96);
});

test("S24: without a key ring a token is kept in memory, unless a person says otherwise", async () => {
  test.skip(process.platform !== "linux", "other systems always have one");
  // Nobody is there to answer the question: the first button stands for no.
  await desktop.app.evaluate(({ dialog }) => {
    dialog.showMessageBox = () => Promise.resolve({ response: 0, checkboxChecked: false });
  });
  const deployment = "https://my.deployment.example";
  const state = await desktop.call("token:set", { deployment, token: "CANARY_0123456789" });
  expect(state).toMatchObject({ source: "memory", ending: "6789" });
  expect(await readdir(join(desktop.folder, "user"))).not.toContain("tokens.json");
});

test("the main process is never blocked for long", async () => {
  const worst = await desktop.app.evaluate(async () => {
    let last = performance.now();
    let most = 0;
    const timer = setInterval(() => {
      const now = performance.now();
      most = Math.max(most, now - last - 10);
      last = now;
    }, 10);
    await new Promise((resolve) => setTimeout(resolve, 3000));
    clearInterval(timer);
    return most;
  });
  expect(worst).toBeLessThan(250);
});
