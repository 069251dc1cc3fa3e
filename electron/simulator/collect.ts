import { adviceFor, wantsAdvice } from "./advice.ts";
import { pause, sendJson, sendJsonText, strike, type Exchange } from "./exchange.ts";
import { passesSignIn } from "./login.ts";
import type { Outcome, Run } from "./run-book.ts";
import type { CommonFault } from "./script.ts";
import type { Simulation } from "./simulation.ts";
import { isSpoiling, spoil } from "./spoil.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Counts the request, and whether another for the same id is open. */
function recordGet(
  simulation: Simulation,
  exchange: Exchange,
  uuid: string,
  open: Map<string, number>,
): void {
  const others = open.get(uuid) ?? 0;
  open.set(uuid, others + 1);
  simulation.stats.change((stats) => {
    stats.requests.results += 1;
    stats.openGets += 1;
    if (!(uuid in stats.runs) && !simulation.book.find(uuid)) {
      stats.unknownGets += 1;
      return;
    }
    const counts = simulation.stats.run(uuid);
    counts.gets += 1;
    if (others === 0) return;
    counts.doubleGets += 1;
    stats.doubleGets += 1;
  });
  exchange.response.once("close", () => {
    const left = (open.get(uuid) ?? 1) - 1;
    if (left === 0) open.delete(uuid);
    else open.set(uuid, left);
    simulation.stats.change((stats) => (stats.openGets -= 1));
  });
}

function answerPending(simulation: Simulation, exchange: Exchange, run: Run | undefined): void {
  if (wantsAdvice(simulation, exchange.url)) sendJson(exchange, 202, adviceFor(simulation, run));
  else sendJsonText(exchange, 202, "null");
}

/** The JSON text of a finished run's answer, in the form that was asked for. */
function resultsText(simulation: Simulation, exchange: Exchange, resultsJson: string): string {
  if (!wantsAdvice(simulation, exchange.url)) return resultsJson;
  return `{"eta":[0,0],"results":${resultsJson},"state":"SUCCESS"}`;
}

/** A long poll is answered as soon as the run is settled; an unknown id waits like one that is queued. */
async function holdLongPoll(simulation: Simulation, exchange: Exchange, run: Run | undefined): Promise<void> {
  const long = wantsAdvice(simulation, exchange.url) && exchange.url.searchParams.get("long") === "true";
  if (!long) return;
  const { longPollMs } = simulation.settings();
  if (run) await simulation.book.settled(run, longPollMs, exchange.signal);
  else await pause(longPollMs, exchange.signal);
}

/** A fault that strikes before the result is looked at; a `consumed` one takes the result with it. */
async function strikeRequest(
  simulation: Simulation,
  exchange: Exchange,
  fault: CommonFault & { consumed?: boolean | undefined },
  run: Run | undefined,
): Promise<"done" | "go-on"> {
  if (fault.consumed && run) await simulation.book.take(run);
  return strike(exchange, fault);
}

async function answerFinished(simulation: Simulation, exchange: Exchange, run: Run): Promise<void> {
  const fault = simulation.faults.onResult(run.request.sha256);
  if (fault && !isSpoiling(fault) && (await strikeRequest(simulation, exchange, fault, run)) === "done")
    return;
  const outcome: Outcome | null = await simulation.book.take(run);
  if (!outcome) {
    answerPending(simulation, exchange, undefined);
    return;
  }
  if (fault && isSpoiling(fault)) {
    const text = outcome.ok
      ? resultsText(simulation, exchange, outcome.resultsJson)
      : JSON.stringify(outcome);
    return spoil(exchange, fault, text, wantsAdvice(simulation, exchange.url));
  }
  if (outcome.ok) sendJsonText(exchange, 200, resultsText(simulation, exchange, outcome.resultsJson));
  else sendJson(exchange, outcome.status, { message: outcome.message });
}

/** Answers `GET /api/results/{uuid}` (API facts, section 3.2). Keeps track of the requests that are open at once. */
export function createCollector(simulation: Simulation): (exchange: Exchange, uuid: string) => Promise<void> {
  const open = new Map<string, number>();
  return async (exchange, givenId) => {
    const uuid = givenId.toLowerCase();
    recordGet(simulation, exchange, uuid, open);
    const known = simulation.book.find(uuid);
    const fault = simulation.faults.onResults(known?.request.sha256 ?? null);
    if (fault && !isSpoiling(fault) && (await strikeRequest(simulation, exchange, fault, known)) === "done")
      return;
    await simulation.sleeper.awake();
    if (!passesSignIn(simulation, exchange)) return;
    if (!UUID.test(uuid)) {
      const detail = [{ loc: ["path", "uuid"], msg: "Input is not a valid UUID", type: "uuid_parsing" }];
      sendJson(exchange, 422, { detail });
      return;
    }
    await holdLongPoll(simulation, exchange, known);
    // A caller that left during the long poll must not cost the result.
    if (exchange.signal.aborted) return;
    const run = simulation.book.find(uuid);
    if (run?.state === "finished") await answerFinished(simulation, exchange, run);
    else answerPending(simulation, exchange, run);
  };
}
