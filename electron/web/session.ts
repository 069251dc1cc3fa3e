import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

/** Who may talk to this page: whoever opened the printed link, told by a cookie from then on. */
export interface Session {
  /** The secret of the printed link. */
  readonly token: string;
  /** A secret that opens the page once, soon: for a link that other programs pass on. */
  onceToken(): string;
  /** Whether a link's secret is good. */
  accepts(token: string): boolean;
  /** The `Set-Cookie` value for whoever came with a good link. */
  cookie(port: number): string;
  /** Whether the `Cookie` header holds this start's secret. */
  knows(header: string | undefined, port: number): boolean;
}

const SECRET_BYTES = 32;
const ONCE_MS = 60_000;
const LONGEST_COOKIE = 8192;

/** In constant time, whatever the lengths. */
function isEqual(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

/** Other ports of this machine share its cookies, so the name tells the port. */
function cookieName(port: number): string {
  return `nightrun-${port}`;
}

/** New secrets for one start. */
export function createSession(now: () => number): Session {
  const secret = (): string => randomBytes(SECRET_BYTES).toString("base64url");
  const token = secret();
  const cookie = secret();
  let once: { token: string; untilAt: number } | null = null;
  return {
    token,
    onceToken() {
      once = { token: secret(), untilAt: now() + ONCE_MS };
      return once.token;
    },
    accepts(given) {
      if (isEqual(given, token)) return true;
      if (once === null || now() > once.untilAt || !isEqual(given, once.token)) return false;
      once = null;
      return true;
    },
    cookie: (port) => `${cookieName(port)}=${cookie}; HttpOnly; SameSite=Strict; Path=/`,
    knows(header, port) {
      if (header === undefined || header.length > LONGEST_COOKIE) return false;
      const prefix = `${cookieName(port)}=`;
      return header
        .split(";")
        .map((part) => part.trim())
        .some((part) => part.startsWith(prefix) && isEqual(part.slice(prefix.length), cookie));
    },
  };
}
