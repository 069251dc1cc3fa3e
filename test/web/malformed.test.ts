import fc from "fast-check";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { CALL_NAMES } from "../../electron/contract/api.ts";
import { createDispatcher } from "../../electron/engine/handlers/dispatcher.ts";
import { MOST_BODY_BYTES } from "../../electron/web/read-body.ts";
import { ask, openStand, type Answer, type WindowStand } from "./window-stand.ts";

async function post(stand: WindowStand, name: string, body: string): Promise<Answer> {
  const headers = { "x-nightrun": "1", "content-type": "application/json", cookie: await stand.cookie() };
  return ask(stand.server.port, `/api/call/${name}`, { method: "POST", headers, body });
}

const HOSTILE = [
  "",
  "{",
  "null",
  "[]",
  "7",
  '"text"',
  '{"__proto__":{"polluted":1}}',
  '{"constructor":{"prototype":{"polluted":1}}}',
  '{"batchId":{"__proto__":1}}',
  '{"batchId":-1}',
  '{"batchId":1e999}',
  '{"batchId":9007199254740993}',
  '{"scope":{"batchId":1,"states":["__proto__"],"reason":null,"search":"","label":null,"imageIds":null}}',
  `{"scope":{"batchId":1,"states":[],"reason":null,"search":"${"x".repeat(5000)}","label":null,"imageIds":null}}`,
  '{"settings":{"__proto__":{"name":"x"}}}',
  `{"text":"${"[".repeat(100_000)}"}`,
  `{"text":${JSON.stringify("[".repeat(100_000))}}`,
  "[".repeat(50_000),
  `{"deployment":"${"a".repeat(100_000)}"}`,
  '{"folder":"\\u0000"}',
  '{"folder":"/proc/self/fd/0"}',
];

test("malformed input to any call is answered, never with an error of the server, and changes nothing", async () => {
  const stand = await openStand();
  for (const name of CALL_NAMES) {
    for (const body of HOSTILE) {
      const answer = await post(stand, name, body);
      expect([200, 400], `${name} ${body.slice(0, 60)}`).toContain(answer.status);
      expect(JSON.parse(answer.body.toString("utf8"))).toHaveProperty("ok");
    }
  }
  expect(({} as { polluted?: number }).polluted).toBeUndefined();
  expect((await stand.value("app:state", {})).batches).toEqual([]);
  expect(stand.problems).toEqual([]);
});

test("any JSON at all is refused in the agreed form or understood", async () => {
  const stand = await openStand();
  const call = fc.constantFrom(...CALL_NAMES);
  await fc.assert(
    fc.asyncProperty(call, fc.json({ maxDepth: 4 }), async (name, body) => {
      const answer = await post(stand, name, body);
      expect([200, 400]).toContain(answer.status);
      expect(JSON.parse(answer.body.toString("utf8"))).toHaveProperty("ok");
    }),
    { numRuns: 400 },
  );
  expect(stand.problems).toEqual([]);
});

test("a body beyond 2 MB is refused for every call, announced or not", async () => {
  const stand = await openStand();
  const large = `{"text":"${"x".repeat(MOST_BODY_BYTES)}"}`;
  for (const name of CALL_NAMES) expect((await post(stand, name, large)).status, name).toBe(413);
  const headers = {
    "x-nightrun": "1",
    "content-type": "application/json",
    "transfer-encoding": "chunked",
    cookie: await stand.cookie(),
  };
  const answer = await ask(stand.server.port, "/api/call/app:state", {
    method: "POST",
    headers,
    body: large,
  });
  expect(answer.status).toBe(413);
});

test("a name that is no call's is refused", async () => {
  const stand = await openStand();
  for (const name of ["", "x", "__proto__", "constructor", "toString", "app:state/..", "app%3Astate"])
    expect((await post(stand, name, "{}")).status, name).toBe(404);
});

test("a handler that breaks is a failure and a word to whoever runs it, not an end", async () => {
  const told: unknown[] = [];
  const broken = { "app:state": () => Promise.reject(new Error("a defect")) };
  const call = createDispatcher({
    handlers: broken as never,
    readOnly: false,
    onProblem: (failure) => told.push(failure.reason),
  });
  expect(await call("app:state", {})).toMatchObject({ ok: false, failure: { reason: "internal" } });
  expect(told).toEqual(["internal"]);
});

test("more connections than 64 are turned away, and the page works when they have gone", async () => {
  const stand = await openStand();
  await stand.cookie();
  const sockets = await Promise.all(
    Array.from(
      { length: 64 },
      () =>
        new Promise<ReturnType<typeof connect>>((resolve) => {
          const socket = connect(stand.server.port, "127.0.0.1", () => resolve(socket));
          socket.on("error", () => null);
        }),
    ),
  );
  await expect(stand.get("/")).rejects.toThrow();
  for (const socket of sockets) socket.destroy();
  await expect.poll(async () => (await stand.get("/").catch(() => ({ status: 0 }))).status).toBe(200);
});

test("a connection that never says what it wants, or never all of it, is closed", async () => {
  const stand = await openStand({ patience: { headersMs: 100, requestMs: 200, lookEveryMs: 50 } });
  const { port } = stand.server;
  const cookie = await stand.cookie();
  const head = `POST /api/call/app:state HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n`;
  const call = `${head}Cookie: ${cookie}\r\nX-Nightrun: 1\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{`;
  const untilClosed = (text: string): Promise<boolean> =>
    new Promise((resolve) => {
      const socket = connect(port, "127.0.0.1", () => socket.write(text));
      socket.on("error", () => null).on("close", () => resolve(true));
      socket.resume();
    });
  expect(await untilClosed(head)).toBe(true);
  expect(await untilClosed(call)).toBe(true);
  expect((await stand.get("/")).status).toBe(200);
});
