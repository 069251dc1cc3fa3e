import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { onTestFinished } from "vitest";
import type { CallName, CallOutput, Input } from "../../electron/contract/api.ts";
import { DEFAULT_LIMITS, SIMULATOR, type BatchSettings } from "../../electron/contract/batch.ts";
import type { Failure } from "../../electron/contract/failure.ts";
import { succeed, type Result } from "../../electron/contract/result.ts";
import { systemClock } from "../../electron/engine/clock.ts";
import { openEngine, type Engine } from "../../electron/engine/engine.ts";
import { createMemoryTokens } from "../../electron/engine/handlers/memory-tokens.ts";
import { openWindowService, type WindowService } from "../../electron/engine/handlers/service.ts";
import { startSimulator, type Simulator } from "../../electron/simulator/server.ts";
import type { SimulatorOptions } from "../../electron/simulator/settings.ts";
import { openWebServer, PATIENCE, type WebServer } from "../../electron/web/server.ts";
import { TEST_TIMING } from "../support/open-rig.ts";

/** An answer of the loopback page, as it came. */
export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

export interface Ask {
  method?: string;
  headers?: Record<string, string>;
  body?: string | Buffer;
}

/** A request without anything that a client library would add or mend: the path is sent as it is. */
export function ask(
  port: number,
  path: string,
  { method = "GET", headers = {}, body }: Ask = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      { host: "127.0.0.1", port, path, method, headers, agent: false },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks),
          }),
        );
        response.on("error", reject);
      },
    );
    request.on("error", reject);
    request.end(body);
  });
}

/** A page served over a real engine, a real simulator and a folder of its own. */
export interface WindowStand {
  readonly base: string;
  readonly folder: string;
  readonly dataFile: string;
  readonly engine: Engine | null;
  readonly service: WindowService;
  readonly server: WebServer;
  readonly simulator: Simulator;
  readonly problems: Failure[];
  settings(change?: Partial<BatchSettings>): BatchSettings;
  /** The `Cookie` header of a window that opened the link. */
  cookie(): Promise<string>;
  /** Asks over HTTP as the page does; gives the envelope. */
  call<N extends CallName>(name: N, input: Input<N>): Promise<Result<CallOutput<N>>>;
  /** The value of a call that must succeed. */
  value<N extends CallName>(name: N, input: Input<N>): Promise<Answered<N>>;
  get(path: string, headers?: Record<string, string>): Promise<Answer>;
}

/** What a call gives when both it and its transport succeed. */
export type Answered<N extends CallName> = CallOutput<N> extends Result<infer T> ? T : CallOutput<N>;

export interface StandOptions {
  simulator?: SimulatorOptions;
  /** Looks beside this stand's engine. */
  beside?: WindowStand;
  dataFile?: string;
  home?: string;
  patience?: typeof PATIENCE;
}

/** Everything is closed when the test ends. */
export async function openStand(options: StandOptions = {}): Promise<WindowStand> {
  const { beside } = options;
  const base = beside?.base ?? (await mkdtemp(join(tmpdir(), "nightrun-window-")));
  if (beside === undefined) onTestFinished(() => rm(base, { recursive: true, force: true }));
  const folder = join(base, "pictures");
  const pageFolder = join(base, "page");
  const dataFile = options.dataFile ?? beside?.dataFile ?? join(base, "data", "nightrun.db");
  if (beside === undefined) await makeFolders(folder, pageFolder);
  const simulator =
    beside?.simulator ??
    (await startSimulator({ latency: { minMs: 0, maxMs: 2 }, workers: 16, ...options.simulator }));
  const problems: Failure[] = [];
  const hooks: { service: WindowService | null } = { service: null };
  const tokens = createMemoryTokens({});
  const engine = beside === undefined ? await openWriter(dataFile, simulator, hooks, problems) : null;
  const opened = await openWindowService({
    engine,
    dataFile,
    clock: systemClock,
    random: Math.random,
    onProblem: (failure) => problems.push(failure),
    host: {
      kind: "web",
      version: "test",
      home: options.home ?? base,
      native: false,
      tokens,
      chooseFolder: async () => null,
      reveal: async () => false,
    },
  });
  if (!opened.ok) throw new Error(JSON.stringify(opened.failure));
  const service = opened.value;
  hooks.service = service;
  const served = await openWebServer({
    service,
    pageFolder,
    port: 0,
    patience: options.patience ?? PATIENCE,
    now: () => Date.now(),
    onProblem: (failure) => problems.push(failure),
  });
  if (!served.ok) throw new Error(JSON.stringify(served.failure));
  const server = served.value;
  onTestFinished(async () => {
    await server.close();
    await engine?.close(0);
    await service.close();
    if (beside === undefined) await simulator.close();
  });
  return makeStand({ base, folder, dataFile, engine, service, server, simulator, problems });
}

async function makeFolders(folder: string, pageFolder: string): Promise<void> {
  await mkdir(folder);
  await mkdir(join(pageFolder, "assets"), { recursive: true });
  await writeFile(join(pageFolder, "index.html"), "<!doctype html><title>Nightrun</title>");
  await writeFile(join(pageFolder, "assets", "page-1.js"), "export {};");
  await writeFile(join(pageFolder, "secret.txt"), "not for the page");
}

async function openWriter(
  dataFile: string,
  simulator: Simulator,
  hooks: { service: WindowService | null },
  problems: Failure[],
): Promise<Engine> {
  const opened = await openEngine({
    dataFile,
    clock: systemClock,
    random: Math.random,
    env: {},
    version: "test",
    timing: TEST_TIMING,
    resolve: async () =>
      succeed({ url: simulator.url, tokenService: simulator.tokenService, apiToken: () => simulator.token }),
    onImage: (batchId) => hooks.service?.touched(batchId),
    onChange: (batchId) => hooks.service?.touched(batchId),
    onProblem: (failure) => problems.push(failure),
  });
  if (!opened.ok) throw new Error(JSON.stringify(opened.failure));
  return opened.value;
}

type Parts = Omit<WindowStand, "settings" | "cookie" | "call" | "value" | "get">;

function makeStand(parts: Parts): WindowStand {
  const { server, folder, base } = parts;
  let cookie: Promise<string> | null = null;

  async function exchange(): Promise<string> {
    const answer = await ask(server.port, server.link.slice(server.link.indexOf("/?")));
    return (answer.headers["set-cookie"]?.[0] ?? "").split(";")[0] ?? "";
  }

  const stand: WindowStand = {
    ...parts,
    settings: (change = {}) => ({
      name: "test",
      decision: {
        deployment: SIMULATOR,
        outputs: [{ taskName: "image_facts", taskIndex: 0, outputIndex: 0 }],
        parameters: [],
        inputs: [],
      },
      intake: { folder, recursive: true, include: [], exclude: [], dedupe: true },
      results: { resultsFolder: join(base, "results"), keepRaw: false },
      limits: DEFAULT_LIMITS,
      ...change,
    }),
    cookie: () => (cookie ??= exchange()),
    async get(path, headers = {}) {
      return ask(server.port, path, { headers: { cookie: await stand.cookie(), ...headers } });
    },
    async call(name, input) {
      const headers = { "content-type": "application/json", "x-nightrun": "1", cookie: await stand.cookie() };
      const body = JSON.stringify(input);
      const answer = await ask(server.port, `/api/call/${name}`, { method: "POST", headers, body });
      return JSON.parse(answer.body.toString("utf8")) as never;
    },
    async value(name, input) {
      const envelope = (await stand.call(name, input)) as Result<unknown>;
      if (!envelope.ok) throw new Error(`${name}: ${JSON.stringify(envelope.failure)}`);
      const inner = envelope.value;
      if (typeof inner !== "object" || inner === null || !("ok" in inner)) return inner as never;
      const result = inner as Result<unknown>;
      if (!result.ok) throw new Error(`${name}: ${JSON.stringify(result.failure)}`);
      return result.value as never;
    },
  };
  return stand;
}

/** Asks until it holds; a test's own time limit ends it. */
export async function until<T>(look: () => Promise<T>, holds: (value: T) => boolean): Promise<T> {
  for (;;) {
    const value = await look();
    if (holds(value)) return value;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Every image of the batch has ended. */
export function untilFinished(stand: WindowStand, batchId: number, images: number) {
  return until(
    () => stand.value("batch:get", { batchId }),
    ({ card }) => card.ledger.seen === images && card.activity === "finished",
  );
}

/** The scope of a whole batch. */
export function wholeBatch(batchId: number) {
  return { batchId, states: [], reason: null, search: "", label: null, imageIds: null };
}
