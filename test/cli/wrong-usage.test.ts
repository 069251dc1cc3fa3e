import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bareEnv, expectOneLine, openRig, start, type Rig } from "./rig.ts";

let rig: Rig;
beforeAll(async () => {
  rig = await openRig();
  await rig.draw("one.jpg");
  await mkdir(join(rig.place, "empty"));
  await mkdir(join(rig.place, "texts"));
  await writeFile(join(rig.place, "file.txt"), "text");
  await writeFile(join(rig.place, "broken.json"), "{");
});
afterAll(async () => {
  // None of all this sent a single picture.
  expect(rig.simulator.control.stats().requests.put).toBe(0);
  await rig.stop();
});

describe.concurrent("wrong usage ends with exit code 2 and one line that says what to do", () => {
  test.each<[string, string, (string | RegExp)[]]>([
    ["an unknown command", "statsu", ["statsu", "status", "--help"]],
    [
      "an unknown flag",
      "run pictures --concurency 3",
      ["--concurency", "--concurrency", "nightrun run --help"],
    ],
    ["a flag without its value", "run pictures --data x.db --deployment", ["--deployment", "missing"]],
    ["too many arguments", "run pictures and more", ["too many arguments"].map((w) => new RegExp(w, "i"))],
    ["no folder", "run", ["No folder is given"]],
    ["a folder that is not there", "run nowhere", [/no folder .*nowhere/, "Check the path"]],
    ["a file instead of a folder", "run file.txt", ["file.txt is not a folder", "Name the folder"]],
    ["a bad URL", "run pictures --deployment somewhere", ["somewhere", "https://", "Copy the endpoint URL"]],
    ["http to another host", "run pictures --deployment http://example.com", ["not encrypted", "https"]],
    [
      "an unknown task",
      "run pictures --output infer_blob_detecton",
      ['"infer_blob_detection"', "nightrun workflow"],
    ],
    ["a task index out of range", "run pictures --output infer_blob_detection#3", ["no #3", "#0"]],
    ["an output out of range", "run pictures --output infer_blob_detection:9", ["no output 9", "0 to 1"]],
    ["an unknown parameter", "run pictures --param image_facts.decod=1", ['"decode"', "nightrun workflow"]],
    [
      "more inputs than the workflow takes",
      'run pictures --input {"DATA_DICT":{}}',
      ["1 input", "Leave out"],
    ],
    ["a batch file that is no JSON", "run pictures --batch broken.json", ["broken.json", "not JSON"]],
    ["results around the images", "run pictures --results .", ["the images lie in it", "--results"]],
    ["results in the image folder itself", "run pictures --results pictures", ["image folder", "--results"]],
    ["a file in the results folder's place", "run pictures --results file.txt", ["a file is in its place"]],
    ["a drive's root without --results", "run /", ["--results"]],
    ["a batch that is not known", "status nowhere --data here.db", ["nowhere", "nightrun status"]],
    ["no data file", "images --data nowhere.db", ["no data file", "nightrun run"]],
    ["an unknown state", "images --state broken --data here.db", ["--state broken", "failed"]],
    ["an unknown reason", "images --reason truncatd --data here.db", ["truncated"]],
    ["a state that cannot be retried", "retry --state done --data here.db", ["failed, uncertain"]],
    ["a reason that cannot be retried", "retry --reason truncatd --data here.db", ["truncated"]],
    ["an unknown format", "export --format xml --data here.db", ["--format xml", "jsonl or csv"]],
    ["a workflow file that is none", "workflow broken.json", ["broken.json", "not JSON"]],
    [
      "a wrong flag of the simulator",
      "simulate --faults put-700=0.1",
      ["put-700", "nightrun simulate --help"],
    ],
  ])("%s", async (_what, line, words) => {
    const args = line.split(" ");
    if (args.includes("here.db")) await made;
    const ended = await start(args.includes("--data") ? args : [...args, ...dataFlag(args)], {
      env: rig.env,
      cwd: rig.place,
    }).ended;
    expectOneLine(ended, 2, ...words);
  });

  test.each([["empty"], ["texts"]])("a folder without images (%s)", async (folder) => {
    if (folder === "texts") await writeFile(join(rig.place, folder, "notes.txt"), "notes");
    const data = join(rig.place, `${folder}.db`);
    const ended = await rig.run(["run", join(rig.place, folder), "--data", data]);
    expect(ended.stderr).toMatch(/There is no image in .*JPEG, PNG, TIFF, WebP and BMP/);
    expect([ended.code, ended.stdout]).toEqual([2, ""]);
  });

  test("no deployment", async () => {
    const ended = await start(["run", rig.pictures], { env: bareEnv(rig.place), cwd: rig.place }).ended;
    expectOneLine(ended, 2, "No deployment", "NIGHTRUN_DEPLOYMENT", "simulator");
  });

  test("a token service that is no URL is named by its variable", async () => {
    const env = { ...rig.env, IKOMIA_URL: "somewhere" };
    const ended = await rig.run(["run", "--data", join(rig.place, "u.db")], { env });
    expectOneLine(ended, 2, "IKOMIA_URL", "somewhere");
  });
});

let madeOnce: Promise<unknown> | null = null;
/** A data file with nothing in it. */
const made = {
  then: (resolve: () => void) =>
    (madeOnce ??= rig.run(["run", join(rig.place, "empty"), "--data", "here.db"])).then(resolve),
};

function dataFlag([command = ""]: string[]): string[] {
  return ["simulate", "workflow", "statsu"].includes(command)
    ? []
    : ["--data", join(rig.place, `${Math.random()}.db`)];
}

describe.concurrent("help", () => {
  const all = ["run", "status", "images", "runs", "export", "retry", "pause", "resume", "workflow", "doctor"];
  test.each(["run", "export", "doctor", "simulate"])(
    "nightrun %s --help shows its flags and examples",
    async (name) => {
      const ended = await start([name, "--help"], { env: rig.env, cwd: rig.place }).ended;
      expect([ended.code, ended.stderr]).toEqual([0, ""]);
      expect(ended.stdout).toContain(`Usage: nightrun ${name}`);
      expect(ended.stdout).toMatch(new RegExp(`Examples:\\n  nightrun ${name}`));
    },
  );
  test("nightrun --help lists every command", async () => {
    const ended = await start(["--help"], { env: rig.env, cwd: rig.place }).ended;
    expect(ended.code).toBe(0);
    for (const name of [...all, "simulate"]) expect(ended.stdout).toMatch(new RegExp(`^  ${name} `, "m"));
  });
});
