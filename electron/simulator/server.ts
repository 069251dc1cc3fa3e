import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { performance } from "node:perf_hooks";
import { createCollector } from "./collect.ts";
import { answerControl, createControl, type SimulatorControl } from "./control.ts";
import {
  createExchange,
  reset,
  sendHtml,
  sendJson,
  sendJsonText,
  sendStatus,
  strike,
  type Exchange,
} from "./exchange.ts";
import { execute } from "./execute.ts";
import { createFaults } from "./faults.ts";
import { answerLogin, passesSignIn } from "./login.ts";
import { createRandom } from "./random.ts";
import { createRunBook } from "./run-book.ts";
import { parseRunRequest } from "./run-request.ts";
import { changeSettings, DEFAULT_SETTINGS, type Settings, type SimulatorOptions } from "./settings.ts";
import { createSignIn } from "./sign-in.ts";
import type { Simulation } from "./simulation.ts";
import { NO_STATE_FILE, openStateFile } from "./state-file.ts";
import { createStats } from "./stats.ts";
import { answerSubmission } from "./submit.ts";
import { answerTokenRequest } from "./token-service.ts";
import { workflowJson } from "./workflow.ts";

/** A running simulator. */
export interface Simulator {
  /** The deployment URL, without a slash at the end. */
  url: string;
  /** Base URL of its token service: what `IKOMIA_URL` is for the real one. */
  tokenService: string;
  /** The API token it accepts at start. */
  token: string;
  control: SimulatorControl;
  /** Cuts all connections and stops; runs stay in the state file, if there is one. */
  close(): Promise<void>;
}

/** The cold start: asleep until the first call, which then waits like all others until it is over. */
function createSleeper(coldStartMs: () => number): { awake: () => Promise<void>; sleep: () => void } {
  let waking: Promise<void> | null = null;
  const wake = (): Promise<void> => {
    const ms = coldStartMs();
    return ms === 0 ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, ms).unref());
  };
  return {
    awake: () => (waking ??= wake()),
    sleep() {
      waking = null;
    },
  };
}

async function answerWorkflow(simulation: Simulation, exchange: Exchange): Promise<void> {
  simulation.stats.change((s) => (s.requests.workflow += 1));
  const fault = simulation.faults.onWorkflow();
  if (fault?.kind === "body") {
    sendJsonText(exchange, 200, fault.body);
    return;
  }
  if (fault && (await strike(exchange, fault)) === "done") return;
  await simulation.awake();
  if (passesSignIn(simulation, exchange)) sendJson(exchange, 200, workflowJson());
}

/** True when the request met the outage; control stays reachable. */
function meetsOutage(settings: Settings, exchange: Exchange): boolean {
  const { outage } = settings;
  if (outage === null) return false;
  if (outage === "reset") reset(exchange);
  else if (outage === "html") sendHtml(exchange, 200, "Please sign in to this network");
  else if (outage !== "stall") {
    const { retryAfter } = settings;
    sendStatus(exchange, Number(outage), {
      headers: retryAfter === null ? {} : { "retry-after": retryAfter },
    });
  }
  return true;
}

function createRouter(
  simulation: Simulation,
  control: SimulatorControl,
): (exchange: Exchange) => Promise<void> {
  const collect = createCollector(simulation);
  return async (exchange) => {
    const path = exchange.url.pathname;
    if (path.startsWith("/_simulator/")) return answerControl(control, exchange);
    simulation.stats.change((s) => s.arrivalsMs.push(simulation.nowMs()));
    if (meetsOutage(simulation.settings(), exchange)) return;
    const route = `${exchange.request.method ?? ""} ${path}`;
    if (path === "/login") {
      answerLogin(simulation, exchange);
      return;
    }
    if (/^GET \/v1\/projects\/jwt\/?$/.test(route)) return answerTokenRequest(simulation, exchange);
    if (route === "GET /workflow") return answerWorkflow(simulation, exchange);
    if (route === "PUT /api/run") return answerSubmission(simulation, exchange);
    const results = /^GET \/api\/results\/([^/]+)$/.exec(route);
    if (results?.[1] !== undefined) return collect(exchange, results[1]);
    if (route !== "GET /") {
      sendJson(exchange, 404, { detail: "Not Found" });
      return;
    }
    simulation.stats.change((s) => (s.requests.page += 1));
    sendHtml(exchange, 200, "Nightrun simulator");
  };
}

/** Web pages that rebind their name to loopback get nothing: only loopback names are answered. */
function isLoopbackHost(host: string | undefined): boolean {
  return /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(host ?? "");
}

/** The one place where a defect of a route ends: it is reported and answered like a crashed worker's. */
async function answer(
  route: (exchange: Exchange) => Promise<void>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const exchange = createExchange(request, response);
    if (isLoopbackHost(request.headers.host)) await route(exchange);
    else sendJson(exchange, 403, { detail: "Forbidden" });
  } catch (error) {
    process.stderr.write(
      `Simulator: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    if (!response.headersSent) response.writeHead(500).end();
    else response.destroy();
  }
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => resolve());
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

/** Starts a simulated deployment on 127.0.0.1 in this process; resolves when it answers. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const { port = 0, seed = 1, stateFile, ...change } = options;
  let settings = changeSettings(DEFAULT_SETTINGS, change);
  const random = createRandom(seed);
  const stats = createStats();
  const nowMs = (): number => performance.now();
  const count = (name: string): void => stats.change((s) => (s.faults[name] = (s.faults[name] ?? 0) + 1));
  const faults = createFaults({ random, rates: () => settings.faults, count });
  const book = createRunBook({
    settings: () => settings,
    random,
    stats,
    stateFile: stateFile === undefined ? NO_STATE_FILE : openStateFile(stateFile),
    parse(body) {
      const parsed = parseRunRequest(body);
      return parsed.ok ? parsed.value : null;
    },
    execute,
    nowMs,
  });
  const { awake, sleep } = createSleeper(() => settings.coldStartMs);
  let origin = "";
  const simulation: Simulation = {
    settings: () => settings,
    faults,
    stats,
    book,
    signIn: createSignIn(),
    origin: () => origin,
    awake,
    nowMs,
  };
  const control = createControl({
    simulation,
    sleep,
    apply(changed) {
      settings = changed;
      server.keepAliveTimeout = changed.keepAliveMs;
      book.refresh();
    },
  });
  const route = createRouter(simulation, control);
  const server = createServer((request, response) => void answer(route, request, response));
  // A 60 MB upload over a slow line takes longer than Node's five minutes.
  server.requestTimeout = 0;
  server.keepAliveTimeout = settings.keepAliveMs;
  await book.restore();
  await listen(server, port);
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: origin,
    tokenService: origin,
    token: settings.token,
    control,
    async close() {
      book.close();
      await close(server);
    },
  };
}
