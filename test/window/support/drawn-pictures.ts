import { drawnPicture } from "./drawn-night.ts";

interface Request {
  url?: string;
  method?: string;
  headers: Record<string, string | string[] | undefined>;
  on(event: "data" | "end", listener: (chunk: unknown) => void): unknown;
}

interface Response {
  statusCode: number;
  setHeader(name: string, value: string): unknown;
  end(text?: string): unknown;
}

interface Server {
  middlewares: { use(handler: (request: Request, response: Response, next: () => void) => void): unknown };
}

/** A plugin of the test server that answers the addresses of previews and result files, and a small host for the transport. */
export function drawnPictures(): { name: string; configureServer(server: Server): void } {
  return {
    name: "drawn-pictures",
    configureServer(server) {
      server.middlewares.use((request, response, next) => {
        const url = request.url ?? "";
        const drawn = drawnPicture(url);
        if (drawn !== null) send(response, "image/svg+xml", drawn);
        else if (url.startsWith("/fixture-host/api/events")) sendEvent(response);
        else if (url.startsWith("/fixture-host/api/call/")) answerCall(url, request, response);
        else next();
      });
    },
  };
}

function send(response: Response, type: string, text: string): void {
  response.setHeader("content-type", type);
  response.end(text);
}

/** One event, then the stream ends: the browser opens it again after the given 50 ms. */
function sendEvent(response: Response): void {
  const event = {
    id: 1,
    at: 0,
    kind: "note",
    sentence: "Hello.",
    imageId: null,
    path: null,
    severity: "info",
  };
  const data = JSON.stringify({ batchId: 1, event });
  send(response, "text/event-stream", `retry: 50\nevent: event:added\ndata: ${data}\n\n`);
}

const NO_BATCH = { ok: false, failure: { reason: "unknown-batch", wanted: "9" } };

function answerCall(url: string, request: Request, response: Response): void {
  let body = "";
  request.on("data", (chunk) => (body += String(chunk)));
  request.on("end", () => {
    const name = decodeURIComponent(url.split("/").at(-1) ?? "");
    if (name === "settings:get") response.statusCode = 401;
    if (name === "batch:get")
      send(response, "application/json", JSON.stringify({ ok: true, value: NO_BATCH }));
    else if (name === "batch:start") send(response, "application/json", JSON.stringify(NO_BATCH));
    else if (name === "app:state") send(response, "text/html", "<p>another program</p>");
    else send(response, "application/json", JSON.stringify({ ok: true, value: echo(request, body) }));
  });
}

function echo({ method, headers }: Request, body: string): unknown {
  return {
    method,
    header: headers["x-nightrun"],
    type: headers["content-type"],
    body: JSON.parse(body) as unknown,
  };
}
