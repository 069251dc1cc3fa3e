import { describe, expect, it } from "vitest";
import { describeFailure } from "../../electron/contract/describe-failure.ts";
import { API_TOKEN, bodyOf, collectInto, JWT, RUN_ID, startDeployment } from "./support/rig.ts";
import { startWebServer, type WebServer } from "./support/servers.ts";

interface Canned {
  status: number;
  body?: string;
  headers?: Record<string, string>;
}

const HTML = { "content-type": "text/html; charset=utf-8" };
const PAGE = "<!doctype html><title>Sign in</title>";

function serving({ status, body = "", headers = {} }: Canned): Promise<WebServer> {
  return startWebServer((_seen, response) => {
    response.writeHead(status, { "content-type": "application/json", ...headers }).end(body);
  });
}

const detail = JSON.stringify({ detail: [{ loc: ["body", "inputs"], msg: "field required", type: "x" }] });

describe("PUT /api/run", () => {
  it.each<[Canned, Record<string, unknown>]>([
    [
      { status: 200, body: `"${RUN_ID}"` },
      { kind: "accepted", uuid: RUN_ID },
    ],
    [
      { status: 200, body: JSON.stringify({ uuid: RUN_ID, state: "PENDING", eta: [1, 2], next_poll_in: 5 }) },
      { kind: "accepted", advice: { state: "PENDING", etaMs: [1, 2], nextPollMs: 5, long: false } },
    ],
    [{ status: 201, body: `"${RUN_ID}"` }, { kind: "accepted" }],
    [
      { status: 200, body: "" },
      { kind: "unknown", failure: { reason: "unexpected-response", status: 200 } },
    ],
    [
      { status: 200, body: '"x"' },
      { kind: "unknown", last: "status 200 without a run id" },
    ],
    [
      { status: 200, body: PAGE, headers: HTML },
      { kind: "unknown", failure: { reason: "not-a-deployment" } },
    ],
    [
      { status: 202, body: "null" },
      { kind: "unknown", failure: { status: 202 } },
    ],
    [{ status: 204 }, { kind: "unknown", failure: { status: 204 } }],
    [
      { status: 301, headers: { location: "/elsewhere" } },
      { kind: "unauthorized", status: 301, jwt: JWT },
    ],
    [{ status: 304 }, { kind: "unauthorized", status: 304 }],
    [
      { status: 307, headers: { location: "/login" } },
      { kind: "unauthorized", status: 307 },
    ],
    [
      { status: 400, body: '{"message":"bad"}' },
      { kind: "refused", failure: { detail: "bad", status: 400 } },
    ],
    [{ status: 401 }, { kind: "unauthorized", status: 401, jwt: JWT }],
    [
      { status: 403, body: PAGE, headers: HTML },
      { kind: "unauthorized", status: 403 },
    ],
    [{ status: 404 }, { kind: "not-sent", failure: { reason: "deployment-not-found" } }],
    [
      { status: 408 },
      { kind: "unknown", last: "status 408", failure: { reason: "server-error", status: 408 } },
    ],
    [{ status: 409 }, { kind: "unknown" }],
    [{ status: 413 }, { kind: "refused", failure: { reason: "too-large", bytes: 7 } }],
    [
      { status: 422, body: detail },
      {
        kind: "refused",
        failure: { reason: "refused-input", status: 422, detail: "body.inputs: field required" },
      },
    ],
    [{ status: 429 }, { kind: "busy", retryAfterMs: null, failure: { reason: "busy", status: 429 } }],
    [
      { status: 503, headers: { "retry-after": "120" } },
      { kind: "busy", retryAfterMs: 120_000, failure: { retryAfterMs: 120_000 } },
    ],
    [
      { status: 500, body: '{"message":"Oops"}' },
      { kind: "unknown", failure: { status: 500, detail: "Oops" } },
    ],
    [
      { status: 502, body: PAGE, headers: HTML },
      { kind: "unknown", last: "status 502" },
    ],
    [{ status: 504 }, { kind: "unknown" }],
    [{ status: 520 }, { kind: "unknown" }],
  ])("$status $body", async (canned, expected) => {
    const server = await serving(canned);
    const deployment = await startDeployment(server.url);
    const outcome = await deployment.submit(await bodyOf(), {});
    expect(outcome).toMatchObject(expected);
    expect(server.seen.map((seen) => `${seen.method} ${seen.path}`)).toEqual(["PUT /api/run?advice=true"]);
  });
});

describe("GET /api/results/{uuid}", () => {
  it.each<[Canned, Record<string, unknown>]>([
    [{ status: 200, body: "[]" }, { kind: "received" }],
    [
      { status: 200, body: PAGE, headers: HTML },
      { kind: "doubtful", failure: { reason: "not-a-deployment" } },
    ],
    [
      { status: 202, body: "null" },
      { kind: "pending", advice: { state: null, nextPollMs: null } },
    ],
    [
      { status: 202, body: '{"state":"STARTED","eta":[null,9],"next_poll_in":70,"next_poll_long":true}' },
      { kind: "pending", advice: { state: "STARTED", etaMs: [null, 9], nextPollMs: 70, long: true } },
    ],
    [
      { status: 202, body: "" },
      { kind: "protocol", failure: { status: 202 } },
    ],
    [
      { status: 202, body: PAGE, headers: HTML },
      { kind: "protocol", failure: { status: 202 } },
    ],
    [{ status: 204 }, { kind: "protocol", failure: { status: 204 } }],
    [
      { status: 302, headers: { location: "/login" } },
      { kind: "unauthorized", status: 302, jwt: JWT },
    ],
    [
      { status: 307, headers: { location: "/login" } },
      { kind: "unauthorized", status: 307 },
    ],
    [{ status: 400 }, { kind: "protocol", failure: { status: 400 } }],
    [{ status: 401 }, { kind: "unauthorized", status: 401, jwt: JWT }],
    [{ status: 403 }, { kind: "unauthorized", status: 403 }],
    [{ status: 404 }, { kind: "gone", status: 404 }],
    [{ status: 408 }, { kind: "doubtful", failure: { reason: "server-error", status: 408 } }],
    [
      { status: 418, body: "teapot" },
      { kind: "protocol", failure: { status: 418, what: "teapot" } },
    ],
    [
      { status: 422, body: detail },
      { kind: "protocol", failure: { what: "body.inputs: field required" } },
    ],
    [
      { status: 429, headers: { "retry-after": "7" } },
      { kind: "busy", retryAfterMs: 7000 },
    ],
    [
      { status: 503, headers: { "retry-after": "soon" } },
      { kind: "busy", retryAfterMs: null },
    ],
    [
      { status: 500, body: '{"message":"Workflow Run Error"}' },
      {
        kind: "workflow-error",
        status: 500,
        message: "Workflow Run Error",
        raw: '{"message":"Workflow Run Error"}',
      },
    ],
    [
      { status: 520, body: '{"message":"CUDA out of memory"}' },
      { kind: "workflow-error", status: 520, message: "CUDA out of memory" },
    ],
    [{ status: 520 }, { kind: "workflow-error", message: "Workflow run failed" }],
    [
      { status: 502, body: PAGE, headers: HTML },
      { kind: "doubtful", failure: { reason: "server-error" } },
    ],
    [{ status: 504 }, { kind: "doubtful", failure: { status: 504 } }],
    [{ status: 501 }, { kind: "protocol", failure: { status: 501 } }],
  ])("$status $body", async (canned, expected) => {
    const server = await serving(canned);
    const deployment = await startDeployment(server.url);
    const { outcome, heads } = await collectInto(deployment, { long: true });
    expect(outcome).toMatchObject(expected);
    expect(heads).toHaveLength(outcome.kind === "received" ? 1 : 0);
    expect(server.seen.map((seen) => `${seen.method} ${seen.path}`)).toEqual([
      `GET /api/results/${RUN_ID}?advice=true&long=true`,
    ]);
  });

  it("keeps the first 64 KB of what a failed workflow says", async () => {
    const server = await serving({ status: 500, body: `{"message":"${"x".repeat(500_000)}"}` });
    const { outcome } = await collectInto(await startDeployment(server.url));
    if (outcome.kind !== "workflow-error") throw new Error(outcome.kind);
    expect(outcome.raw).toHaveLength(64 * 1024);
    expect(outcome.message.length).toBeLessThan(600);
  });
});

describe("GET /workflow and the probe", () => {
  it.each<[Canned, Record<string, unknown>, Record<string, unknown>]>([
    [
      { status: 200, body: '{"tasks":[]}' },
      { ok: true, value: { workflow: { tasks: [] } } },
      { ok: false, failure: { reason: "unexpected-response", status: 200 } },
    ],
    [
      { status: 200, body: PAGE, headers: HTML },
      { failure: { reason: "workflow-unavailable" } },
      { failure: { reason: "not-a-deployment" } },
    ],
    [{ status: 200, body: "[" }, { failure: { reason: "workflow-unavailable" } }, { ok: false }],
    [{ status: 202, body: "null" }, { failure: { reason: "unexpected-response" } }, { ok: true }],
    [{ status: 307 }, { failure: { reason: "sign-in-refused", status: 307 } }, { ok: true }],
    [{ status: 401 }, { failure: { reason: "sign-in-refused", status: 401 } }, { ok: true }],
    [
      { status: 404 },
      { failure: { reason: "workflow-unavailable" } },
      { failure: { reason: "deployment-not-found" } },
    ],
    [
      { status: 503, headers: { "retry-after": "3" } },
      { failure: { reason: "busy", retryAfterMs: 3000 } },
      { failure: { reason: "busy", retryAfterMs: 3000 } },
    ],
    [{ status: 502 }, { failure: { reason: "server-error" } }, { failure: { reason: "server-error" } }],
  ])("$status $body", async (canned, workflow, probe) => {
    const server = await serving(canned);
    const deployment = await startDeployment(server.url);
    expect(await deployment.workflow()).toMatchObject(workflow);
    expect(await deployment.probe()).toMatchObject(probe);
    expect(server.seen[0]?.path).toBe("/workflow");
    expect(server.seen[1]?.path).toMatch(/^\/api\/results\/[0-9a-f-]{36}\?advice=true&long=false$/);
    expect(server.seen).toHaveLength(2);
  });
});

describe("what goes with every request", () => {
  it("is the JWT, the wish for JSON without compression, and nothing of the API token", async () => {
    const server = await serving({ status: 202, body: "null" });
    const deployment = await startDeployment(`${server.url}/team/flow`);
    await deployment.submit(await bodyOf(), { idempotencyKey: "42-1" });
    await collectInto(deployment);
    await deployment.workflow();
    expect(server.seen.map((seen) => seen.path)).toEqual([
      "/team/flow/api/run?advice=true",
      `/team/flow/api/results/${RUN_ID}?advice=true&long=false`,
      "/team/flow/workflow",
    ]);
    for (const { headers } of server.seen) {
      expect(headers).toMatchObject({
        authorization: `Bearer ${JWT}`,
        accept: "application/json",
        "accept-encoding": "identity",
        "user-agent": "nightrun-test",
      });
      expect(JSON.stringify(headers)).not.toContain(API_TOKEN);
    }
    expect(server.seen[0]?.headers).toMatchObject({
      "idempotency-key": "42-1",
      "content-type": "application/json",
    });
    expect(server.seen[1]?.headers).not.toHaveProperty("idempotency-key");
  });

  it("cannot be led astray by a run id", async () => {
    const server = await serving({ status: 422 });
    await collectInto(await startDeployment(server.url), { uuid: "../../evil?x=1#" });
    expect(server.seen[0]?.path).toMatch(/^\/api\/results\/\.\.%2F\.\.%2Fevil%3Fx%3D1%23\?/);
  });
});

describe("secrets", () => {
  it.each([200, 202, 204, 307, 400, 401, 404, 408, 413, 418, 422, 429, 500, 502, 520])(
    "are in no text when a server echoes them with status %d",
    async (status) => {
      const echo = `{"message":"you sent ${JWT} and ${API_TOKEN}"}`;
      const server = await serving({ status, body: status === 204 ? "" : echo });
      const deployment = await startDeployment(server.url);
      const submitted = await deployment.submit(await bodyOf(), {});
      const { outcome } = await collectInto(deployment);
      const results = [submitted, outcome, await deployment.workflow(), await deployment.probe()];
      for (const result of results) {
        // The refused JWT itself goes back to whoever renews it, in a field of its own.
        const told = JSON.stringify(result, (key, value: unknown) => (key === "jwt" ? undefined : value));
        expect(told).not.toContain("CANARY");
        if ("failure" in result && result.failure !== null) {
          expect(JSON.stringify(describeFailure(result.failure))).not.toContain("CANARY");
        }
      }
    },
  );
});
