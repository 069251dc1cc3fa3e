import type { DeploymentFailure } from "../../contract/failure.ts";

/** Nothing moved for too long; `phase` tells what was waited for. */
export class TimedOut extends Error {
  readonly phase: "connect" | "head" | "body";
  constructor(phase: "connect" | "head" | "body") {
    super(`timed out (${phase})`);
    this.phase = phase;
  }
}

/** The proxy did not open a way to the server. */
export class ProxyTrouble extends Error {
  /** The proxy's address without credentials. */
  readonly proxy: string;
  readonly detail: string;
  constructor(proxy: string, detail: string) {
    super(detail);
    this.proxy = proxy;
    this.detail = detail;
  }
}

/** The caller does not want the request any more. */
export class Aborted extends Error {
  readonly code = "ABORTED";
}

/** The body of an answer did not end as it should. */
export class BodyBroken extends Error {
  readonly failure: DeploymentFailure;
  /** Bytes that arrived before. */
  readonly received: number;
  constructor(failure: DeploymentFailure, received: number, cause: unknown) {
    super("the answer broke off", { cause });
    this.failure = failure;
    this.received = received;
  }
}

const TLS_CODE =
  /^(?:CERT_|CRL_|ERR_TLS_|ERR_SSL_|ERR_OSSL_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_|ERROR_IN_CERT|EPROTO)/;
const CONNECT_TIMEOUT_CODES = new Set([
  "UND_ERR_CONNECT_TIMEOUT",
  "ETIMEDOUT",
  "ERR_SOCKET_CONNECTION_TIMEOUT",
]);

/**
 * Sorts what went wrong below HTTP by its code, never by its message: messages may quote what was sent.
 * `host` is host and port of the server.
 */
export function toNetFailure(error: unknown, origin: URL): DeploymentFailure {
  const { host } = origin;
  if (error instanceof TimedOut) return { reason: "timed-out", host, phase: error.phase };
  if (error instanceof ProxyTrouble) return { reason: "proxy", proxy: error.proxy, detail: error.detail };
  if (error instanceof Error && error.name === "HTTPParserError") {
    return { reason: "not-a-deployment", url: origin.origin, found: "something that is not HTTP" };
  }
  const code = errorCode(error);
  if (TLS_CODE.test(code)) return { reason: "tls", host, code };
  if (CONNECT_TIMEOUT_CODES.has(code)) return { reason: "timed-out", host, phase: "connect" };
  return { reason: "unreachable", host, code };
}

/** The machine-readable code of an error or of what caused it; "UNKNOWN" without one. */
export function errorCode(error: unknown): string {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; depth += 1) {
    if ("code" in at && typeof at.code === "string" && /^[A-Z][A-Z0-9_]*$/.test(at.code)) return at.code;
    at = at instanceof AggregateError && at.errors.length > 0 ? at.errors[0] : at.cause;
  }
  return "UNKNOWN";
}
