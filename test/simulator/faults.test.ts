import { createHash } from "node:crypto";
import { connect } from "node:net";
import fc from "fast-check";
import { expect, test } from "vitest";
import { FAULT_NAMES } from "../../electron/simulator/fault-names.ts";
import { createFaults, type Faults } from "../../electron/simulator/faults.ts";
import { createRandom } from "../../electron/simulator/random.ts";
import { ODD_RESULTS, type PutFault, type ResultsFault } from "../../electron/simulator/script.ts";
import { callerOf, CHEAP, matching, picture, requestJwt, runBody, startRig, type Rig } from "./client.ts";

async function finishedRun(rig: Rig, color = "red"): Promise<string> {
  const before = rig.simulator.control.stats().finished;
  const uuid = await rig.caller.submit(await picture(color));
  await rig.simulator.control.until((stats) => stats.finished === before + 1);
  return uuid;
}

/** Everything the server sends for one GET, as bytes on the wire, until it closes the connection. */
async function rawGet(rig: Rig, path: string): Promise<string> {
  const { port } = new URL(rig.simulator.url);
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect(Number(port), "127.0.0.1");
    socket.on("data", (chunk) => chunks.push(chunk));
    socket.on("close", () => resolve(Buffer.concat(chunks).toString("latin1")));
    socket.on("error", () => undefined);
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${rig.caller.jwt}\r\n\r\n`,
    );
  });
}

test.each<[string, PutFault, number]>([
  ["before the body is read", { kind: "reset" }, 0],
  ["after the body, without a run", { kind: "refuse-after" }, 0],
  ["after the run was accepted", { kind: "reset-after" }, 1],
])("a PUT can be reset %s", async (_when, fault, accepted) => {
  await using rig = await startRig();
  rig.simulator.control.script({ on: "put", fault });
  await expect(rig.caller.put(runBody(await picture("red")))).rejects.toThrow("fetch failed");
  expect(rig.simulator.control.stats()).toMatchObject({ accepted, puts: [{ status: 0 }] });
  expect((await rig.caller.put(runBody(await picture("red")))).status).toBe(200);
});

test.each([429, 500, 502, 503, 504, 413, 422, 401, 403, 308])(
  "a PUT can be answered %i, with or without a run",
  async (status) => {
    await using rig = await startRig();
    const headers = { "retry-after": "17", location: "/elsewhere" };
    rig.simulator.control.script(
      { on: "put", fault: { kind: "status", status, headers } },
      { on: "put", fault: { kind: "status", status, accepted: true } },
    );
    const body = runBody(await picture("red"));
    const answer = await rig.caller.put(body);
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([status, "17"]);
    expect(rig.simulator.control.stats().accepted).toBe(0);
    expect((await rig.caller.put(body)).status).toBe(status);
    expect(rig.simulator.control.stats().accepted).toBe(1);
  },
);

test("a captive portal answers HTML with status 200 and accepts nothing", async () => {
  await using rig = await startRig();
  rig.simulator.control.script({ on: "put", fault: { kind: "html" } });
  const answer = await rig.caller.put(runBody(await picture("red")));
  expect([answer.status, await answer.text()]).toEqual([200, matching(/<html/)]);
  expect(rig.simulator.control.stats().accepted).toBe(0);
});

test.each<[PutFault & { kind: "run-id" }, RegExp]>([
  [{ kind: "run-id", form: "unquoted" }, /^[0-9a-f-]{36}$/],
  [{ kind: "run-id", form: "upper-case" }, /^"[0-9A-F-]{36}"$/],
  [{ kind: "run-id", form: "huge" }, /^""$/],
  [{ kind: "run-id", form: "not-a-uuid" }, /^"run-17"$/],
  [{ kind: "run-id", form: "empty" }, /^$/],
  [{ kind: "run-id", form: "null" }, /^null$/],
])("a run id can be odd: %j", async (fault, form) => {
  await using rig = await startRig();
  rig.simulator.control.script({ on: "put", fault });
  const answer = await rig.caller.put(runBody(await picture("red")), "");
  const text = await answer.text();
  // Ten million letters are too many for a regular expression's stack.
  const short = fault.form === "huge" && text.length === 10_000_002 ? text.replace(/a{1000}/g, "") : text;
  expect([answer.status, short]).toEqual([200, matching(form)]);
});

test("a run id can be that of an earlier run", async () => {
  await using rig = await startRig();
  const first = await rig.caller.submit(await picture("red"));
  rig.simulator.control.script({ on: "put", fault: { kind: "run-id", form: "earlier" } });
  expect(await rig.caller.submit(await picture("blue"))).toBe(first);
});

test("a gateway that repeats a PUT leaves two runs, and tells of one", async () => {
  await using rig = await startRig();
  rig.simulator.control.script({ on: "put", fault: { kind: "duplicate" } });
  await rig.caller.run(await picture("red"), CHEAP);
  expect(rig.simulator.control.stats()).toMatchObject({ accepted: 2, taken: 1 });
});

test.each(["length", "chunked", "close"] as const)(
  "a result can be cut at every byte (%s), and is gone then",
  async (framing) => {
    await using rig = await startRig();
    for (const afterBytes of [0, 1, 20]) {
      const uuid = await finishedRun(rig);
      rig.simulator.control.script({ on: "results", fault: { kind: "cut", afterBytes, framing } });
      const answer = await rawGet(rig, `/api/results/${uuid}`);
      const head = answer.slice(0, answer.indexOf("\r\n\r\n")).toLowerCase();
      const body = answer.slice(answer.indexOf("\r\n\r\n") + 4);
      expect(head).toContain("http/1.1 200");
      expect(head.includes("content-length")).toBe(framing === "length");
      expect(head.includes("chunked")).toBe(framing === "chunked");
      expect(body).not.toMatch(/0\r\n\r\n$/);
      expect(body.replace(/^[0-9a-f]+\r\n/, "").trimEnd()).toHaveLength(afterBytes);
      expect((await rig.caller.get(uuid, "")).status).toBe(202);
    }
  },
);

test("a result can be lost: deleted, and the connection reset without a word", async () => {
  await using rig = await startRig();
  const uuid = await finishedRun(rig);
  rig.simulator.control.script({ on: "results", fault: { kind: "lost" } });
  await expect(rig.caller.get(uuid)).rejects.toThrow("fetch failed");
  expect((await rig.caller.get(uuid, "")).status).toBe(202);
  expect(rig.simulator.control.stats().taken).toBe(1);
});

test("a gateway fault on a results request costs the result only if the script says so", async () => {
  await using rig = await startRig();
  const uuid = await finishedRun(rig);
  rig.simulator.control.script(
    { on: "results", fault: { kind: "status", status: 502 } },
    { on: "results", fault: { kind: "reset" } },
  );
  expect((await rig.caller.get(uuid)).status).toBe(502);
  await expect(rig.caller.get(uuid)).rejects.toThrow("fetch failed");
  expect((await rig.caller.get(uuid)).status).toBe(200);
  const other = await finishedRun(rig, "blue");
  rig.simulator.control.script({ on: "results", fault: { kind: "status", status: 504, consumed: true } });
  expect((await rig.caller.get(other)).status).toBe(504);
  expect((await rig.caller.get(other)).status).toBe(202);
});

test("a fault can wait for a request that would get its result", async () => {
  await using rig = await startRig();
  rig.simulator.control.hold();
  const uuid = await rig.caller.submit(await picture("red"));
  rig.simulator.control.script({ on: "results", when: "ready", fault: { kind: "status", status: 502 } });
  expect((await rig.caller.get(uuid)).status).toBe(202);
  rig.simulator.control.release();
  await rig.simulator.control.until((stats) => stats.finished === 1);
  expect((await rig.caller.get(uuid)).status).toBe(502);
});

test("a fault can be aimed at the n-th request, and can repeat", async () => {
  await using rig = await startRig();
  rig.simulator.control.script({ on: "put", skip: 1, times: 2, fault: { kind: "status", status: 503 } });
  const statuses: number[] = [];
  for (const color of ["blue", "green", "teal", "navy"])
    statuses.push((await rig.caller.put(runBody(await picture(color)))).status);
  expect(statuses).toEqual([200, 503, 503, 200]);
});

test("a fault can be aimed at one image, for as long as it is told", async () => {
  await using rig = await startRig();
  const [red, blue] = [await picture("red"), await picture("blue")];
  const sha256 = createHash("sha256").update(red).digest("hex");
  const fault = { kind: "run-error", status: 500, message: "bad red" } as const;
  rig.simulator.control.script({ on: "put", sha256, times: "always", fault });
  for (let round = 0; round < 2; round += 1) {
    expect((await rig.caller.collect(await rig.caller.submit(blue))).status).toBe(200);
    const answer = await rig.caller.collect(await rig.caller.submit(red));
    expect([answer.status, await answer.json()]).toEqual([500, { message: "bad red" }]);
  }
  rig.simulator.control.clearScript();
  rig.simulator.control.script(
    { on: "results", sha256, fault: { kind: "odd", result: "empty-array" } },
    { on: "results", sha256, fault: { kind: "status", status: 504 } },
  );
  expect(await rig.caller.run(blue, CHEAP)).toHaveLength(1);
  const uuid = await rig.caller.submit(red);
  expect((await rig.caller.get(uuid)).status).toBe(504);
  expect(await (await rig.caller.collect(uuid)).json()).toMatchObject({ results: [] });
});

test("an endless run is never finished", async () => {
  await using rig = await startRig({ longPollMs: 0 });
  rig.simulator.control.script({ on: "put", fault: { kind: "endless" } });
  const uuid = await rig.caller.submit(await picture("red"));
  await rig.simulator.control.until((stats) => stats.outstanding === 0);
  expect((await rig.caller.get(uuid, "")).status).toBe(202);
});

test.each(ODD_RESULTS)("a result can be odd: %s", async (result) => {
  await using rig = await startRig();
  const good = await (await rig.caller.get(await finishedRun(rig), "")).text();
  const uuid = await finishedRun(rig, "blue");
  rig.simulator.control.script({ on: "results", fault: { kind: "odd", result } });
  const answer = await rig.caller.get(uuid, "");
  expect(answer.status).toBe(200);
  expect(await answer.text()).not.toBe(good);
});

test("a result can be as large as the script says, plain and packed", async () => {
  await using rig = await startRig();
  for (const gzip of [false, true]) {
    const uuid = await finishedRun(rig);
    rig.simulator.control.script({ on: "results", fault: { kind: "large", bytes: 5_000_001, gzip } });
    const answer = await rig.caller.get(uuid);
    const { results } = (await answer.json()) as { results: { image: string }[] };
    expect(results[0]?.image).toHaveLength(5_000_001);
  }
});

test("a result can drip, and still be whole", async () => {
  await using rig = await startRig();
  const uuid = await finishedRun(rig);
  rig.simulator.control.script({ on: "results", fault: { kind: "drip", bytes: 40, everyMs: 1 } });
  expect(await (await rig.caller.get(uuid, "")).json()).toHaveLength(1);
});

test("an outage strikes everything but control, and ends when it is told to", async () => {
  await using rig = await startRig();
  rig.simulator.control.change({ outage: "503", retryAfter: "3" });
  const answer = await rig.caller.get("0b3f2c9e-0000-4000-8000-000000000001");
  expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "3"]);
  rig.simulator.control.change({ outage: "reset" });
  await expect(requestJwt(rig.simulator)).rejects.toThrow("fetch failed");
  rig.simulator.control.change({ outage: null });
  expect((await requestJwt(rig.simulator)).status).toBe(200);
});

test("a JWT can end sooner than it says", async () => {
  await using rig = await startRig();
  rig.simulator.control.script({ on: "token", fault: { kind: "short", lifeMs: 0 } });
  const caller = await callerOf(rig.simulator);
  expect((await caller.get("0b3f2c9e-0000-4000-8000-000000000001")).status).toBe(307);
});

function rolls(
  seed: number,
  rates: Parameters<typeof createFaults>[0]["rates"],
): { faults: Faults; counted: Record<string, number> } {
  const counted: Record<string, number> = {};
  const count = (name: string): void => void (counted[name] = (counted[name] ?? 0) + 1);
  return { faults: createFaults({ random: createRandom(seed), rates, count }), counted };
}

test("random faults come about as often as told, the same for the same seed, and each is counted", () => {
  for (const name of FAULT_NAMES) {
    const strike = (): Record<string, number> => {
      const { faults, counted } = rolls(5, () => ({ [name]: 0.2 }));
      for (let i = 0; i < 2000; i += 1) {
        faults.onPut();
        faults.fate();
        faults.onResults(null);
        faults.onResult(null);
        faults.onToken();
      }
      return counted;
    };
    const counted = strike();
    expect(Object.keys(counted)).toEqual([name]);
    expect(counted[name]).toBeGreaterThan(300);
    expect(counted[name]).toBeLessThan(500);
    expect(strike()).toEqual(counted);
  }
});

test("a scripted fault strikes exactly the requests it is aimed at, whatever the numbers", () => {
  fc.assert(
    fc.property(
      fc.nat(20),
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 0, max: 60 }),
      (skip, times, requests) => {
        const { faults } = rolls(1, () => ({}));
        const fault: ResultsFault = { kind: "status", status: 502 };
        faults.queue([{ on: "results", skip, times, fault }]);
        const struck = Array.from({ length: requests }, () => faults.onResults(null) !== null);
        expect(struck).toEqual(struck.map((_was, index) => index >= skip && index < skip + times));
      },
    ),
  );
});
