import { expect, test } from "vitest";
import { CHEAP, picture, runBody, startRig, type Rig } from "./client.ts";

async function control(rig: Rig, method: string, name: string, body?: unknown): Promise<Response> {
  return fetch(`${rig.simulator.url}/_simulator/${name}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

test("held runs stay running until a test lets them go, oldest first", async () => {
  await using rig = await startRig();
  rig.simulator.control.hold();
  const uuids = [
    await rig.caller.submit(await picture("red")),
    await rig.caller.submit(await picture("blue")),
  ];
  await rig.simulator.control.until(({ held }) => held === 2);
  rig.simulator.control.release(1);
  await rig.simulator.control.until((stats) => stats.finished === 1);
  expect((await rig.caller.get(uuids[0]!)).status).toBe(200);
  expect((await rig.caller.get(uuids[1]!)).status).toBe(202);
  rig.simulator.control.release();
  expect((await rig.caller.collect(uuids[1]!)).status).toBe(200);
});

test("no more runs are computed at once than there are workers; the others wait", async () => {
  await using rig = await startRig({ workers: 2 });
  rig.simulator.control.hold();
  const uuids: string[] = [];
  for (const color of ["red", "green", "blue"]) uuids.push(await rig.caller.submit(await picture(color)));
  const states = await Promise.all(
    uuids.map(async (uuid) => ((await (await rig.caller.get(uuid)).json()) as { state: string }).state),
  );
  expect(states).toEqual(["STARTED", "STARTED", "PENDING"]);
  expect(rig.simulator.control.stats()).toMatchObject({ outstanding: 3, maxOutstanding: 3 });
});

test("above its capacity the deployment answers 429 with Retry-After and accepts nothing", async () => {
  await using rig = await startRig({ capacity: 1, retryAfter: "2" });
  rig.simulator.control.hold();
  await rig.caller.submit(await picture("red"));
  const refused = await rig.caller.put(runBody(await picture("blue")));
  expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "2"]);
  expect(rig.simulator.control.stats().accepted).toBe(1);
});

test("a result that nobody fetches in time is dropped", async () => {
  await using rig = await startRig({ resultTtlMs: 1 });
  const uuid = await rig.caller.submit(await picture("red"));
  await rig.simulator.control.until((stats) => stats.finished === 1 && stats.unfetched === 0);
  expect((await rig.caller.get(uuid)).status).toBe(202);
});

test("a deployment that forgot its runs answers 202 for all of them", async () => {
  await using rig = await startRig();
  rig.simulator.control.hold();
  const uuid = await rig.caller.submit(await picture("red"));
  const finished = rig.caller.get(uuid, "?advice=true&long=true");
  await rig.simulator.control.until((stats) => stats.openGets === 1);
  await rig.simulator.control.forget();
  expect((await finished).status).toBe(202);
  rig.simulator.control.release();
  expect((await rig.caller.get(uuid)).status).toBe(202);
});

test("two requests at once for one result are counted, and only one gets it", async () => {
  await using rig = await startRig();
  rig.simulator.control.hold();
  const uuid = await rig.caller.submit(await picture("red"));
  const both = [1, 2].map(() => rig.caller.get(uuid, "?advice=true&long=true"));
  await rig.simulator.control.until((stats) => stats.openGets === 2);
  rig.simulator.control.release();
  const statuses = (await Promise.all(both)).map((answer) => answer.status).sort();
  expect(statuses).toEqual([200, 202]);
  expect(rig.simulator.control.stats()).toMatchObject({
    doubleGets: 1,
    runs: { [uuid]: { gets: 2, doubleGets: 1 } },
  });
});

test("requests one after the other are no double requests", async () => {
  await using rig = await startRig();
  for (const color of ["red", "green", "blue"]) await rig.caller.run(await picture(color), CHEAP);
  expect(rig.simulator.control.stats()).toMatchObject({ doubleGets: 0, accepted: 3, taken: 3, unfetched: 0 });
});

test("arrivals of submissions are kept in order on one clock", async () => {
  await using rig = await startRig();
  for (const color of ["red", "green", "blue"]) await rig.caller.submit(await picture(color));
  const times = rig.simulator.control.stats().puts.map((put) => put.atMs);
  expect(times).toHaveLength(3);
  expect(times).toEqual([...times].sort((a, b) => a - b));
});

test("only the first call to a sleeping deployment and those beside it pay the cold start", async () => {
  await using rig = await startRig({ coldStartMs: 60 });
  const started = performance.now();
  await Promise.all([
    rig.caller.put(runBody(await picture("red"))),
    rig.caller.put(runBody(await picture("blue"))),
  ]);
  expect(performance.now() - started).toBeGreaterThanOrEqual(55);
  rig.simulator.control.change({ coldStartMs: 60_000 });
  expect((await rig.caller.put(runBody(await picture("green")))).status).toBe(200);
});

test("control over HTTP: settings, script, hold, waiting and counters", async () => {
  await using rig = await startRig();
  expect(
    (await control(rig, "PUT", "settings", { mode: "plain", latency: { minMs: 0, maxMs: 0 } })).status,
  ).toBe(200);
  await control(rig, "POST", "script", [{ on: "put", fault: { kind: "status", status: 503 } }]);
  await control(rig, "POST", "hold");
  const body = runBody(await picture("red"));
  expect((await rig.caller.put(body)).status).toBe(503);
  const uuid = (await (await rig.caller.put(body)).json()) as string;
  await control(rig, "POST", "release", {});
  expect((await control(rig, "GET", "wait?counter=finished&atLeast=1")).status).toBe(200);
  expect((await rig.caller.get(uuid)).status).toBe(200);
  const stats = (await (await control(rig, "GET", "stats")).json()) as Record<string, unknown>;
  expect(stats).toMatchObject({
    accepted: 1,
    taken: 1,
    faults: { "script:put/status": 1 },
    puts: [{ status: 503 }, { status: 200, uuid }],
  });
});

test("control refuses what it does not know, and says why", async () => {
  await using rig = await startRig();
  const wrong = await control(rig, "PUT", "settings", { latencyy: 3 });
  expect([wrong.status, await wrong.text()]).toEqual([400, expect.stringContaining("latencyy")]);
  expect((await control(rig, "POST", "script", { on: "put", fault: { kind: "explode" } })).status).toBe(400);
  expect((await control(rig, "POST", "script", "{")).status).toBe(400);
  expect((await control(rig, "GET", "nothing")).status).toBe(404);
  expect((await control(rig, "GET", "wait?counter=puts&timeoutMs=1")).status).toBe(408);
});
