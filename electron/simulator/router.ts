import type { IncomingMessage, ServerResponse } from "node:http";
import { createCollector } from "./collect.ts";
import { answerControl, type SimulatorControl } from "./control.ts";
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
import { answerLogin, passesSignIn } from "./login.ts";
import type { Settings } from "./settings.ts";
import type { Simulation } from "./simulation.ts";
import { answerSubmission } from "./submit.ts";
import { answerTokenRequest } from "./token-service.ts";
import { workflowJson } from "./workflow.ts";

async function answerWorkflow(simulation: Simulation, exchange: Exchange): Promise<void> {
  simulation.stats.change((s) => (s.requests.workflow += 1));
  const fault = simulation.faults.onWorkflow();
  if (fault?.kind === "body") {
    sendJsonText(exchange, 200, fault.body);
    return;
  }
  if (fault && (await strike(exchange, fault)) === "done") return;
  await simulation.sleeper.awake();
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

/** Leads each request to what answers it. */
export function createRouter(
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
export async function answer(
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
