import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { settingsOf, warningsOf, type RunFlags } from "../../electron/cli/settings.ts";
import { DEFAULT_LIMITS, type BatchSettings } from "../../electron/contract/batch.ts";
import type { Failure } from "../../electron/contract/failure.ts";
import { matching } from "../simulator/client.ts";

const FLAGS: RunFlags = { recursive: true, dedupe: true };
const URL = "https://my.deployment.example";

let place: string;
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), "nightrun-settings-"));
});
afterAll(() => rm(place, { recursive: true, force: true }));

async function taken(flags: Partial<RunFlags>, folder = "/scans", env = {}): Promise<BatchSettings> {
  const settings = await settingsOf(folder, { ...FLAGS, deployment: URL, ...flags }, env);
  if (!settings.ok) throw new Error(JSON.stringify(settings.failure));
  return settings.value;
}

async function refused(
  flags: Partial<RunFlags>,
  folder: string | undefined = "/scans",
  env = {},
): Promise<Failure> {
  const settings = await settingsOf(folder, { ...FLAGS, ...flags }, env);
  if (settings.ok) throw new Error("It was not refused.");
  return settings.failure;
}

async function batchFile(content: object): Promise<string> {
  const file = join(place, `batch-${Math.random()}.json`);
  await writeFile(file, JSON.stringify({ nightrunBatch: 1, ...content }));
  return file;
}

test("a folder and a deployment are enough", async () => {
  expect(await taken({})).toEqual({
    name: "scans",
    decision: { deployment: URL, outputs: [], parameters: [], inputs: [] },
    intake: { folder: resolve("/scans"), recursive: true, include: [], exclude: [], dedupe: true },
    results: { resultsFolder: resolve("/scans-results"), keepRaw: false },
    limits: DEFAULT_LIMITS,
  });
});

test("every flag reaches its setting", async () => {
  const settings = await taken({
    output: ["a#1:2", "b"],
    param: ["a.x=1", "b#2.y=z"],
    input: ['{"DATA_DICT":{}}'],
    results: "/elsewhere",
    include: ["*.jpg"],
    exclude: ["old/**"],
    recursive: false,
    dedupe: false,
    keepRaw: true,
    concurrency: "3",
    rate: "30/min",
    maxRuns: "9",
    runTimeout: "20m",
    giveUpAfter: "1h",
    onUncertain: "hold",
    name: "Night",
  });
  expect(settings).toMatchObject({
    name: "Night",
    decision: {
      outputs: [
        { taskName: "a", taskIndex: 1, outputIndex: 2 },
        { taskName: "b", taskIndex: 0, outputIndex: null },
      ],
      parameters: [
        { taskName: "a", taskIndex: 0, name: "x", value: "1" },
        { taskName: "b", taskIndex: 2, name: "y", value: "z" },
      ],
      inputs: [{ DATA_DICT: {} }],
    },
    intake: { recursive: false, include: ["*.jpg"], exclude: ["old/**"], dedupe: false },
    results: { resultsFolder: resolve("/elsewhere"), keepRaw: true },
    limits: {
      concurrency: 3,
      rate: { count: 30, windowMs: 60_000 },
      maxRuns: 9,
      runTimeoutMs: 1_200_000,
      giveUpAfterMs: 3_600_000,
      onUncertain: "hold",
    },
  });
});

describe("a batch file", () => {
  test("gives everything, and flags override it one by one", async () => {
    const file = await batchFile({
      name: "From the file",
      decision: {
        deployment: "https://of.the.file",
        outputs: [{ taskName: "a" }],
        parameters: [],
        inputs: [],
      },
      intake: { folder: "/of/the/file", exclude: ["x/**"], recursive: false },
      results: { resultsFolder: "/results/of/the/file" },
      limits: { concurrency: 7, maxRuns: 70 },
    });
    const whole = await settingsOf(undefined, { ...FLAGS, batch: file }, { NIGHTRUN_DEPLOYMENT: URL });
    expect(whole).toMatchObject({
      ok: true,
      value: {
        name: "From the file",
        decision: { deployment: "https://of.the.file", outputs: [{ taskName: "a", taskIndex: 0 }] },
        intake: { folder: "/of/the/file", exclude: ["x/**"], recursive: false },
        results: { resultsFolder: "/results/of/the/file" },
        limits: { ...DEFAULT_LIMITS, concurrency: 7, maxRuns: 70 },
      },
    });
    const changed = await taken({ batch: file, concurrency: "2", output: ["b"], exclude: ["y/**"] });
    expect(changed).toMatchObject({
      name: "From the file",
      decision: { deployment: URL, outputs: [{ taskName: "b" }] },
      intake: { folder: "/scans", exclude: ["y/**"], recursive: false },
      limits: { concurrency: 2, maxRuns: 70 },
    });
  });
  test.each([
    ["a word that is not known", { nightrunBatch: 1, concurency: 3 }],
    ["a version that is not known", { nightrunBatch: 2 }],
    ["a value of the wrong kind", { nightrunBatch: 1, limits: { concurrency: "many" } }],
    ["something else altogether", [1, 2]],
  ])("with %s is refused by its name", async (_what, content) => {
    const file = join(place, "bad.json");
    await writeFile(file, JSON.stringify(content));
    expect(await refused({ batch: file, deployment: URL })).toMatchObject({ reason: "bad-file", file });
  });
  test("that is not there, is no JSON or is a folder is refused with the reason", async () => {
    const notJson = join(place, "not.json");
    await writeFile(notJson, "{");
    const problems = [join(place, "none.json"), notJson, place].map((batch) => refused({ batch }));
    expect((await Promise.all(problems)).map((failure) => "problem" in failure && failure.problem)).toEqual([
      "there is no such file.",
      "it is not JSON.",
      "it is a folder.",
    ]);
  });
});

test("the environment names the deployment when nothing else does", async () => {
  const env = { NIGHTRUN_DEPLOYMENT: "https://of.the.environment/" };
  const settings = await settingsOf("/scans", FLAGS, env);
  expect(settings).toMatchObject({
    ok: true,
    value: { decision: { deployment: "https://of.the.environment" } },
  });
  expect((await taken({}, "/scans", env)).decision.deployment).toBe(URL);
});

test("the word simulator stands for the built-in deployment", async () => {
  expect((await taken({ deployment: "simulator" })).decision.deployment).toBe("simulator");
});

test("a drive's root needs a results folder", async () => {
  expect(await refused({ deployment: URL }, "/")).toMatchObject({
    reason: "usage",
    next: matching(/--results/),
  });
  expect((await taken({ results: "/results" }, "/")).results.resultsFolder).toBe(resolve("/results"));
});

test.each<[Partial<RunFlags>, Failure["reason"]]>([
  [{ deployment: "" }, "usage"],
  [{ deployment: "somewhere" }, "invalid-url"],
  [{ deployment: "ftp://somewhere" }, "invalid-url"],
  [{ deployment: "http://example.com" }, "insecure-url"],
  [{ deployment: URL, output: ["a:b"] }, "usage"],
  [{ deployment: URL, param: ["a"] }, "usage"],
  [{ deployment: URL, input: ["{"] }, "usage"],
  [{ deployment: URL, concurrency: "0" }, "usage"],
  [{ deployment: URL, rate: "fast" }, "usage"],
  [{ deployment: URL, maxRuns: "-1" }, "usage"],
  [{ deployment: URL, runTimeout: "0s" }, "usage"],
  [{ deployment: URL, runTimeout: "31d" }, "usage"],
  [{ deployment: URL, giveUpAfter: "soon" }, "usage"],
  [{ deployment: URL, onUncertain: "guess" }, "usage"],
])("%j is refused as %s", async (flags, reason) => {
  expect((await refused(flags)).reason).toBe(reason);
});

test("no folder at all is wrong usage", async () => {
  const settings = await settingsOf(undefined, { ...FLAGS, deployment: URL }, {});
  expect(settings).toMatchObject({ ok: false, failure: { reason: "usage" } });
});

test("only more runs at once than the official client allows itself are worth a warning", async () => {
  expect(warningsOf(await taken({ concurrency: "10" }))).toEqual([]);
  expect(warningsOf(await taken({ concurrency: "11" }))).toHaveLength(1);
});
