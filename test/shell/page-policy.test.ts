import { existsSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type Browser, type Page } from "playwright";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CallName } from "../../electron/contract/api.ts";
import { DEFAULT_LIMITS } from "../../electron/contract/batch.ts";
import { createMemoryTokens } from "../../electron/engine/handlers/memory-tokens.ts";
import { openEngineHost, type EngineHost } from "../../electron/shell/engine-host.ts";
import { createProxyFinder } from "../../electron/shell/network.ts";
import { createAppProtocol } from "../../electron/shell/protocol.ts";
import {
  asExpression,
  FOREIGN_CODE,
  LEAKS,
  PERMISSIONS,
  TYPES_OF_NODE,
  type Blocked,
} from "../desktop/in-page.ts";

const CHROMIUM = process.env.NIGHTRUN_CHROMIUM ?? "/usr/bin/chromium";
const root = join(import.meta.dirname, "..", "..");

/** The built page under the desktop's own, stricter policy, over the desktop's own bridge: only the window is a browser's. */
describe.skipIf(!existsSync(CHROMIUM))("the built page under the desktop's policy", () => {
  let folder: string;
  let host: EngineHost;
  let server: Server;
  let browser: Browser;
  let page: Page;
  let batchId: number;
  const complaints: string[] = [];

  async function ask(name: CallName, input: unknown): Promise<unknown> {
    const answer = await host.service.call(name, input);
    const inner = answer.ok ? (answer.value as { ok?: boolean; value?: unknown }) : { ok: false };
    if (inner.ok === false) throw new Error(`${name}: ${JSON.stringify(answer)}`);
    return inner.ok === true ? inner.value : inner;
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "nightrun-policy-"));
    const scans = join(folder, "scans");
    await mkdir(scans);
    await copyFile(join(root, "resources", "samples", "IMG_2041.jpg"), join(scans, "IMG_2041.jpg"));
    const tokens = createMemoryTokens({});
    const opened = await openEngineHost({
      dataFile: join(folder, "night.db"),
      env: {},
      host: {
        kind: "desktop",
        version: "0.0.0",
        home: homedir(),
        native: true,
        tokens,
        chooseFolder: async () => null,
        reveal: async () => false,
      },
      apiToken: () => null,
      secrets: () => [],
      proxies: createProxyFinder({}, async () => "DIRECT"),
      isBatteryLow: () => false,
      onProblem: (failure) => complaints.push(JSON.stringify(failure)),
    });
    if (!opened.ok) throw new Error(JSON.stringify(opened.failure));
    host = opened.value;
    const { workflow } = (await ask("deployment:test", { deployment: "simulator" })) as {
      workflow: { tasks: { name: string; taskIndex: number }[] };
    };
    const created = (await ask("batch:create", {
      settings: {
        name: "Mai",
        decision: {
          deployment: "simulator",
          outputs: workflow.tasks.map(({ name, taskIndex }) => ({
            taskName: name,
            taskIndex,
            outputIndex: null,
          })),
          parameters: [],
          inputs: [],
        },
        intake: { folder: scans, recursive: true, include: [], exclude: [], dedupe: true },
        results: { resultsFolder: `${scans}-results`, keepRaw: false },
        limits: DEFAULT_LIMITS,
      },
    })) as { batchId: number };
    batchId = created.batchId;
    await ask("batch:start", { batchId });

    const serve = createAppProtocol({
      folder: join(root, "out", "renderer"),
      pictures: host.service,
      readFile,
      devServer: null,
      fetch: () => Promise.reject(new Error("There is no network")),
    });
    server = createServer((request, response) => {
      void serve(new Request(`app://ui${request.url ?? "/"}`)).then(async (answer) => {
        response.writeHead(answer.status, Object.fromEntries(answer.headers));
        response.end(Buffer.from(await answer.arrayBuffer()));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-gpu"] });
    page = await browser.newPage();
    page.on("console", (message) => {
      if (message.type() === "error") complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(error.message));
    await page.exposeFunction("askHost", (name: CallName, input: unknown) => host.service.call(name, input));
    await page.addInitScript(
      "window.nightrun = { call: (name, input) => window.askHost(name, input), on: () => () => undefined };",
    );
  }, 60_000);

  afterAll(async () => {
    await browser.close();
    server.close();
    await host.close(0);
    await rm(folder, { recursive: true, force: true });
  });

  test.each(["", "#/new", "#/settings", "night", "images", "failures", "setup"])(
    "shows %s without one complaint",
    async (place) => {
      const { port } = server.address() as AddressInfo;
      const hash = place === "" || place.startsWith("#") ? place : `#/batch/${batchId}/${place}`;
      await page.goto(`http://127.0.0.1:${port}/index.html${hash}`);
      await page.reload();
      await page.locator("h1, h2").first().waitFor();
      await page.waitForLoadState("networkidle");
      expect(complaints).toEqual([]);
    },
  );

  test("shows a result with its overlays without one complaint", async () => {
    const { port } = server.address() as AddressInfo;
    await page.goto(`http://127.0.0.1:${port}/index.html#/batch/${batchId}/images`);
    await page.reload();
    await page.getByText("IMG_2041.jpg").first().click();
    await page.waitForLoadState("networkidle");
    expect(complaints).toEqual([]);
  });

  // What the real app is asked, asked here first: the questions themselves are right.
  test("runs nothing that was not shipped, reaches nobody, and is granted nothing", async () => {
    const { port } = server.address() as AddressInfo;
    const other = await browser.newPage();
    const ask = <T>(body: string): Promise<T> => other.evaluate<T>(asExpression(body));
    await other.goto(`http://127.0.0.1:${port}/index.html`);
    expect(await ask(TYPES_OF_NODE)).toEqual(Array.from({ length: 5 }, () => "undefined"));
    const { ran, blocked, violations } = await ask<Blocked>(FOREIGN_CODE);
    expect(ran).toBe(false);
    expect(Object.entries(blocked).filter(([, isBlocked]) => !isBlocked)).toEqual([]);
    expect(violations).toBeGreaterThan(0);
    expect(await ask(LEAKS)).toEqual([]);
    expect(Object.values(await ask<Record<string, string>>(PERMISSIONS))).not.toContain("granted");
    await other.close();
  }, 60_000);

  test("takes a dropped folder into a new batch, also while that page is shown", async () => {
    const { port } = server.address() as AddressInfo;
    const show = (path: string): Promise<unknown> =>
      page.goto(`http://127.0.0.1:${port}/index.html#/new?folder=${encodeURIComponent(path)}`);
    const field = page.locator("input.field.mono").first();
    await show(join(folder, "scans"));
    await expect.poll(() => field.inputValue()).toBe(join(folder, "scans"));
    await show(folder);
    await expect.poll(() => field.inputValue()).toBe(folder);
  });
});
