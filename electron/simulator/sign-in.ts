import { createHmac, timingSafeEqual } from "node:crypto";
import { performance } from "node:perf_hooks";

/**
 * Constant on purpose: like the real token service, a restarted simulator knows the JWTs it gave before.
 * It protects nothing; the server listens on loopback only and holds no secret.
 */
const SIGNING_KEY = "nightrun simulator";

export type JwtVerdict = "valid" | "missing" | "bad" | "expired" | "revoked";

/** Issues and checks the JWTs of the simulated account. */
export interface SignIn {
  /** A JWT that is good for this many milliseconds. */
  issue(lifeMs: number): string;
  /** Judges an `Authorization` header. */
  check(header: string | undefined): JwtVerdict;
  /** Turns every JWT bad that was issued until now. */
  revoke(): void;
}

interface Claims {
  exp: number;
  expMs: number;
  iatMs: number;
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

function sign(text: string): string {
  return createHmac("sha256", SIGNING_KEY).update(text).digest("base64url");
}

function claimsOf(jwt: string): Claims | null {
  const [head = "", payload = "", signature = ""] = jwt.split(".");
  const expected = Buffer.from(sign(`${head}.${payload}`));
  const given = Buffer.from(signature);
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return null;
  return JSON.parse(Buffer.from(payload, "base64url").toString()) as Claims;
}

export function createSignIn(): SignIn {
  let revokedUntilMs = -Infinity;
  // Fractions of a millisecond: a JWT issued right after `revoke` must not count as issued before it.
  const nowMs = (): number => performance.timeOrigin + performance.now();
  return {
    issue(lifeMs) {
      const iatMs = nowMs();
      const expMs = iatMs + lifeMs;
      const claims = {
        exp: Math.ceil(expMs / 1000),
        expMs,
        iatMs,
        iss: "nightrun-simulator",
        scope: "openid consume",
      };
      const text = `${encode({ alg: "HS256", typ: "JWT" })}.${encode(claims)}`;
      return `${text}.${sign(text)}`;
    },
    check(header) {
      const [scheme, jwt] = header?.split(" ") ?? [];
      if (scheme !== "Bearer" || !jwt) return "missing";
      const claims = claimsOf(jwt);
      if (!claims) return "bad";
      if (claims.iatMs <= revokedUntilMs) return "revoked";
      return claims.expMs <= nowMs() ? "expired" : "valid";
    },
    revoke() {
      revokedUntilMs = nowMs();
    },
  };
}
