import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ParameterSetting } from "../../electron/contract/batch.ts";
import type { Workflow } from "../../electron/contract/workflow.ts";
import {
  checkDecision,
  checkInputs,
  parseWorkflow,
  resolveOutputs,
  workflowHash,
} from "../../electron/engine/deployment/workflow.ts";

interface Task {
  name: string;
  inputs?: string[];
  outputs?: string[];
  parameters?: Record<string, unknown>;
}

/** A file as Core writes it; connections are [source, source index, target, target index]. */
function fileOf(tasks: Task[], connections: number[][]): string {
  const ports = (types: string[]): { name: string }[] =>
    types.map((type) => ({ name: type === "" ? "" : `IODataType.${type}` }));
  return JSON.stringify({
    api: { version: "0.16.1" },
    metadata: { name: "Night shift", description: "" },
    tasks: tasks.map(({ name, inputs, outputs, parameters }, task_id) => ({
      task_id,
      task_data: {
        name,
        language: 1,
        url: "file:///home/author/x",
        parameters: Object.entries(parameters ?? {}).map(([key, value]) => ({ name: key, value })),
        ...(inputs === undefined ? {} : { inputs: ports(inputs) }),
        ...(outputs === undefined ? {} : { outputs: ports(outputs) }),
      },
    })),
    connections: connections.map(([source_id, source_index, target_id, target_index]) => ({
      source_id,
      source_index,
      target_id,
      target_index,
    })),
  });
}

function read(text: string): Workflow {
  const workflow = parseWorkflow(text);
  if (!workflow.ok) throw new Error(JSON.stringify(workflow.failure));
  return workflow.value;
}

const CLAHE: Task = {
  name: "ocv_clahe",
  inputs: ["IMAGE", "INPUT_GRAPHICS"],
  outputs: ["IMAGE"],
  parameters: { clipLimit: "4.000000" },
};
const YOLO: Task = {
  name: "infer_yolo_v8",
  inputs: ["IMAGE", "INPUT_GRAPHICS"],
  outputs: ["IMAGE", "OBJECT_DETECTION"],
  parameters: { cuda: "True", conf_thres: "0.25" },
};
const CHAIN = fileOf(
  [CLAHE, YOLO],
  [
    [-1, 0, 0, 0],
    [0, 0, 1, 0],
  ],
);

describe("reading a workflow", () => {
  it("takes names, types without their prefix, and parameters in order of their names", () => {
    expect(read(CHAIN)).toEqual({
      name: "Night shift",
      tasks: [
        {
          id: 0,
          name: "ocv_clahe",
          taskIndex: 0,
          inputs: ["IMAGE", "INPUT_GRAPHICS"],
          outputs: ["IMAGE"],
          parameters: [{ name: "clipLimit", value: "4.000000" }],
        },
        {
          id: 1,
          name: "infer_yolo_v8",
          taskIndex: 0,
          inputs: ["IMAGE", "INPUT_GRAPHICS"],
          outputs: ["IMAGE", "OBJECT_DETECTION"],
          parameters: [
            { name: "conf_thres", value: "0.25" },
            { name: "cuda", value: "True" },
          ],
        },
      ],
      connections: [
        { sourceId: -1, sourceIndex: 0, targetId: 0, targetIndex: 0 },
        { sourceId: 0, sourceIndex: 0, targetId: 1, targetIndex: 0 },
      ],
    });
  });

  it("takes old files, which list neither inputs nor outputs", () => {
    const old = fileOf([{ name: "ocv_box_filter" }, { name: "ocv_canny" }], [[-1, 0, 0, 0]]);
    expect(read(old).tasks.map((task) => [task.inputs, task.outputs])).toEqual([
      [[], null],
      [[], null],
    ]);
  });

  it("takes the barest file there can be", () => {
    expect(read('{"tasks":[{"task_data":{"name":"a"}},{"task_data":{"name":"a"}}]}')).toEqual({
      name: "",
      tasks: [0, 1].map((id) => ({
        id,
        name: "a",
        taskIndex: id,
        inputs: [],
        outputs: null,
        parameters: [],
      })),
      connections: [],
    });
  });

  it("numbers tasks of equal name in their order, and keeps the file's own ids", () => {
    const file = JSON.parse(fileOf([YOLO, CLAHE, YOLO, YOLO], [])) as { tasks: { task_id: number }[] };
    file.tasks.forEach((task, i) => (task.task_id = 40 - i));
    expect(read(JSON.stringify(file)).tasks.map((t) => [t.id, t.name, t.taskIndex])).toEqual([
      [40, "infer_yolo_v8", 0],
      [39, "ocv_clahe", 0],
      [38, "infer_yolo_v8", 1],
      [37, "infer_yolo_v8", 2],
    ]);
  });

  it("writes values that are no strings as Python would", () => {
    const odd = fileOf([{ name: "t", parameters: { a: 4, b: true, c: null, d: 0.5 } }], []);
    expect(read(odd).tasks[0]?.parameters.map((p) => p.value)).toEqual(["4", "True", "", "0.5"]);
  });

  it.each([
    "",
    "null",
    "[]",
    "{}",
    "<html>",
    '{"tasks":{}}',
    '{"tasks":[{}]}',
    '{"tasks":[{"task_data":{"name":""}}]}',
    '{"tasks":[],"connections":[{}]}',
  ])("refuses %j", (text) => {
    expect(parseWorkflow(text)).toMatchObject({ ok: false, failure: { reason: "workflow-unavailable" } });
  });

  it("never throws", () => {
    fc.assert(fc.property(fc.oneof(fc.json(), fc.string()), (text) => void parseWorkflow(text)));
  });
});

describe("the hash of a workflow", () => {
  const hash = (text: string): string => workflowHash(read(text));

  it("does not depend on the order in which the server writes parameters and connections", () => {
    const file = JSON.parse(CHAIN) as {
      tasks: { task_data: { parameters: unknown[] } }[];
      connections: unknown[];
    };
    const reference = hash(CHAIN);
    const shuffled = fc.tuple(
      fc.shuffledSubarray(file.tasks[1]!.task_data.parameters, { minLength: 2 }),
      fc.shuffledSubarray(file.connections, { minLength: 2 }),
    );
    fc.assert(
      fc.property(shuffled, ([parameters, connections]) => {
        const copy = structuredClone(file);
        copy.tasks[1]!.task_data.parameters = parameters;
        copy.connections = connections;
        expect(hash(JSON.stringify(copy))).toBe(reference);
      }),
    );
  });

  it("does not depend on the file's ids, on where it was made, or on its name", () => {
    const file = JSON.parse(CHAIN) as {
      metadata: { name: string };
      tasks: { task_id: number; task_data: { url?: string } }[];
      connections: { source_id: number; target_id: number }[];
    };
    file.metadata.name = "other";
    for (const task of file.tasks) {
      task.task_id += 10;
      delete task.task_data.url;
    }
    for (const c of file.connections) {
      if (c.source_id >= 0) c.source_id += 10;
      c.target_id += 10;
    }
    expect(hash(JSON.stringify(file))).toBe(hash(CHAIN));
  });

  it.each<[string, string]>([
    ["a default", CHAIN.replace("0.25", "0.26")],
    ["a parameter", CHAIN.replace("conf_thres", "iou_thres")],
    ["a task", CHAIN.replace("ocv_clahe", "ocv_canny")],
    ["a connection", CHAIN.replace('"source_id":0', '"source_id":-1')],
  ])("tells a change of %s", (_what, changed) => {
    expect(changed).not.toBe(CHAIN);
    expect(hash(changed)).not.toBe(hash(CHAIN));
    expect(hash(CHAIN)).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe("checking what is asked for", () => {
  const workflow = read(CHAIN);
  const parameter = (taskName: string, name: string, taskIndex = 0): ParameterSetting => ({
    taskName,
    taskIndex,
    name,
    value: "1",
  });

  it("finds nothing wrong with a decision that fits", () => {
    const decision = {
      outputs: [
        { taskName: "infer_yolo_v8", taskIndex: 0, outputIndex: 1 },
        { taskName: "ocv_clahe", taskIndex: 0, outputIndex: null },
      ],
      parameters: [parameter("infer_yolo_v8", "conf_thres")],
      inputs: [],
    };
    expect(checkDecision(workflow, decision)).toEqual([]);
  });

  it("names every problem once, with the name that was probably meant", () => {
    const decision = {
      outputs: [
        { taskName: "infer_yolov8", taskIndex: 0, outputIndex: null },
        { taskName: "infer_yolov8", taskIndex: 0, outputIndex: 1 },
        { taskName: "infer_yolo_v8", taskIndex: 2, outputIndex: null },
        { taskName: "infer_yolo_v8", taskIndex: 0, outputIndex: 2 },
      ],
      parameters: [
        parameter("infer_yolo_v8", "Conf_Tres"),
        parameter("ocv_clahe", "something_else"),
        parameter("skimage_threshold", "x"),
      ],
      inputs: [],
    };
    const known = ["ocv_clahe", "infer_yolo_v8"];
    expect(checkDecision(workflow, decision)).toEqual([
      { reason: "unknown-task", name: "infer_yolov8", nearest: "infer_yolo_v8", known },
      { reason: "task-index-out-of-range", name: "infer_yolo_v8", index: 2, count: 1 },
      { reason: "output-out-of-range", task: "infer_yolo_v8", index: 2, count: 2 },
      { reason: "unknown-parameter", task: "infer_yolo_v8", name: "Conf_Tres", nearest: "conf_thres" },
      { reason: "unknown-parameter", task: "ocv_clahe", name: "something_else", nearest: null },
      { reason: "unknown-task", name: "skimage_threshold", nearest: null, known },
    ]);
  });

  it("does not doubt output numbers that the workflow does not list", () => {
    const old = read(fileOf([{ name: "t" }], []));
    const decision = {
      outputs: [{ taskName: "t", taskIndex: 0, outputIndex: 9 }],
      parameters: [],
      inputs: [],
    };
    expect(checkDecision(old, decision)).toEqual([]);
  });

  it("counts the workflow's inputs, but not graphics that nothing connects", () => {
    expect(checkInputs(workflow, [])).toBeNull();
    const two = read(
      fileOf(
        [{ name: "inpaint", inputs: ["IMAGE", "IMAGE_BINARY"], outputs: ["IMAGE"] }],
        [
          [-1, 0, 0, 0],
          [-1, 1, 0, 1],
        ],
      ),
    );
    const missing = { reason: "inputs-missing", needed: ["IMAGE", "IMAGE_BINARY"], given: 1 };
    expect(checkInputs(two, [])).toEqual(missing);
    expect(checkInputs(two, [{ DATA_DICT: {} }])).toBeNull();
    expect(checkDecision(two, { outputs: [], parameters: [], inputs: [] })).toEqual([missing]);
  });

  it("takes one workflow input that leads to two tasks for one", () => {
    const fork = read(
      fileOf(
        [CLAHE, YOLO],
        [
          [-1, 0, 0, 0],
          [-1, 0, 1, 0],
        ],
      ),
    );
    expect(checkInputs(fork, [])).toBeNull();
  });
});

describe("the outputs to ask for", () => {
  const out = (taskName: string, outputIndex: number | null, taskIndex = 0) => ({
    taskName,
    taskIndex,
    outputIndex,
  });

  it("are the leaf tasks' when none is named, without the echoed picture", () => {
    expect(resolveOutputs(read(CHAIN), [])).toEqual({ ok: true, value: [out("infer_yolo_v8", 1)] });
  });

  it("keep a picture that is all a task gives, and pictures that are not the echo", () => {
    const workflow = read(
      fileOf(
        [
          CLAHE,
          { name: "infer_depth", outputs: ["IMAGE", "IMAGE"] },
          { name: "ocv_canny", outputs: ["IMAGE_BINARY", "OBJECT_DETECTION"] },
        ],
        [],
      ),
    );
    expect(resolveOutputs(workflow, [])).toEqual({
      ok: true,
      value: [out("ocv_clahe", 0), out("infer_depth", 1), out("ocv_canny", 0), out("ocv_canny", 1)],
    });
  });

  it("are a whole task where an old file does not list them", () => {
    const old = read(fileOf([{ name: "a" }, { name: "b" }], [[0, 0, 1, 0]]));
    expect(resolveOutputs(old, [])).toEqual({ ok: true, value: [out("b", null)] });
    expect(resolveOutputs(old, [out("a", null)])).toEqual({ ok: true, value: [out("a", null)] });
  });

  it("are what was named, one by one and in that order", () => {
    const named = [out("infer_yolo_v8", null), out("ocv_clahe", 0)];
    expect(resolveOutputs(read(CHAIN), named)).toEqual({
      ok: true,
      value: [out("infer_yolo_v8", 0), out("infer_yolo_v8", 1), out("ocv_clahe", 0)],
    });
  });

  it("are refused when the workflow has none", () => {
    expect(resolveOutputs(read('{"tasks":[]}'), [])).toMatchObject({ failure: { reason: "no-outputs" } });
    const mute = read(fileOf([{ name: "save", outputs: [] }], []));
    expect(resolveOutputs(mute, [])).toMatchObject({ failure: { reason: "no-outputs" } });
    expect(resolveOutputs(mute, [out("save", null)])).toMatchObject({
      failure: { reason: "output-out-of-range" },
    });
    expect(resolveOutputs(mute, [out("sav", null)])).toMatchObject({ failure: { nearest: "save" } });
  });
});
