import type { IncomingHttpHeaders } from "node:http";

/** A refusal before anything is looked up: status, and one sentence for whoever reads it. */
export interface Refusal {
  status: 400 | 401 | 403 | 405 | 415 | 421;
  sentence: string;
}

export interface GuardedRequest {
  method: string;
  headers: IncomingHttpHeaders;
  /** How often `Host` came: twice is never honest. */
  hosts: number;
  port: number;
  /** Came with the secret of a link, so that it may come from anywhere. */
  isExchange: boolean;
  hasCookie: boolean;
}

const METHODS: readonly string[] = ["GET", "HEAD", "POST"];

/**
 * Keeps other web pages out: a foreign name in `Host` (DNS rebinding), a foreign `Origin`, a request that the browser
 * says comes from another site, a form, and everyone without the cookie. null = it may go on.
 */
export function refusalOf(request: GuardedRequest): Refusal | null {
  const { method, headers, port, isExchange } = request;
  const own = [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`];
  const { host, origin } = headers;
  if (host === undefined || request.hosts !== 1 || !own.includes(host.toLowerCase()))
    return { status: 421, sentence: "This address is not Nightrun's." };
  if (!METHODS.includes(method)) return { status: 405, sentence: "This is not answered here." };
  if (origin !== undefined && origin !== `http://${host.toLowerCase()}`)
    return { status: 403, sentence: "Other pages may not ask here." };
  const site = headers["sec-fetch-site"];
  if (!isExchange && site !== undefined && site !== "same-origin" && site !== "none")
    return { status: 403, sentence: "Other pages may not ask here." };
  if (isExchange) return null;
  if (!request.hasCookie)
    return { status: 401, sentence: "Open the link that Nightrun printed when it started." };
  return method === "POST" ? refusalOfCall(headers) : null;
}

/** A form or a script of another page cannot send these without asking first, and asking is refused. */
function refusalOfCall(headers: IncomingHttpHeaders): Refusal | null {
  if (headers["x-nightrun"] !== "1") return { status: 403, sentence: "Calls come from Nightrun's own page." };
  const type = headers["content-type"]?.split(";")[0]?.trim().toLowerCase();
  return type === "application/json" ? null : { status: 415, sentence: "Calls are JSON." };
}
