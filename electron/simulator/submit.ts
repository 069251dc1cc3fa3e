import { randomUUID } from "node:crypto";
import { adviceFor, wantsAdvice } from "./advice.ts";
import { readBody, reset, send, sendJson, sendStatus, strike, type Exchange } from "./exchange.ts";
import type { RunFate } from "./faults.ts";
import { passesSignIn } from "./login.ts";
import type { Run } from "./run-book.ts";
import { parseRunRequest, type RunRequest } from "./run-request.ts";
import type { PutFault } from "./script.ts";
import type { Simulation } from "./simulation.ts";
import type { PutRecord } from "./stats.ts";

const HUGE_ID_LETTERS = 10_000_000;

interface Submission {
  simulation: Simulation;
  exchange: Exchange;
  record: PutRecord;
  request: RunRequest;
  body: Buffer;
}

function recordArrival(simulation: Simulation, exchange: Exchange): PutRecord {
  const record: PutRecord = { atMs: simulation.nowMs(), sha256: null, status: null, uuid: null };
  simulation.stats.change((stats) => {
    stats.requests.put += 1;
    stats.puts.push(record);
  });
  exchange.response.once("close", () => {
    simulation.stats.change(
      () => (record.status = exchange.response.writableFinished ? exchange.response.statusCode : 0),
    );
  });
  return record;
}

/** Reads and judges the submission; null = it has been answered. */
async function receive(
  simulation: Simulation,
  exchange: Exchange,
  record: PutRecord,
): Promise<Submission | null> {
  const body = await readBody(exchange.request, simulation.settings().maxBodyBytes);
  if (body === "gone") return null;
  if (body === "too-large") {
    sendStatus(exchange, 413, { headers: { connection: "close" } });
    return null;
  }
  if (!passesSignIn(simulation, exchange)) return null;
  const parsed = parseRunRequest(body);
  if (!parsed.ok) {
    sendJson(exchange, 422, { detail: parsed.detail });
    return null;
  }
  const { sha256 } = parsed.value;
  if (sha256) {
    record.sha256 = sha256;
    exchange.response.setHeader("x-simulator-sha256", sha256);
    simulation.stats.change(() => (simulation.stats.image(sha256).puts += 1));
  }
  return { simulation, exchange, record, request: parsed.value, body };
}

async function accept({ simulation, record, request, body }: Submission, fate: RunFate): Promise<Run> {
  const run = await simulation.book.accept({ uuid: randomUUID(), request, fate }, body);
  record.uuid = run.uuid;
  return run;
}

function answerAccepted({ simulation, exchange }: Submission, run: Run): void {
  if (wantsAdvice(simulation, exchange.url))
    sendJson(exchange, 200, { ...adviceFor(simulation, run), uuid: run.uuid });
  else sendJson(exchange, 200, run.uuid);
}

function answerOddId(
  { simulation, exchange, record }: Submission,
  form: (PutFault & { kind: "run-id" })["form"],
): void {
  const uuid = record.uuid ?? "";
  if (form === "unquoted") {
    send(exchange, 200, uuid, { "content-type": "application/json" });
    return;
  }
  if (form === "empty") {
    send(exchange, 200, "", { "content-type": "application/json" });
    return;
  }
  const earlier = simulation.stats.current().puts.find((put) => put.uuid && put.uuid !== uuid)?.uuid ?? uuid;
  const ids = {
    "upper-case": uuid.toUpperCase(),
    huge: "a".repeat(HUGE_ID_LETTERS),
    earlier,
    "not-a-uuid": "run-17",
    null: null,
  };
  const id = ids[form];
  const advice = wantsAdvice(simulation, exchange.url);
  sendJson(exchange, 200, advice ? { eta: [null, null], state: "PENDING", uuid: id } : id);
}

/** Faults that strike once the submission is complete; `accept` them first where a run is to exist. */
async function strikeSubmission(submission: Submission, fault: PutFault): Promise<"done" | "go-on"> {
  const { simulation, exchange } = submission;
  switch (fault.kind) {
    case "reset-after":
      await accept(submission, simulation.faults.fate());
      reset(exchange);
      return "done";
    case "refuse-after":
      reset(exchange);
      return "done";
    case "status": {
      if (fault.accepted) await accept(submission, simulation.faults.fate());
      const { retryAfter } = simulation.settings();
      const asks = retryAfter !== null && (fault.status === 429 || fault.status === 503);
      sendStatus(exchange, fault.status, {
        body: fault.body,
        headers: { ...(asks ? { "retry-after": retryAfter } : {}), ...fault.headers },
      });
      return "done";
    }
    case "duplicate":
      await accept(submission, simulation.faults.fate());
      return "go-on";
    case "run-id":
      await accept(submission, simulation.faults.fate());
      answerOddId(submission, fault.form);
      return "done";
    case "run-error":
      answerAccepted(
        submission,
        await accept(submission, { kind: "error", status: fault.status, message: fault.message }),
      );
      return "done";
    case "endless":
      answerAccepted(submission, await accept(submission, { kind: "endless" }));
      return "done";
    default:
      return strike(exchange, fault);
  }
}

function strikesBeforeBody(fault: PutFault | null): fault is PutFault & { kind: "reset" | "stall" } {
  return fault?.kind === "reset" || fault?.kind === "stall";
}

/** `PUT /api/run` (API facts, section 3.1). The JWT is judged when the body is complete, so it can expire during an upload. */
export async function answerSubmission(simulation: Simulation, exchange: Exchange): Promise<void> {
  const record = recordArrival(simulation, exchange);
  const early = simulation.faults.onPut();
  if (strikesBeforeBody(early)) {
    await strike(exchange, early);
    return;
  }
  await simulation.sleeper.awake();
  const submission = await receive(simulation, exchange, record);
  if (!submission) return;
  const { sha256 } = submission.request;
  const fault = early ?? (sha256 ? simulation.faults.onPutImage(sha256) : null);
  if (fault && (await strikeSubmission(submission, fault)) === "done") return;
  const { capacity, retryAfter } = simulation.settings();
  if (capacity !== null && simulation.book.outstanding() >= capacity) {
    sendStatus(exchange, 429, { headers: retryAfter === null ? {} : { "retry-after": retryAfter } });
    return;
  }
  answerAccepted(submission, await accept(submission, simulation.faults.fate()));
}
