import { createHash } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { A_NUMBER, A_STRING, callerOf, matching } from "../simulator/client.ts";
import { jsonLines, openRig, picture, start, type Ended, type Rig } from "./rig.ts";

const ISO = matching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const UUID = matching(/^[0-9a-f-]{36}$/);

let rig: Rig;
let ran: Ended;
beforeAll(async () => {
  rig = await openRig();
  await rig.draw("b.jpg", "sub/c.png", "=cmd|calc.jpg", 'sub/with, comma "quoted".jpg');
  const same = await picture("a.jpg");
  await writeFile(join(rig.pictures, "a.jpg"), same);
  await writeFile(join(rig.pictures, "twin of a.jpg"), same);
  await writeFile(join(rig.pictures, "notes.txt"), "notes");
  // A copy that ends too early would hold the run for 30 s; a refused picture fails at once.
  const refused = await readFile(join(rig.pictures, "b.jpg"));
  const sha256 = createHash("sha256").update(refused).digest("hex");
  const fault = { kind: "status", status: 422, body: '{"detail":"no"}' } as const;
  rig.simulator.control.script({ on: "put", fault, sha256 });
  ran = await rig.run(["run", "--json"]);
});
afterAll(() => rig.stop());

const PATHS = [
  "=cmd|calc.jpg",
  "a.jpg",
  "b.jpg",
  "notes.txt",
  "sub/c.png",
  'sub/with, comma "quoted".jpg',
  "twin of a.jpg",
];

describe("run --json", () => {
  test("writes one event a line and nothing else on stdout, and no progress on stderr", () => {
    const events = jsonLines(ran.stdout);
    expect(events[0]).toEqual({
      event: "started",
      batch: 1,
      folder: rig.pictures,
      deployment: rig.simulator.url,
      resultsFolder: rig.results,
      at: ISO,
    });
    expect(events.at(-1)).toEqual({
      event: "ended",
      exitCode: 1,
      ledger: { seen: 7, done: 5, failed: 1, skipped: 1, missing: 0, waiting: 0, inFlight: 0, uncertain: 0 },
      runs: 4,
      resultsFolder: rig.results,
      at: ISO,
    });
    expect(ran.code).toBe(1);
    expect(ran.stderr).not.toContain("%");
  });
  test("tells every image once, when it has come to its end", () => {
    const images = jsonLines(ran.stdout).filter(({ event }) => event === "image");
    expect(images.map(({ path }) => path).sort()).toEqual(PATHS);
    expect(images.find(({ path }) => path === "a.jpg")).toEqual({
      event: "image",
      path: "a.jpg",
      sha256: matching(/^[0-9a-f]{64}$/),
      state: "done",
      reason: null,
      sentence: null,
      summary: A_STRING,
      at: ISO,
    });
    expect(images.find(({ path }) => path === "b.jpg")).toMatchObject({
      state: "failed",
      reason: "refused-input",
      sentence: matching(/422/),
    });
  });
});

describe.concurrent("readers", () => {
  test("export writes the promised object for each image, in path order, with its keys in order", async () => {
    const { stdout, stderr, code } = await rig.run(["export"]);
    expect([code, stderr]).toEqual([0, ""]);
    const images = jsonLines(stdout);
    expect(images.map(({ path }) => path)).toEqual(PATHS);
    for (const image of images)
      expect(Object.keys(image)).toEqual([
        "path",
        "sha256",
        "bytes",
        "state",
        "reason",
        "runId",
        "runs",
        "outputs",
        "files",
      ]);
    const image = images.find(({ path }) => path === "sub/c.png");
    expect(image).toEqual({
      path: "sub/c.png",
      sha256: matching(/^[0-9a-f]{64}$/),
      bytes: A_NUMBER,
      state: "done",
      reason: null,
      runId: UUID,
      runs: [{ runId: UUID, state: "DONE", submittedAt: ISO, finishedAt: ISO, reason: null }],
      outputs: [expect.any(Object)],
      files: ["sub/c.png.json"],
    });
    expect((await readdir(join(rig.results, "sub"))).sort()).toContain("c.png.json");
    const byName = (name: string) => images.find(({ path }) => path === name);
    expect(byName("twin of a.jpg")?.outputs).toEqual(byName("a.jpg")?.outputs);
  });
  test("export --format csv is a table that a spreadsheet reads and does not run", async () => {
    const { stdout, code } = await rig.run(["export", "--format", "csv"]);
    expect(code).toBe(0);
    const rows = parse<Record<string, string>>(stdout, { columns: true });
    expect(rows.map(({ path }) => path)).toEqual(["'=cmd|calc.jpg", ...PATHS.slice(1)]);
    expect(rows.find(({ path }) => path === "a.jpg")).toMatchObject({ state: "done", runs: "1" });
  });
  test.each([
    ["done", 5],
    ["failed", 1],
    ["done,failed", 6],
    ["missing", 0],
  ])("export --state %s gives %d images", async (state, count) => {
    expect(jsonLines((await rig.run(["export", "--state", state])).stdout)).toHaveLength(count);
  });
  test("images lists state, path and reason, for a person and for a program", async () => {
    const [human, failed, found] = await Promise.all([
      rig.run(["images", rig.pictures]),
      rig.run(["images", "--json", "--reason", "refused-input"]),
      rig.run(["images", "--json", "--path", "sub/"]),
    ]);
    expect(human.stdout.trim().split("\n")).toHaveLength(7);
    expect(human.stdout).toMatch(/^failed\tb\.jpg\t.*422/m);
    expect(jsonLines(failed.stdout)).toEqual([
      {
        path: "b.jpg",
        state: "failed",
        reason: "refused-input",
        sentence: A_STRING,
        bytes: A_NUMBER,
        sha256: A_STRING,
        summary: null,
        durationMs: null,
        updatedAt: ISO,
      },
    ]);
    expect(jsonLines(found.stdout)).toHaveLength(2);
  });
  test("runs lists every submission with its run id, times and end", async () => {
    const [human, json] = await Promise.all([rig.run(["runs"]), rig.run(["runs", "--json", "pictures"])]);
    expect(human.stdout.trim().split("\n")).toHaveLength(5);
    const runs = jsonLines(json.stdout);
    expect(runs.filter(({ state }) => state === "DONE")).toHaveLength(4);
    const known = Object.keys(rig.simulator.control.stats().runs).sort();
    expect(runs.flatMap(({ runId }) => (runId === null ? [] : [runId])).sort()).toEqual(known);
    expect(runs.find(({ path }) => path === "b.jpg")).toMatchObject({ runId: null, state: "REJECTED" });
  });
  test("status shows the ledger and what happened, for a person and for a program", async () => {
    const [human, json] = await Promise.all([rig.run(["status"]), rig.run(["status", "--json", "1"])]);
    expect(human.stdout).toContain("5 done · 1 failed · 1 skipped = 7 seen. Nothing is unaccounted for.");
    expect(human.stdout).toContain("4 runs so far");
    expect(jsonLines(json.stdout)).toMatchObject([
      {
        batch: 1,
        name: "pictures",
        folder: rig.pictures,
        revision: 1,
        paused: false,
        runs: 4,
        ledger: { seen: 7 },
      },
    ]);
  });
  test("a reader that goes away early (| head) is no error", async () => {
    const running = rig.start(["export"]);
    running.child.stdout.destroy();
    expect(await running.ended).toMatchObject({ code: 0, stderr: "" });
  });
  test("an output that cannot be written is said in one line, with exit code 3", async () => {
    const line = `exec "${process.execPath}" "${join(import.meta.dirname, "../../electron/cli/cli.ts")}" export --data "${rig.data}" > /dev/full`;
    const ended = await start([], { env: rig.env, cwd: rig.place, through: ["sh", "-c", line] }).ended;
    expect(ended.stderr).toMatch(/^nightrun: The output cannot be written \(ENOSPC\)\. .*\n$/);
    expect(ended.code).toBe(3);
  });
});

describe.concurrent("looking at a deployment", () => {
  test("workflow prints tasks, outputs and parameters in the words that run takes", async () => {
    const { stdout, code } = await rig.run(["workflow"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ {2}--output infer_blob_detection:1 {2}OBJECT_DETECTION$/m);
    expect(stdout).toMatch(/^ {2}--param image_facts\.decode=/m);
  });
  test("workflow reads an exported workflow file too", async () => {
    const { stdout: json } = await rig.run(["workflow", "--json"]);
    expect(JSON.parse(json)).toMatchObject({ name: A_STRING });
    const headers = { authorization: `Bearer ${(await callerOf(rig.simulator)).jwt}` };
    const text = await (await fetch(`${rig.simulator.url}/workflow`, { headers })).text();
    await writeFile(join(rig.place, "exported.json"), text);
    const { stdout, code } = await rig.run(["workflow", "exported.json", "--json"]);
    expect([code, JSON.parse(stdout)]).toEqual([0, JSON.parse(json)]);
  });
  test("doctor finds everything well", async () => {
    const { stdout, code } = await rig.run(["doctor"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ok {4}data file: .*1 batch/m);
    expect(stdout).toMatch(/^ok {4}deployment: .*answers/m);
    expect(stdout).not.toContain("FAIL");
  });
  test.each<[string, NodeJS.ProcessEnv, number, string]>([
    ["no token", { IKOMIA_TOKEN: undefined }, 3, "token"],
    ["a wrong token", { IKOMIA_TOKEN: "wrong" }, 3, "deployment"],
    ["a bad URL", { NIGHTRUN_DEPLOYMENT: "somewhere" }, 2, "deployment"],
  ])("doctor says what is wrong with %s, and ends as run would", async (_what, change, code, check) => {
    const ended = await rig.run(["doctor", "--json"], { env: { ...rig.env, ...change } });
    expect(ended.code).toBe(code);
    expect(jsonLines(ended.stdout).find(({ ok }) => ok === false)).toMatchObject({ check, text: A_STRING });
  });
  test("doctor looks at a data file that is broken", async () => {
    await writeFile(join(rig.place, "broken.db"), "This is no data file.");
    const ended = await rig.run(["doctor", "--data", join(rig.place, "broken.db")]);
    expect(ended.stdout).toMatch(/^FAIL {2}data file: .*not a SQLite/m);
    expect(ended.code).toBe(4);
  });
});

describe.concurrent("the built-in simulator", () => {
  test("simulate starts it in the foreground, takes its flags, and ends on Ctrl-C with 0", async () => {
    const running = start(["simulate", "--faults", "run-520=0", "--latency", "0", "--token", "another"], {
      env: rig.env,
      cwd: rig.place,
    });
    await running.said("\n");
    const told = JSON.parse(running.stdout()) as { url: string; tokenService: string; token: string };
    const env = {
      ...rig.env,
      IKOMIA_URL: told.tokenService,
      IKOMIA_TOKEN: told.token,
      NIGHTRUN_DEPLOYMENT: told.url,
    };
    const ended = await rig.run(["run", "--data", join(rig.place, "faulty.db"), "--include", "a.jpg"], {
      env,
    });
    expect([told.token, ended.code]).toEqual(["another", 0]);
    running.child.kill("SIGINT");
    expect((await running.ended).code).toBe(0);
  });
  test("--deployment simulator starts it, ends it, and needs no token", async () => {
    const env = { ...rig.env, IKOMIA_TOKEN: undefined, NIGHTRUN_DEPLOYMENT: undefined };
    const data = join(rig.place, "own.db");
    const ended = await rig.run(
      ["run", "--deployment", "simulator", "--data", data, "--include", "a.jpg", "--results", "own"],
      { env },
    );
    expect(ended.stderr).toContain("1 done = 1 seen");
    expect(ended.code).toBe(0);
  });
});
