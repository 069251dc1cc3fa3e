import { strike, sendJson, sendJsonText, type Exchange } from "./exchange.ts";
import type { Simulation } from "./simulation.ts";

function sendErrors(exchange: Exchange, status: number, code: string, message: string): void {
  sendJson(exchange, status, { errors: [{ code, messages: [message], metadata: null }] });
}

function withoutSlash(url: string): string {
  return url.replace(/\/+$/, "").toLowerCase();
}

function isThisDeployment(simulation: Simulation, { origin, url }: Exchange): boolean {
  const endpoint = url.searchParams.get("endpoint") ?? "";
  const known = [origin, origin.replace("127.0.0.1", "localhost"), ...simulation.settings().aliases];
  return known.map(withoutSlash).includes(withoutSlash(endpoint));
}

/** `GET /v1/projects/jwt/`: turns the API token into a JWT (API facts, section 2.1). */
export async function answerTokenRequest(simulation: Simulation, exchange: Exchange): Promise<void> {
  const { stats, signIn } = simulation;
  stats.change((s) => {
    s.requests.token += 1;
    s.openTokens += 1;
  });
  exchange.response.once("close", () => stats.change((s) => (s.openTokens -= 1)));
  const fault = simulation.faults.onToken();
  if (fault?.kind === "body") {
    sendJsonText(exchange, 200, fault.body);
    return;
  }
  if (fault && fault.kind !== "short" && (await strike(exchange, fault)) === "done") return;
  if (exchange.request.headers.authorization !== `Token ${simulation.settings().token}`) {
    stats.change((s) => (s.tokenRefusals += 1));
    sendErrors(exchange, 401, "not_authenticated", "Invalid or expired token.");
    return;
  }
  if (!isThisDeployment(simulation, exchange)) {
    sendErrors(exchange, 404, "not_found", "Not found.");
    return;
  }
  const { jwtSeconds } = simulation.settings();
  sendJson(exchange, 200, {
    access_token: "opaque",
    expires_in: jwtSeconds,
    token_type: "Bearer",
    scope: "openid consume",
    refresh_token: "opaque",
    id_token: signIn.issue(fault?.kind === "short" ? fault.lifeMs : jwtSeconds * 1000),
  });
}
