import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { leafTasks } from "../../electron/contract/workflow.ts";
import { A_NUMBER, A_STRING, ANYTHING, CHEAP, matching, picture, runBody, startRig } from "./client.ts";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const UNKNOWN = "0b3f2c9e-0000-4000-8000-000000000001";

test("with advice, a run is an object, a running one tells when to ask again, and a finished one carries its state", async () => {
  await using rig = await startRig();
  rig.simulator.control.hold();
  const put = await rig.caller.put(runBody(await picture("red")));
  const told = (await put.json()) as { uuid: string };
  expect(told).toMatchObject({
    uuid: matching(UUID),
    state: A_STRING,
    eta: [A_NUMBER, A_NUMBER],
  });
  const pending = await rig.caller.get(told.uuid);
  expect([pending.status, await pending.json()]).toEqual([
    202,
    { state: "STARTED", eta: [0, 0], next_poll_in: A_NUMBER, next_poll_long: true },
  ]);
  rig.simulator.control.release();
  const done = await rig.caller.collect(told.uuid);
  expect([done.status, await done.json()]).toEqual([
    200,
    { eta: [0, 0], results: [ANYTHING], state: "SUCCESS" },
  ]);
});

test("without advice, a run is a JSON string, a running one is null and a finished one is an array", async () => {
  await using rig = await startRig();
  rig.simulator.control.hold();
  const put = await rig.caller.put(runBody(await picture("red")), "");
  const uuid = (await put.json()) as string;
  expect(uuid).toMatch(UUID);
  const pending = await rig.caller.get(uuid, "");
  expect([pending.status, await pending.text()]).toEqual([202, "null"]);
  rig.simulator.control.release();
  await rig.simulator.control.until((stats) => stats.finished === 1);
  const done = await rig.caller.get(uuid, "");
  expect([done.status, await done.json()]).toEqual([200, [ANYTHING]]);
});

test("a plain deployment ignores the wish for advice and for long polls", async () => {
  await using rig = await startRig({ mode: "plain" });
  rig.simulator.control.hold();
  const put = await rig.caller.put(runBody(await picture("red")), "?advice=true");
  const uuid = (await put.json()) as string;
  const pending = await rig.caller.get(uuid, "?advice=true&long=true");
  expect([pending.status, await pending.text()]).toEqual([202, "null"]);
});

test("a long poll is held while the run is computed, and answered as soon as it is finished", async () => {
  await using rig = await startRig({ longPollMs: 60_000 });
  rig.simulator.control.hold();
  const uuid = await rig.caller.submit(await picture("red"));
  const answer = rig.caller.get(uuid, "?advice=true&long=true");
  await rig.simulator.control.until((stats) => stats.openGets === 1);
  for (let others = 0; others < 10; others += 1) await (await rig.caller.get(UNKNOWN)).text();
  expect(rig.simulator.control.stats().openGets).toBeGreaterThanOrEqual(1);
  rig.simulator.control.release();
  expect((await answer).status).toBe(200);
});

test("a long poll that nobody waits for any more does not cost the result", async () => {
  await using rig = await startRig({ longPollMs: 60_000 });
  rig.simulator.control.hold();
  const uuid = await rig.caller.submit(await picture("red"));
  const impatient = new AbortController();
  const answer = fetch(`${rig.simulator.url}/api/results/${uuid}?advice=true&long=true`, {
    headers: { authorization: `Bearer ${rig.caller.jwt}` },
    signal: impatient.signal,
  });
  await rig.simulator.control.until((stats) => stats.requests.results === 1);
  impatient.abort();
  await expect(answer).rejects.toThrow();
  await rig.simulator.control.until((stats) => stats.openGets === 0);
  rig.simulator.control.release();
  expect((await rig.caller.collect(uuid)).status).toBe(200);
});

test("a caller that left while its answer was delayed does not lose the result", async () => {
  await using rig = await startRig();
  const uuid = await rig.caller.submit(await picture("red"));
  await rig.simulator.control.until((stats) => stats.finished === 1);
  rig.simulator.control.script({ on: "results", fault: { kind: "delay", ms: 60_000 } });
  const impatient = new AbortController();
  const answer = fetch(`${rig.simulator.url}/api/results/${uuid}`, {
    headers: { authorization: `Bearer ${rig.caller.jwt}` },
    signal: impatient.signal,
  });
  await rig.simulator.control.until((stats) => stats.openGets === 1);
  impatient.abort();
  await expect(answer).rejects.toThrow();
  await rig.simulator.control.until((stats) => stats.openGets === 0);
  expect((await rig.caller.get(uuid)).status).toBe(200);
});

test("a result can be read once; afterwards its id looks like one that waits", async () => {
  await using rig = await startRig();
  const uuid = await rig.caller.submit(await picture("red"));
  expect((await rig.caller.collect(uuid)).status).toBe(200);
  const again = await rig.caller.get(uuid, "");
  expect([again.status, await again.text()]).toEqual([202, "null"]);
});

test("an unknown id looks like one that waits, in both forms", async () => {
  await using rig = await startRig();
  expect(await (await rig.caller.get(UNKNOWN, "")).json()).toBeNull();
  expect(await (await rig.caller.get(UNKNOWN)).json()).toMatchObject({ state: "PENDING", eta: [null, null] });
  expect(rig.simulator.control.stats().unknownGets).toBe(2);
});

test.each([
  ["a body without inputs", { outputs: [] }, ["body", "inputs"]],
  [
    "an output without a task name",
    { inputs: [], outputs: [{ task_index: 0 }] },
    ["body", "outputs", 0, "task_name"],
  ],
  [
    "a parameter that is not a string",
    { inputs: [], parameters: [{ task_name: "image_facts", parameters: { decode: false } }] },
    ["body", "parameters", 0, "parameters", "decode"],
  ],
  ["a body that is not JSON", "{", ["body"]],
])("%s is answered 422 and named", async (_what, body, loc) => {
  await using rig = await startRig();
  const answer = await rig.caller.put(body);
  expect(answer.status).toBe(422);
  expect(await answer.json()).toMatchObject({
    detail: [{ loc, msg: A_STRING, type: A_STRING }],
  });
});

test("an id that is not a UUID is answered 422", async () => {
  await using rig = await startRig();
  const answer = await rig.caller.get("17");
  expect([answer.status, await answer.json()]).toMatchObject([422, { detail: [{ loc: ["path", "uuid"] }] }]);
});

test("a body above the limit is answered 413, whether it tells its length or not", async () => {
  await using rig = await startRig({ maxBodyBytes: 1000 });
  const long = "x".repeat(2000);
  expect((await rig.caller.put(long)).status).toBe(413);
  const chunked = await fetch(`${rig.simulator.url}/api/run`, {
    method: "PUT",
    headers: { authorization: `Bearer ${rig.caller.jwt}` },
    body: new Blob([long]).stream(),
    duplex: "half",
  });
  expect(chunked.status).toBe(413);
});

test.each([
  [
    "a task the workflow does not have",
    { outputs: [{ task_name: "infer_yolo_v8" }] },
    /no task infer_yolo_v8/,
  ],
  ["a task index beyond the last", { outputs: [{ task_name: "image_facts", task_index: 1 }] }, /index 1/],
  [
    "an output beyond the last",
    { outputs: [{ task_name: "image_facts", output_index: 1 }] },
    /no output with index 1/,
  ],
  [
    "a Python flag that is not written as Python writes it",
    { ...CHEAP, parameters: [{ task_name: "image_facts", parameters: { decode: "true" } }] },
    /decode: name 'true' is not defined/,
  ],
  [
    "a C++ flag that is not a number",
    {
      outputs: [{ task_name: "ocv_canny" }],
      parameters: [{ task_name: "ocv_canny", parameters: { L2gradient: "True" } }],
    },
    /stoi/,
  ],
])("%s is a failed run: 520 with a message", async (_what, wanted, message) => {
  await using rig = await startRig();
  const answer = await rig.caller.collect(await rig.caller.submit(await picture("red"), wanted));
  expect(answer.status).toBe(520);
  expect(await answer.json()).toEqual({ message: matching(message) });
});

test("bytes that are no picture, and a workflow without its input, are failed runs", async () => {
  await using rig = await startRig();
  const wanted = { outputs: [{ task_name: "image_facts" }] };
  const broken = await rig.caller.collect(await rig.caller.submit(Buffer.from("not a picture"), wanted));
  expect([broken.status, await broken.json()]).toEqual([520, { message: matching(/cannot be decoded/) }]);
  const put = (await (await rig.caller.put({ inputs: [], ...wanted })).json()) as { uuid: string };
  const empty = await rig.caller.collect(put.uuid);
  expect([empty.status, await empty.json()]).toEqual([520, { message: matching(/takes one image/) }]);
});

test("unknown parameter names are silently ignored", async () => {
  await using rig = await startRig();
  const wanted = {
    ...CHEAP,
    parameters: [{ task_name: "image_facts", parameters: { decode: "False", dekode: "?" } }],
  };
  expect(await rig.caller.run(await picture("red"), wanted)).toHaveLength(1);
});

test("results come in the order asked for, and a task without output index expands in place", async () => {
  await using rig = await startRig();
  const wanted = {
    outputs: [
      { task_name: "image_facts" },
      { task_name: "infer_blob_detection" },
      { task_name: "skimage_histogram", task_index: 1 },
    ],
  };
  const results = await rig.caller.run(await picture("red"), wanted);
  expect(results.map((result) => Object.keys(result))).toEqual([
    ["DATA_DICT"],
    ["image"],
    ["OBJECT_DETECTION"],
    ["NUMERIC_VALUES"],
  ]);
  expect(results[3]).toMatchObject({ NUMERIC_VALUES: { headers: ["Hue", "Saturation", "Value"] } });
});

test("the hash of the received image bytes is told with the run and in its facts", async () => {
  await using rig = await startRig();
  const image = await picture("teal");
  const sha256 = createHash("sha256").update(image).digest("hex");
  const put = await rig.caller.put(runBody(image));
  expect(put.headers.get("x-simulator-sha256")).toBe(sha256);
  const { uuid } = (await put.json()) as { uuid: string };
  const answer = (await (await rig.caller.collect(uuid)).json()) as { results: unknown[] };
  expect(answer.results).toEqual([{ DATA_DICT: { bytes: image.length, sha256 } }]);
  expect(rig.simulator.control.stats().images[sha256]).toEqual({ puts: 1, accepted: 1, taken: 1 });
});

test("an image of 60 MB is taken", async () => {
  await using rig = await startRig();
  const image = Buffer.alloc(60 * 1024 * 1024, 7);
  const sha256 = createHash("sha256").update(image).digest("hex");
  expect(await rig.caller.run(image, CHEAP)).toEqual([{ DATA_DICT: { bytes: image.length, sha256 } }]);
}, 120_000);

test("the workflow is told like an exported file, with task names that can be run", async () => {
  await using rig = await startRig();
  const answer = await fetch(`${rig.simulator.url}/workflow`, {
    headers: { authorization: `Bearer ${rig.caller.jwt}` },
  });
  const file = (await answer.json()) as {
    tasks: {
      task_id: number;
      task_data: {
        name: string;
        inputs: { name: string }[];
        outputs: { name: string }[];
        parameters: { name: string; value: unknown }[];
      };
    }[];
    connections: { source_id: number; source_index: number; target_id: number; target_index: number }[];
  };
  const names = file.tasks.map((task) => task.task_data.name);
  expect(names.filter((name) => name === "skimage_histogram")).toHaveLength(2);
  expect(file.tasks.map((task) => task.task_id)).toEqual(names.map((_name, index) => index));
  for (const { task_data } of file.tasks) {
    for (const { name } of [...task_data.inputs, ...task_data.outputs])
      expect(name).toMatch(/^IODataType\.[A-Z_0-9]+$/);
    for (const { value } of task_data.parameters) expect(value).toBeTypeOf("string");
  }
  const connections = file.connections.map((c) => ({
    sourceId: c.source_id,
    sourceIndex: c.source_index,
    targetId: c.target_id,
    targetIndex: c.target_index,
  }));
  const tasks = file.tasks.map((task) => ({
    id: task.task_id,
    name: task.task_data.name,
    taskIndex: 0,
    inputs: [],
    outputs: [],
    parameters: [],
  }));
  const leaves = leafTasks({ name: "", tasks, connections }).map((task) => task.name);
  expect(leaves).not.toContain("ocv_blur");
  expect(leaves.length).toBeGreaterThan(5);
});

test("the page at the root is HTML, and names other than loopback are not answered", async () => {
  await using rig = await startRig();
  const page = await fetch(rig.simulator.url);
  expect(page.headers.get("content-type")).toContain("text/html");
  const { request } = await import("node:http");
  const status = await new Promise((resolve) => {
    request(rig.simulator.url, { headers: { host: "evil.test" } }, (response) =>
      resolve(response.statusCode),
    ).end();
  });
  expect(status).toBe(403);
});
