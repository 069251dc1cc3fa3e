import { describe, expect, it } from "vitest";
import type { Clock } from "../../electron/engine/clock.ts";
import { createAuth, type Auth } from "../../electron/engine/deployment/auth.ts";
import { API_TOKEN, collectInto, startDeployment, startHttp } from "./support/rig.ts";
import { freePort, startWebServer, type Answer, type WebServer } from "./support/servers.ts";

const DEPLOYMENT = "https://demo.ikomia.test/flow";

interface Hands extends Clock {
  advance(ms: number): void;
  /** Moves the wall clock only, as a correction or daylight saving does. */
  jump(ms: number): void;
}

function startClock(): Hands {
  let mono = 5_000_000;
  let wall = 1_700_000_000_000;
  return {
    now: () => wall,
    mono: () => mono,
    sleep: () => Promise.resolve(),
    advance: (ms) => {
      mono += ms;
      wall += ms;
    },
    jump: (ms) => (wall += ms),
  };
}

/** Gives "jwt-1", "jwt-2", … of this life. */
function numbered(expiresIn: unknown = 36_000): Answer {
  let count = 0;
  return (_seen, response) => {
    count += 1;
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ id_token: `jwt-${count}`, expires_in: expiresIn, access_token: "no" }));
  };
}

async function startAuth(
  answer: Answer = numbered(),
  apiToken: () => string | null = () => API_TOKEN,
): Promise<{ auth: Auth; service: WebServer; clock: Hands }> {
  const service = await startWebServer(answer);
  const clock = startClock();
  const auth = createAuth({
    http: startHttp(),
    clock,
    tokenService: service.url,
    deploymentUrl: DEPLOYMENT,
    apiToken,
  });
  return { auth, service, clock };
}

const jwtOf = async (auth: Auth): Promise<string> => {
  const answer = await auth.jwt();
  if (!answer.ok) throw new Error(JSON.stringify(answer.failure));
  return answer.value;
};

describe("signing in", () => {
  it("asks the token service for the deployment's JWT, with the API token", async () => {
    const { auth, service } = await startAuth();
    expect(await jwtOf(auth)).toBe("jwt-1");
    const url = new URL(service.seen[0]!.path, service.url);
    expect(url.pathname).toBe("/v1/projects/jwt/");
    expect(Object.fromEntries(url.searchParams)).toEqual({ endpoint: DEPLOYMENT, storage: "true" });
    expect(service.seen[0]?.headers["authorization"]).toBe(`Token ${API_TOKEN}`);
  });

  it("asks once for many calls at the same time", async () => {
    const { auth, service } = await startAuth();
    const all = await Promise.all(Array.from({ length: 50 }, () => jwtOf(auth)));
    expect(new Set(all)).toEqual(new Set(["jwt-1"]));
    expect(service.seen).toHaveLength(1);
  });

  it("asks again after 80 % of the JWT's life, whatever the wall clock does", async () => {
    const { auth, service, clock } = await startAuth(numbered(1000));
    await jwtOf(auth);
    clock.advance(799_000);
    clock.jump(48 * 3_600_000);
    expect(await jwtOf(auth)).toBe("jwt-1");
    clock.jump(-96 * 3_600_000);
    clock.advance(1000);
    expect(await jwtOf(auth)).toBe("jwt-2");
    expect(service.seen).toHaveLength(2);
  });

  it.each<[number, number, number]>([
    [0, 799, 800],
    [-60, 799, 800],
    [0.01, 799, 800],
    [1e12, 0.8 * 86_400_000 - 1, 0.8 * 86_400_000],
  ])("does not believe in a life of %d s", async (expiresIn, heldFor, renewedAt) => {
    const { auth, clock } = await startAuth(numbered(expiresIn));
    await jwtOf(auth);
    clock.advance(heldFor);
    expect(await jwtOf(auth)).toBe("jwt-1");
    clock.advance(renewedAt - heldFor);
    expect(await jwtOf(auth)).toBe("jwt-2");
  });

  it("keeps a JWT that still lives while the token service has a bad hour, but not a dead one", async () => {
    let broken = false;
    const good = numbered(1000);
    const { auth, clock } = await startAuth((seen, response, request) =>
      broken ? response.writeHead(502).end() : good(seen, response, request),
    );
    await jwtOf(auth);
    broken = true;
    clock.advance(900_000);
    expect(await jwtOf(auth)).toBe("jwt-1");
    clock.advance(100_000);
    expect(await auth.jwt()).toMatchObject({
      ok: false,
      failure: { reason: "token-service-error", status: 502 },
    });
    broken = false;
    expect(await jwtOf(auth)).toBe("jwt-2");
  });

  it("notices at the next renewal that the API token was revoked", async () => {
    let revoked = false;
    const good = numbered(1000);
    const { auth, clock } = await startAuth((seen, response, request) =>
      revoked ? response.writeHead(401).end() : good(seen, response, request),
    );
    await jwtOf(auth);
    revoked = true;
    clock.advance(900_000);
    expect(await auth.jwt()).toMatchObject({ ok: false, failure: { reason: "token-rejected", status: 401 } });
  });
});

describe("a refused JWT", () => {
  it("is replaced once, however many calls were refused with it", async () => {
    const { auth, service } = await startAuth();
    const refused = await jwtOf(auth);
    const renewed = await Promise.all(Array.from({ length: 20 }, () => auth.renew(refused)));
    expect(renewed.every((answer) => answer.ok && answer.value === "jwt-2")).toBe(true);
    expect(await auth.renew(refused)).toEqual({ ok: true, value: "jwt-2" });
    expect(await jwtOf(auth)).toBe("jwt-2");
    expect(service.seen).toHaveLength(2);
  });

  it("is not given out again when there is no other", async () => {
    let broken = false;
    const good = numbered();
    const { auth } = await startAuth((seen, response, request) =>
      broken ? response.writeHead(503).end() : good(seen, response, request),
    );
    const refused = await jwtOf(auth);
    broken = true;
    expect(await auth.renew(refused)).toMatchObject({ ok: false });
    expect(await auth.jwt()).toMatchObject({ ok: false });
  });
});

describe("forgetting", () => {
  it("makes the next call ask again", async () => {
    const { auth } = await startAuth();
    await jwtOf(auth);
    auth.forget();
    expect(await jwtOf(auth)).toBe("jwt-2");
  });

  it("also holds for an answer that is still on its way", async () => {
    const answers: (() => void)[] = [];
    const good = numbered();
    const waiting: { next: () => void } = { next: () => undefined };
    const asked = new Promise<void>((resolve) => (waiting.next = resolve));
    const { auth } = await startAuth((seen, response, request) => {
      answers.push(() => void good(seen, response, request));
      if (answers.length > 1) answers.at(-1)?.();
      waiting.next();
    });
    const old = auth.jwt();
    await asked;
    auth.forget();
    const young = auth.jwt();
    expect(await young).toEqual({ ok: true, value: "jwt-1" });
    answers[0]?.();
    expect(await old).toEqual({ ok: true, value: "jwt-2" });
    expect(await jwtOf(auth)).toBe("jwt-1");
  });
});

describe("when signing in fails", () => {
  const json = { "content-type": "application/json" };

  it.each<[string, Answer, Record<string, unknown>]>([
    ["401", (_s, r) => r.writeHead(401).end(), { reason: "token-rejected", status: 401 }],
    ["403", (_s, r) => r.writeHead(403).end("<html>"), { reason: "token-rejected", status: 403 }],
    ["404", (_s, r) => r.writeHead(404).end(), { reason: "deployment-not-found", deployment: DEPLOYMENT }],
    [
      "307",
      (_s, r) => r.writeHead(307, { location: "/login" }).end(),
      { reason: "token-service-error", status: 307 },
    ],
    [
      "400",
      (_s, r) => r.writeHead(400, json).end('{"errors":[{"code":"bad","messages":["No endpoint."]}]}'),
      { reason: "token-service-error", status: 400, detail: "No endpoint." },
    ],
    ["429", (_s, r) => r.writeHead(429).end(), { reason: "token-service-error", status: 429 }],
    ["500", (_s, r) => r.writeHead(500).end(), { reason: "token-service-error", status: 500 }],
    [
      "a web page",
      (_s, r) => r.writeHead(200, { "content-type": "text/html" }).end("<html>"),
      { reason: "token-service-error", status: 200, detail: "it answers with a web page." },
    ],
    [
      "no JSON",
      (_s, r) => r.end("{"),
      { reason: "token-service-error", detail: "its answer holds no id_token." },
    ],
    [
      "no id_token",
      (_s, r) => r.end('{"access_token":"x","expires_in":1}'),
      { reason: "token-service-error" },
    ],
    [
      "an empty id_token",
      (_s, r) => r.end('{"id_token":"","expires_in":1}'),
      { reason: "token-service-error" },
    ],
    [
      "an id_token that would break out of its header",
      (_s, r) => r.end('{"id_token":"a\\r\\nx: y","expires_in":1}'),
      { reason: "token-service-error" },
    ],
    ["a cut answer", (_s, r) => r.writeHead(200, { "content-length": 99 }).write("{", () => r.destroy()), {}],
  ])("with %s, the failure says why", async (_what, answer, failure) => {
    const { auth } = await startAuth(answer);
    const result = await auth.jwt();
    expect(result).toMatchObject({ ok: false, failure });
    expect(JSON.stringify(result)).not.toContain(API_TOKEN);
  });

  it("tries the other form of the address once, as nobody knows whether the slash matters", async () => {
    const good = numbered();
    const { auth, service } = await startAuth((seen, response, request) =>
      seen.path.includes("flow%2F&") ? good(seen, response, request) : response.writeHead(404).end(),
    );
    expect(await jwtOf(auth)).toBe("jwt-1");
    expect(service.seen).toHaveLength(2);
  });

  it.each([
    ["no API token", null],
    ["an empty one", "  "],
    ["one that cannot be sent", "to\nken"],
  ])("with %s, nothing is asked", async (_what, token) => {
    const { auth, service } = await startAuth(numbered(), () => token);
    expect(await auth.jwt()).toEqual({
      ok: false,
      failure: { reason: "no-token", variable: "IKOMIA_TOKEN" },
    });
    expect(service.seen).toHaveLength(0);
  });

  it("with an echo of the API token, it is left out", async () => {
    const { auth } = await startAuth((seen, response) =>
      response.writeHead(500, json).end(JSON.stringify({ message: seen.headers["authorization"] })),
    );
    const result = await auth.jwt();
    expect(result).toMatchObject({ failure: { detail: "Token …" } });
  });

  it("with a service at an address that is not safe, the API token stays here", async () => {
    for (const tokenService of [
      "http://scale.ikomia.test",
      "scale.ikomia.test",
      "https://u:p@scale.ikomia.test",
    ]) {
      const auth = createAuth({
        http: startHttp(),
        clock: startClock(),
        tokenService,
        deploymentUrl: DEPLOYMENT,
        apiToken: () => API_TOKEN,
      });
      expect(await auth.jwt()).toMatchObject({ failure: { reason: "token-service-error", status: null } });
    }
  });

  it("with a service that does not run, every call says so without touching the deployment", async () => {
    const server = await startWebServer((_seen, response) => response.end());
    const port = await freePort();
    const { createDeployment } = await import("../../electron/engine/deployment/client.ts");
    const deployment = createDeployment({
      url: server.url,
      tokenService: `http://127.0.0.1:${port}`,
      apiToken: () => API_TOKEN,
      http: startHttp(),
      clock: startClock(),
    });
    const failure = { reason: "unreachable", host: `127.0.0.1:${port}`, code: "ECONNREFUSED" };
    expect((await collectInto(deployment)).outcome).toEqual({ kind: "unreachable", failure });
    expect(await deployment.probe()).toEqual({ ok: false, failure });
    expect(await deployment.workflow()).toEqual({ ok: false, failure });
    expect(server.seen).toHaveLength(0);
  });
});

it("a deployment that refuses its JWT gets another one only when it is asked for", async () => {
  const server = await startWebServer((_seen, response) => response.writeHead(401).end());
  const deployment = await startDeployment(server.url);
  const first = (await collectInto(deployment)).outcome;
  expect(first).toMatchObject({ kind: "unauthorized" });
  expect(server.seen).toHaveLength(1);
});
