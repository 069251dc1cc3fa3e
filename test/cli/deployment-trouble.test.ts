import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ScriptEntry } from "../../electron/simulator/script.ts";
import { callerOf } from "../simulator/client.ts";
import { expectOneLine, openRig, start, type Ended, type Rig } from "./rig.ts";

let rig: Rig;
let page: Server;
let pageUrl: string;
beforeAll(async () => {
  rig = await openRig();
  await rig.draw("one.jpg");
  // Something that answers, and is no deployment.
  page = createServer((_request, response) => {
    response.setHeader("content-type", "text/html");
    response.end("<!doctype html><title>Welcome</title>");
  });
  await new Promise<void>((resolve) => page.listen(0, "127.0.0.1", resolve));
  pageUrl = `http://127.0.0.1:${(page.address() as AddressInfo).port}`;
});
afterAll(async () => {
  page.closeAllConnections();
  page.close();
  await rig.stop();
});

interface WorkflowFile {
  tasks: { task_id: number }[];
  connections: object[];
}

async function workflowOf({ simulator }: Rig): Promise<WorkflowFile> {
  const { jwt } = await callerOf(simulator);
  const answer = await fetch(`${simulator.url}/workflow`, { headers: { authorization: `Bearer ${jwt}` } });
  return (await answer.json()) as WorkflowFile;
}

/** A run with a data file of its own, so that all can go on at once. */
function run(change: NodeJS.ProcessEnv, ...args: string[]): Promise<Ended> {
  const data = join(rig.place, `${Math.random()}.db`);
  return rig.run(["run", "--data", data, ...args], { env: { ...rig.env, ...change } });
}

describe.concurrent("first contact that fails ends with exit code 3 and one line", () => {
  test("no token", async () => {
    expectOneLine(await run({ IKOMIA_TOKEN: undefined }), 3, "no API token", "IKOMIA_TOKEN");
  });
  test("a wrong token (401)", async () => {
    const ended = await run({ IKOMIA_TOKEN: "wrong-token-canary" });
    expectOneLine(ended, 3, "not accepted", "401", "Make a new token");
    expect(ended.stderr).not.toContain("canary");
  });
  test("a deployment that is not on this account (404)", async () => {
    const ended = await run({ NIGHTRUN_DEPLOYMENT: "https://another.deployment.example" });
    expectOneLine(ended, 3, "another.deployment.example", "404", "Copy the endpoint URL");
  });
  test("a token service that is down", async () => {
    expectOneLine(await run({ IKOMIA_URL: "http://127.0.0.1:1" }), 3, "127.0.0.1:1", "ECONNREFUSED");
  });
  test("a host that does not exist", async () => {
    const ended = await run({ IKOMIA_URL: "https://nowhere.invalid" });
    expectOneLine(ended, 3, "nowhere.invalid", "network");
  });
  test("a web page instead of the token service", async () => {
    expectOneLine(await run({ IKOMIA_URL: pageUrl }), 3, pageUrl.slice("http://".length));
  });
  test("one line also with --json, and one event that a program can read", async () => {
    const ended = await run({ IKOMIA_TOKEN: undefined }, "--json");
    expect(ended.stderr).toMatch(/^nightrun: [^\n]+\n$/);
    expect(JSON.parse(ended.stdout)).toMatchObject({ event: "failure", reason: "no-token" });
    expect(ended.code).toBe(3);
  });
});

test("nothing was sent by any of them", () => {
  expect(rig.simulator.control.stats().requests.put).toBe(0);
});

describe.concurrent("answers of a deployment that is not well", () => {
  async function against(entries: ScriptEntry[], ...args: string[]): Promise<{ ended: Ended; puts: number }> {
    await using own = await openRig();
    await own.draw("one.jpg");
    own.simulator.control.script(...entries);
    const ended = await own.run(["run", ...args]);
    return { ended, puts: own.simulator.control.stats().requests.put };
  }
  test("a web page instead of the workflow: the outputs have to be named", async () => {
    const html: ScriptEntry = { on: "workflow", fault: { kind: "html" }, times: "always" };
    await using own = await openRig();
    await own.draw("one.jpg");
    own.simulator.control.script(html);
    const ended = await own.run(["run", "--output", "image_facts:0"]);
    expect([ended.code, own.simulator.control.stats().accepted]).toEqual([0, 1]);
  });
  test("no workflow and no named outputs: wrong usage, because nothing can be asked for", async () => {
    await using own = await openRig();
    await own.draw("one.jpg");
    own.simulator.control.script({ on: "workflow", fault: { kind: "html" }, times: "always" });
    const args = ["run", own.pictures, "--data", own.data];
    const ended = await start(args, { env: own.env, cwd: own.place }).ended;
    expectOneLine(ended, 2, "does not tell its workflow", "--output");
    expect(own.simulator.control.stats().requests.put).toBe(0);
  });
  test("a workflow that needs more inputs is refused until they are given, and then gets them", async () => {
    await using own = await openRig();
    await own.draw("one.jpg");
    const plain = await workflowOf(own);
    const second = { source_id: -1, source_index: 1, target_id: plain.tasks[0]?.task_id, target_index: 0 };
    const body = JSON.stringify({ ...plain, connections: [...plain.connections, second] });
    own.simulator.control.script({ on: "workflow", fault: { kind: "body", body }, times: "always" });
    expectOneLine(await own.run(["run"]), 2, "takes 2 inputs", "1 is given", "--input");
    expect(own.simulator.control.stats().requests.put).toBe(0);
    const ended = await own.run(["run", "--input", '{"DATA_DICT":{"plate":7}}']);
    expect(ended.stderr).toMatch(/failed {2}one\.jpg: .*given: image, DATA_DICT/);
    expect(ended.code).toBe(1);
  });
  test("413: the picture fails as too large, with what to do", async () => {
    const { ended } = await against([{ on: "put", fault: { kind: "status", status: 413 } }]);
    expect(ended.stderr).toMatch(/failed {2}one\.jpg: .*too large \(413\).*Make it smaller/);
    expect(ended.code).toBe(1);
  });
  test("422: the picture fails with the deployment's own words", async () => {
    const body = JSON.stringify({ detail: [{ msg: "field required: inputs" }] });
    const { ended } = await against([{ on: "put", fault: { kind: "status", status: 422, body } }]);
    expect(ended.stderr).toMatch(/failed {2}one\.jpg: .*\(422\).*field required: inputs/);
    expect(ended.stderr).not.toMatch(/^\s+at /m);
    expect(ended.code).toBe(1);
  });
  test("520: the workflow's message reaches the person", async () => {
    const fault = { kind: "run-error", status: 520, message: "no\nGPU\u001b[2J left" } as const;
    const { ended } = await against([{ on: "put", fault, times: 2 }]);
    expect(ended.stderr).toMatch(/failed {2}one\.jpg: .*no GPU \[2J left/);
    expect(ended.code).toBe(1);
  });
  test("an answer that does not fit: the raw bytes stay, and where is said", async () => {
    const { ended } = await against([{ on: "results", fault: { kind: "odd", result: "not-json" } }]);
    expect(ended.stderr).toMatch(/failed {2}one\.jpg: .*raw answer is kept in /);
    expect(ended.code).toBe(1);
  });
});

test("a sign-in that is revoked in the middle stops the run with exit code 3; the same command goes on", async () => {
  await using own = await openRig();
  await own.draw("a.jpg", "b.jpg", "c.jpg");
  const { control } = own.simulator;
  control.hold();
  const running = own.start(["run", "--concurrency", "1"]);
  await control.until((stats) => stats.accepted === 1);
  control.change({ token: "another" });
  control.revoke();
  control.release();
  const ended = await running.ended;
  expect(ended.code).toBe(3);
  expect(ended.stderr).toMatch(/API token is not accepted.*3 images wait.*same command resumes/);
  control.change({ token: own.simulator.token });
  const again = await own.run(["run", "--concurrency", "1"]);
  expect(again.stderr).toContain("3 done = 3 seen");
  expect(again.code).toBe(0);
  expect(control.stats().accepted).toBe(3);
});
