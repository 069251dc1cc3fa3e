import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/**
 * A deployment that costs next to nothing, so that the client is what a bench measures: it counts the bytes of a
 * submission and throws them away, and gives each run the same result of about 500 bytes, once. A process of its own;
 * takes its orders as JSON in the first argument, tells its address to its parent, answers "stats" and "reset", and
 * ends with its parent.
 */
export interface ServerOrders {
  /** Run time of every run, milliseconds. */
  runMs: number;
  /** `advice`: tells when a run will be ready; `plain`: tells nothing, as old deployments do. */
  mode: "advice" | "plain";
}

/** One accepted run; times are wall clock, milliseconds with fractions. */
export interface ServedRun {
  uuid: string;
  readyAt: number;
  /** When its result was handed out; null = not yet. */
  takenAt: number | null;
  gets: number;
}

export interface ServerStats {
  puts: number;
  gets: number;
  bodyBytes: number;
  /** Submissions whose body was not as long as their head said. */
  torn: number;
  /** Heads of the first and of the last submission; wall clock. */
  firstPutAt: number | null;
  lastPutAt: number | null;
  /** From the head of its submission until its result was handed out. */
  mostOutstanding: number;
  cpuMs: number;
  runs: ServedRun[];
}

const orders = JSON.parse(process.argv[2] ?? "{}") as ServerOrders;
const TASK = "image_facts";
const RESULT = JSON.stringify([
  {
    DATA_DICT: {
      bytes: 2_000_000,
      labels: Array.from({ length: 12 }, (_, i) => ({ label: `object-${i}`, score: 0.5 + i / 100 })),
    },
  },
]);
const WORKFLOW = JSON.stringify({
  connections: [{ source_id: -1, source_index: 0, target_id: 0, target_index: 0 }],
  metadata: { name: "Bench" },
  tasks: [
    {
      task_id: 0,
      task_data: {
        name: TASK,
        inputs: [{ name: "IODataType.IMAGE" }],
        outputs: [{ name: "IODataType.DATA_DICT" }],
        parameters: [],
      },
    },
  ],
});

const now = (): number => performance.timeOrigin + performance.now();

function freshStats(): Omit<ServerStats, "runs" | "cpuMs"> {
  return { puts: 0, gets: 0, bodyBytes: 0, torn: 0, firstPutAt: null, lastPutAt: null, mostOutstanding: 0 };
}

let stats = freshStats();
let runs = new Map<string, ServedRun>();
let outstanding = 0;
let cpuBefore = process.cpuUsage();

function send(response: ServerResponse, status: number, text: string): void {
  const body = Buffer.from(text);
  response.writeHead(status, { "content-type": "application/json", "content-length": body.length }).end(body);
}

function advice(run: ServedRun): Record<string, unknown> {
  const rest = Math.max(0, Math.ceil(run.readyAt - now()));
  return { eta: [rest, rest], next_poll_in: rest, next_poll_long: false, state: "STARTED" };
}

function submit(request: IncomingMessage, response: ServerResponse): void {
  const arrivedAt = now();
  stats.puts += 1;
  stats.firstPutAt ??= arrivedAt;
  stats.lastPutAt = arrivedAt;
  stats.mostOutstanding = Math.max(stats.mostOutstanding, ++outstanding);
  let bytes = 0;
  request.on("data", (chunk: Buffer) => (bytes += chunk.length));
  request.on("end", () => {
    stats.bodyBytes += bytes;
    if (bytes !== Number(request.headers["content-length"] ?? bytes)) stats.torn += 1;
    const run: ServedRun = { uuid: randomUUID(), readyAt: now() + orders.runMs, takenAt: null, gets: 0 };
    runs.set(run.uuid, run);
    send(
      response,
      200,
      JSON.stringify(orders.mode === "plain" ? run.uuid : { ...advice(run), uuid: run.uuid }),
    );
  });
}

function collect(uuid: string, response: ServerResponse): void {
  stats.gets += 1;
  const run = runs.get(uuid);
  if (run !== undefined) run.gets += 1;
  if (run === undefined || run.takenAt !== null || run.readyAt > now()) {
    const pending = run === undefined || orders.mode === "plain" ? "null" : JSON.stringify(advice(run));
    send(response, 202, pending);
    return;
  }
  run.takenAt = now();
  outstanding -= 1;
  send(
    response,
    200,
    orders.mode === "plain" ? RESULT : `{"eta":[0,0],"results":${RESULT},"state":"SUCCESS"}`,
  );
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  const { pathname } = new URL(request.url ?? "/", "http://127.0.0.1");
  if (request.method === "PUT" && pathname === "/api/run") submit(request, response);
  else if (pathname.startsWith("/api/results/")) collect(pathname.slice("/api/results/".length), response);
  else if (pathname === "/workflow") send(response, 200, WORKFLOW);
  else if (pathname.startsWith("/v1/projects/jwt"))
    send(response, 200, JSON.stringify({ id_token: "bench", expires_in: 36_000 }));
  else send(response, 404, "{}");
}

function tell(): ServerStats {
  const { user, system } = process.cpuUsage(cpuBefore);
  return { ...stats, cpuMs: (user + system) / 1000, runs: [...runs.values()] };
}

const server = createServer(answer);
server.requestTimeout = 0;
process.on("disconnect", () => process.exit(0));
process.on("message", (message) => {
  if (message === "stats") process.send?.(tell());
  else {
    stats = freshStats();
    runs = new Map();
    outstanding = 0;
    cpuBefore = process.cpuUsage();
    process.send?.("reset");
  }
});
server.listen(0, "127.0.0.1", () => {
  process.send?.(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
