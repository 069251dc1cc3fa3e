import { spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parseArguments } from "../../electron/simulator/arguments.ts";
import { startSimulator } from "../../electron/simulator/server.ts";
import { callerOf, CHEAP, picture, startRig } from "./client.ts";

const ENTRY = join(import.meta.dirname, "../../electron/simulator/simulator.ts");

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "simulator-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

function start(...args: string[]): Child {
  return spawn(process.execPath, [ENTRY, ...args], { stdio: ["pipe", "pipe", "pipe"] });
}

async function textOf(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

test("the process says where it listens in one line, and ends with its parent", async () => {
  const child = start("--stay-with-parent", "--latency", "0");
  const output = textOf(child.stdout);
  const exit = once(child, "exit");
  const [first] = (await once(child.stdout, "data")) as [Buffer];
  const told = JSON.parse(first.toString()) as { url: string; tokenService: string; token: string };
  expect(told).toEqual({ url: told.url, tokenService: told.url, token: "simulator-token" });
  expect((await fetch(told.url)).status).toBe(200);
  child.stdin.end();
  expect(await exit).toEqual([0, null]);
  expect((await output).trim().split("\n")).toHaveLength(1);
});

test("SIGTERM ends the process cleanly, also with a request open", async () => {
  const child = start("--latency", "60000");
  const exit = once(child, "exit");
  const [first] = (await once(child.stdout, "data")) as [Buffer];
  const { url, tokenService, token } = JSON.parse(first.toString()) as {
    url: string;
    tokenService: string;
    token: string;
  };
  const caller = await callerOf({ url, tokenService, token } as Parameters<typeof callerOf>[0]);
  const uuid = await caller.submit(await picture("red"));
  const open = caller.get(uuid, "?advice=true&long=true").catch(() => "cut");
  await fetch(`${url}/_simulator/wait?counter=gets`);
  child.kill("SIGTERM");
  expect(await exit).toEqual([0, null]);
  expect(await open).toBe("cut");
});

test("a wrong flag ends the process with exit code 2 and a word about it", async () => {
  const child = start("--faults", "put-700=0.1");
  const exit = once(child, "exit");
  const problem = await textOf(child.stderr);
  expect(await exit).toEqual([2, null]);
  expect(problem).toContain('there is no fault "put-700"');
});

test("a port that is taken ends the process with exit code 1 and a word about it", async () => {
  await using rig = await startRig();
  const child = start("--port", new URL(rig.simulator.url).port);
  const exit = once(child, "exit");
  const problem = await textOf(child.stderr);
  expect(await exit).toEqual([1, null]);
  expect(problem).toContain("EADDRINUSE");
});

test("a simulator that was killed finds its submitted and finished runs again, and no fetched ones", async () => {
  const stateFile = join(folder, "simulator.json");
  const child = start("--state", stateFile, "--latency", "0", "--workers", "1");
  const exit = once(child, "exit");
  const [first] = (await once(child.stdout, "data")) as [Buffer];
  const { url, tokenService, token } = JSON.parse(first.toString()) as {
    url: string;
    tokenService: string;
    token: string;
  };
  const caller = await callerOf({ url, tokenService, token } as Parameters<typeof callerOf>[0]);
  const fetched = await caller.submit(await picture("red"));
  expect((await caller.collect(fetched)).status).toBe(200);
  const finished = await caller.submit(await picture("green"));
  await fetch(`${url}/_simulator/wait?counter=finished&atLeast=2`);
  await fetch(`${url}/_simulator/hold`, { method: "POST" });
  const held = await caller.submit(await picture("blue"));
  const queued = await caller.submit(await picture("teal"));
  child.kill("SIGKILL");
  await exit;

  await using again = await startRig({ stateFile });
  for (const uuid of [finished, held, queued]) expect((await again.caller.collect(uuid)).status).toBe(200);
  expect((await again.caller.get(fetched)).status).toBe(202);
  expect(JSON.parse(await readFile(stateFile, "utf8"))).toEqual({ version: 1, runs: [] });
  expect(await readdir(`${stateFile}.runs`)).toEqual([]);
});

test("a JWT survives a restart of the simulator, as it does one of the deployment", async () => {
  const stateFile = join(folder, "simulator.json");
  const first = await startSimulator({ stateFile, latency: { minMs: 0, maxMs: 0 } });
  const caller = await callerOf(first);
  first.control.hold();
  const uuid = await caller.submit(await picture("red"));
  await first.close();
  const second = await startSimulator({
    stateFile,
    port: Number(new URL(first.url).port),
    latency: { minMs: 0, maxMs: 0 },
  });
  expect((await caller.collect(uuid)).status).toBe(200);
  await second.close();
});

test("the fate of a run survives a restart", async () => {
  const stateFile = join(folder, "simulator.json");
  const first = await startSimulator({ stateFile });
  first.control.hold();
  first.control.script({ on: "put", fault: { kind: "run-error", status: 520, message: "doomed" } });
  const uuid = await (await callerOf(first)).submit(await picture("red"));
  await first.close();
  await using again = await startRig({ stateFile });
  const answer = await again.caller.collect(uuid);
  expect([answer.status, await answer.json()]).toEqual([520, { message: "doomed" }]);
});

test("many runs at once leave a state file that holds exactly those that were not fetched", async () => {
  const stateFile = join(folder, "simulator.json");
  const rig = await startRig({ stateFile });
  const image = await picture("red");
  const uuids = await Promise.all(Array.from({ length: 20 }, () => rig.caller.submit(image, CHEAP)));
  await Promise.all(
    uuids.slice(0, 12).map((uuid) => rig.caller.collect(uuid).then((answer) => answer.text())),
  );
  await rig.simulator.close();
  const kept = JSON.parse(await readFile(stateFile, "utf8")) as { runs: { uuid: string }[] };
  expect(kept.runs.map((run) => run.uuid).sort()).toEqual(uuids.slice(12).sort());
});

test("flags become options", () => {
  const parsed = parseArguments(
    "--port 80 --mode plain --seed 3 --latency 5-9 --cold-start 7 --workers 2 --token t --jwt-seconds 1.5 --faults put-503=0.05,get-cut=1 --result-ttl 8 --state s.json --stay-with-parent".split(
      " ",
    ),
  );
  expect(parsed).toEqual({
    ok: true,
    stayWithParent: true,
    help: false,
    options: {
      port: 80,
      mode: "plain",
      seed: 3,
      latency: { minMs: 5, maxMs: 9 },
      coldStartMs: 7,
      workers: 2,
      token: "t",
      jwtSeconds: 1.5,
      faults: { "put-503": 0.05, "get-cut": 1 },
      resultTtlMs: 8,
      stateFile: "s.json",
    },
  });
});

test.each([
  "--port 70000",
  "--latency fast",
  "--mode odd",
  "--faults get-cut=2",
  "--faults get-cut",
  "--jwt-seconds 0",
  "--workers 0",
  "--nonsense",
  "more",
])("%s is refused", (line) => {
  expect(parseArguments(line.split(" "))).toMatchObject({ ok: false });
});
