import { sendHtml, sendJson, type Exchange } from "./exchange.ts";
import type { Simulation } from "./simulation.ts";

/** Turns a request without a valid JWT away, by default with a redirect to a login page (API facts, section 2.3). */
export function passesSignIn(simulation: Simulation, exchange: Exchange): boolean {
  if (simulation.signIn.check(exchange.request.headers.authorization) === "valid") return true;
  simulation.stats.change((s) => (s.signInRefusals += 1));
  const { signInStatus } = simulation.settings();
  if (signInStatus === 307) {
    const next = encodeURIComponent(exchange.url.pathname);
    sendHtml(exchange, 307, "Redirecting", { location: `${exchange.origin}/login?next=${next}` });
  } else {
    sendJson(exchange, signInStatus, { detail: signInStatus === 401 ? "Not authenticated" : "Forbidden" });
  }
  return false;
}

/** The login page: HTML with status 200, whatever the method. */
export function answerLogin(simulation: Simulation, exchange: Exchange): void {
  simulation.stats.change((s) => (s.requests.login += 1));
  sendHtml(exchange, 200, "Sign in");
}
