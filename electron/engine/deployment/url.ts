import { isIPv4 } from "node:net";
import type { SetupFailure } from "../../contract/failure.ts";
import { fail, succeed, type Result } from "../../contract/result.ts";

const LONGEST_SHOWN = 200;
const UNUSABLE_CHARACTERS = /[\s\\\u0000-\u001f\u007f]/u;

/**
 * The canonical form of a deployment's address: https (http for this machine only), lower-case host, no default
 * port, path prefix kept, no slash at the end. Secrets that were typed into it are never repeated in the failure.
 */
export function parseDeploymentUrl(text: string): Result<string, SetupFailure> {
  const typed = text.trim();
  const problem = problemWithText(typed);
  if (problem !== null) return fail({ reason: "invalid-url", url: shown(typed), problem });
  const url = URL.parse(typed);
  if (url === null) {
    return fail({ reason: "invalid-url", url: shown(typed), problem: "the host or the port is not valid" });
  }
  if (url.username !== "" || url.password !== "" || authority(typed).includes("@")) {
    const secret = "it holds a user name or password, which does not belong there";
    return fail({ reason: "invalid-url", url: shown(typed), problem: secret });
  }
  if (url.protocol === "http:" && !isLoopback(url.hostname)) {
    return fail({ reason: "insecure-url", url: shown(typed) });
  }
  return succeed(url.origin + url.pathname.replace(/\/+$/, ""));
}

/** Whether a URL's host is this machine: 127.0.0.0/8, ::1 or localhost, as `URL.hostname` writes them. */
export function isLoopback(hostname: string): boolean {
  const host = hostname.toLowerCase();
  return host === "localhost" || host === "[::1]" || (isIPv4(host) && host.startsWith("127."));
}

function problemWithText(typed: string): string | null {
  if (typed === "") return "it is empty";
  if (UNUSABLE_CHARACTERS.test(typed)) return "it holds a space, a backslash or a control character";
  if (!/^https?:\/\//i.test(typed)) return "it does not start with https://";
  if (typed.includes("?")) return "it has a query (what follows the ?), which an endpoint URL does not have";
  if (typed.includes("#"))
    return "it has a fragment (what follows the #), which an endpoint URL does not have";
  return null;
}

function authority(typed: string): string {
  return typed.replace(/^[a-z]+:\/*/i, "").split("/", 1)[0] ?? "";
}

/** The text as it may be repeated: without user name, password, query and fragment, and not endless. */
function shown(typed: string): string {
  // Up to the last @ first: a password may hold a slash, a ? or a #.
  const bare = typed.replace(/^([a-z][a-z0-9+.-]*:\/*)?.*@/is, "$1").replace(/[?#].*$/s, "");
  return bare.length > LONGEST_SHOWN ? `${bare.slice(0, LONGEST_SHOWN)}…` : bare;
}
