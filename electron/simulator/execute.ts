import { canonicalJson } from "../contract/batch.ts";
import type { Outcome } from "./run-book.ts";
import type { RunRequest } from "./run-request.ts";
import { readParameters, type ParameterValues } from "./tasks/parameters.ts";
import { RunError } from "./tasks/run-error.ts";
import { openScene, type Scene } from "./tasks/scene.ts";
import type { WireOutput } from "./tasks/task.ts";
import { leafNodes, WORKFLOW, type WorkflowNode } from "./workflow.ts";

interface WantedOutput {
  node: WorkflowNode;
  index: number;
}

function nodeFor(name: string, taskIndex: number): WorkflowNode {
  const node = WORKFLOW.find(
    (candidate) => candidate.task.name === name && candidate.taskIndex === taskIndex,
  );
  if (!node) throw new RunError(`Workflow has no task ${name} with index ${taskIndex}`);
  return node;
}

function allOutputs(node: WorkflowNode): WantedOutput[] {
  return node.task.outputs.map((_type, index) => ({ node, index }));
}

/** In the order asked for; a task without `output_index` expands in place (API facts, section 3.1). */
function wantedOutputs(request: RunRequest): WantedOutput[] {
  if (request.outputs.length === 0) return leafNodes().flatMap(allOutputs);
  return request.outputs.flatMap(({ task_name, task_index, output_index }) => {
    const node = nodeFor(task_name, task_index);
    if (output_index === undefined || output_index === null) return allOutputs(node);
    if (output_index >= node.task.outputs.length) {
      throw new RunError(`Task ${task_name} has no output with index ${output_index}`);
    }
    return [{ node, index: output_index }];
  });
}

function givenParameters(request: RunRequest, node: WorkflowNode): Record<string, string> {
  const own = request.parameters.filter(
    (entry) => entry.task_name === node.task.name && entry.task_index === node.taskIndex,
  );
  return Object.fromEntries(
    [node.deployed, ...own.map((entry) => entry.parameters)].flatMap(Object.entries<string>),
  );
}

/** Reads every task's parameters first: a bad value fails the run whichever outputs were asked for. */
function readAllParameters(request: RunRequest): Map<WorkflowNode, ParameterValues> {
  for (const entry of request.parameters) nodeFor(entry.task_name, entry.task_index);
  return new Map(
    WORKFLOW.map((node) => [node, readParameters(node.task.parameters, givenParameters(request, node))]),
  );
}

/** What each node sees: the sent picture, as the nodes before it changed it. */
function createScenes(
  root: Scene,
  values: Map<WorkflowNode, ParameterValues>,
): (node: WorkflowNode) => Scene {
  const behind = new Map<number, Scene>([[-1, root]]);
  function sceneBehind(id: number): Scene {
    const known = behind.get(id);
    if (known) return known;
    const node = WORKFLOW[id];
    const own = node && values.get(node);
    if (!own) throw new Error(`Internal error: no workflow node ${id}`);
    const before = sceneBehind(node.sourceId);
    const scene = node.task.transform?.(before, own) ?? before;
    behind.set(id, scene);
    return scene;
  }
  return (node) => sceneBehind(node.sourceId);
}

async function computeOutputs(request: RunRequest): Promise<WireOutput[]> {
  if (request.inputTypes.length !== 1 || request.inputTypes[0] !== "image" || !request.image) {
    throw new RunError(`Workflow takes one image, given: ${request.inputTypes.join(", ") || "nothing"}`);
  }
  const wanted = wantedOutputs(request);
  const values = readAllParameters(request);
  const sceneOf = createScenes(openScene(request.image, request.sha256 ?? ""), values);
  const results: WireOutput[] = [];
  for (const { node, index } of wanted) {
    const own = values.get(node);
    if (!own) throw new Error(`Internal error: no parameters for ${node.task.name}`);
    results.push(await node.task.output(index, sceneOf(node), own));
  }
  return results;
}

/** Runs the workflow over one request. Keys of the results are alphabetical, as Ikomia writes them. */
export async function execute(request: RunRequest): Promise<Outcome> {
  try {
    return { ok: true, resultsJson: canonicalJson(await computeOutputs(request)) };
  } catch (error) {
    if (error instanceof RunError) return { ok: false, status: 520, message: error.message };
    throw error;
  }
}
