import { createHash } from "node:crypto";
import { appendFile, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { startSimulatorProcess, type SimulatorProcess } from "../../electron/cli/simulator-process.ts";
import { DEFAULT_LIMITS, SIMULATOR, type BatchSettings } from "../../electron/contract/batch.ts";
import { succeed, type Result } from "../../electron/contract/result.ts";
import { systemClock } from "../../electron/engine/clock.ts";
import { openEngine } from "../../electron/engine/engine.ts";
import { createMemoryTokens } from "../../electron/engine/handlers/memory-tokens.ts";
import { openWindowService, type WindowService } from "../../electron/engine/handlers/service.ts";
import type { ScriptEntry } from "../../electron/simulator/script.ts";
import type { SettingsChange } from "../../electron/simulator/settings.ts";
import { openWebServer } from "../../electron/web/server.ts";

const PROJECT = fileURLToPath(new URL("../..", import.meta.url));
const SAMPLES = join(PROJECT, "resources/samples");
const PICTURES = new Set([".jpg", ".png", ".webp", ".tif", ".bmp"]);
const ROLLS = 18;

/** The page over a night that the built-in deployment computes, with faults on demand. */
export interface StagedNight {
  readonly link: string;
  readonly folder: string;
  /** Changes how the deployment behaves. */
  change(change: SettingsChange): Promise<void>;
  readonly service: WindowService;
  settings(name: string): BatchSettings;
  close(): Promise<void>;
}

function must<T>(result: Result<T, unknown>): T {
  if (!result.ok) throw new Error(JSON.stringify(result.failure));
  return result.value;
}

/** The samples, and copies that differ in a few bytes after the picture's end, as a scanner's folder looks. */
async function layOut(folder: string): Promise<void> {
  await cp(SAMPLES, folder, {
    recursive: true,
    filter: (source) => extname(source) === "" || PICTURES.has(extname(source)),
  });
  await rm(join(folder, "drawing"), { recursive: true, force: true });
  const names = (await readdir(folder, { recursive: true })).filter(
    (name) => /\.(jpg|png|webp)$/.test(name) && !/interrupted|Tisch|\(1\)/.test(name),
  );
  for (let roll = 1; roll <= ROLLS; roll += 1) {
    const to = join(folder, `roll ${String(roll).padStart(2, "0")}`);
    await mkdir(to);
    for (const name of names) {
      const copy = join(to, basename(name));
      await cp(join(folder, name), copy);
      await appendFile(copy, `roll ${roll}`);
    }
  }
  await writeFile(
    join(folder, "roll 04", "contact sheet.jpg"),
    "This is a text that calls itself a picture.",
  );
}

/** Which pictures fail and why; the same ones on every run. */
async function misfortune(folder: string): Promise<ScriptEntry[]> {
  const message = "CUDA out of memory. Tried to allocate 2.40 GiB";
  const fault = { kind: "run-error", status: 520, message } as const;
  const paths = [
    "roll 01/oak leaves.png",
    "roll 01/Regatta.webp",
    "roll 02/dish 01.jpg",
    "roll 03/fern.webp",
  ];
  return Promise.all(
    paths.map(async (path) => {
      const bytes = await readFile(join(folder, path));
      const sha256 = createHash("sha256").update(bytes).digest("hex");
      return { on: "put", fault, times: "always", sha256 } as const;
    }),
  );
}

async function control(
  simulator: SimulatorProcess,
  method: string,
  what: string,
  body: unknown,
): Promise<void> {
  const url = `${simulator.url}/_simulator/${what}`;
  const answer = await fetch(url, { method, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
}

export async function stageNight(): Promise<StagedNight> {
  const base = await mkdtemp(join(tmpdir(), "nightrun-"));
  const folder = join(base, "scans");
  await layOut(folder);
  const simulator = must(await startSimulatorProcess(["--latency", "600-1800", "--workers", "8"]));
  await control(simulator, "POST", "script", await misfortune(folder));
  const hooks: { service: WindowService | null } = { service: null };
  const onProblem = (failure: unknown): void => console.error(failure);
  const dataFile = join(base, "nightrun.db");
  const engine = must(
    await openEngine({
      dataFile,
      clock: systemClock,
      random: Math.random,
      env: {},
      version: "screenshots",
      resolve: async () =>
        succeed({
          url: simulator.url,
          tokenService: simulator.tokenService,
          apiToken: () => simulator.token,
        }),
      onImage: (batchId) => hooks.service?.touched(batchId),
      onChange: (batchId) => hooks.service?.touched(batchId),
      onProblem,
    }),
  );
  const service = must(
    await openWindowService({
      engine,
      dataFile,
      clock: systemClock,
      random: Math.random,
      onProblem,
      host: {
        kind: "web",
        version: "screenshots",
        home: base,
        native: false,
        tokens: createMemoryTokens({}),
        chooseFolder: async () => null,
        reveal: async () => false,
      },
    }),
  );
  hooks.service = service;
  const pageFolder = join(process.env.NIGHTRUN_OUT ?? join(PROJECT, "out"), "renderer");
  const server = must(await openWebServer({ service, pageFolder, port: 0, now: Date.now, onProblem }));
  return {
    link: server.link,
    folder,
    change: (change) => control(simulator, "PUT", "settings", change),
    service,
    settings: (name) => ({
      name,
      decision: {
        deployment: SIMULATOR,
        outputs: [
          { taskName: "infer_blob_segmentation", taskIndex: 0, outputIndex: 1 },
          { taskName: "skimage_histogram", taskIndex: 0, outputIndex: null },
        ],
        parameters: [],
        inputs: [],
      },
      intake: { folder, recursive: true, include: [], exclude: [], dedupe: true },
      results: { resultsFolder: join(base, "scans-results"), keepRaw: false },
      limits: { ...DEFAULT_LIMITS, concurrency: 8 },
    }),
    async close() {
      await server.close();
      await engine.close(0);
      await service.close();
      await simulator.stop();
      await rm(base, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
