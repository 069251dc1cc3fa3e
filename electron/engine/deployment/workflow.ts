import { createHash } from "node:crypto";
import { closest, distance } from "fastest-levenshtein";
import {
  canonicalJson,
  type FixedInput,
  type OutputRequest,
  type ResultDecision,
} from "../../contract/batch.ts";
import type { DeploymentFailure, Failure, SetupFailure } from "../../contract/failure.ts";
import { fail, succeed, type Result } from "../../contract/result.ts";
import { workflowFileSchema, type WorkflowFile } from "../../contract/schema/workflow.ts";
import {
  findTask,
  leafTasks,
  workflowInputs,
  type Workflow,
  type WorkflowParameter,
  type WorkflowTask,
} from "../../contract/workflow.ts";

type FileTask = WorkflowFile["tasks"][number];
interface TaskName {
  taskName: string;
  taskIndex: number;
}

/** Reads an exported workflow file or the answer of `GET /workflow`, old forms included (API facts, section 6). */
export function parseWorkflow(text: string): Result<Workflow, SetupFailure | DeploymentFailure> {
  const body = parseJson(text);
  if (body === undefined) return unavailable("what it gives is not JSON.");
  const file = workflowFileSchema.safeParse(body);
  if (!file.success) {
    const place = file.error.issues[0]?.path.join(".") ?? "";
    return unavailable(`what it gives is not a workflow file${place === "" ? "" : ` (see ${place})`}.`);
  }
  const connections = (file.data.connections ?? []).map((c) => ({
    sourceId: c.source_id,
    sourceIndex: c.source_index,
    targetId: c.target_id,
    targetIndex: c.target_index,
  }));
  return succeed({ name: file.data.metadata?.name ?? "", tasks: readTasks(file.data.tasks), connections });
}

/**
 * SHA-256 (hex) over task names, connections and parameters with their defaults, whatever order the server wrote
 * them in: equal hashes mean that a run does the same.
 */
export function workflowHash(workflow: Workflow): string {
  const names = new Map(workflow.tasks.map((task) => [task.id, [task.name, task.taskIndex]]));
  const place = (id: number): unknown => names.get(id) ?? id;
  const canonical = {
    tasks: sortedJson(
      workflow.tasks.map((t) => [
        t.name,
        t.taskIndex,
        sortedJson(t.parameters.map((p) => [p.name, p.value])),
      ]),
    ),
    connections: sortedJson(
      workflow.connections.map((c) => [place(c.sourceId), c.sourceIndex, place(c.targetId), c.targetIndex]),
    ),
  };
  return createHash("sha256").update(canonicalJson(canonical)).digest("hex");
}

/**
 * Every problem of a decision with this workflow, each once: unknown tasks, indices out of range, unknown
 * parameters (which Ikomia would ignore without a word: API facts, section 6.1), missing inputs. Empty = it fits.
 */
export function checkDecision(
  workflow: Workflow,
  decision: Pick<ResultDecision, "outputs" | "parameters" | "inputs">,
): Failure[] {
  const problems: (SetupFailure | null)[] = [
    ...decision.outputs.map((output) => checkOutput(workflow, output)),
    ...decision.parameters.map((parameter) => checkParameter(workflow, parameter)),
    checkInputs(workflow, decision.inputs),
  ];
  const distinct = new Map<string, SetupFailure>();
  for (const problem of problems) if (problem !== null) distinct.set(canonicalJson(problem), problem);
  return [...distinct.values()];
}

/**
 * The outputs to ask for, one by one where the workflow lists them: those requested, or, when none is, all of the
 * leaf tasks but the echoed picture (output 0 of type IMAGE of a task that has others too: API facts, section 7).
 */
export function resolveOutputs(
  workflow: Workflow,
  requested: readonly OutputRequest[],
): Result<OutputRequest[], SetupFailure> {
  if (requested.length > 0) {
    for (const output of requested) {
      const problem = checkOutput(workflow, output);
      if (problem !== null) return fail(problem);
    }
    return succeed(requested.flatMap((output) => expanded(workflow, output)));
  }
  const outputs = leafTasks(workflow).flatMap(usefulOutputs);
  if (outputs.length > 0) return succeed(outputs);
  const detail =
    workflow.tasks.length === 0
      ? "the workflow has no tasks."
      : "no task at the workflow's end has an output.";
  return fail({ reason: "no-outputs", detail });
}

/**
 * Whether the image and the fixed inputs fill the workflow's inputs, no fewer and no more: each run would fail, and be
 * paid for. Inputs that nothing connects do not count; a workflow that tells of none is not judged.
 */
export function checkInputs(workflow: Workflow, fixedInputs: readonly FixedInput[]): SetupFailure | null {
  const needed = workflowInputs(workflow).map((type) => (type === "" ? "input" : type));
  const given = 1 + fixedInputs.length;
  if (needed.length > given) return { reason: "inputs-missing", needed, given };
  if (needed.length === 0 || needed.length === given) return null;
  return {
    reason: "usage",
    message: `The workflow takes ${needed.length === 1 ? "1 input" : `${needed.length} inputs`} (${needed.join(", ")}), and ${given} are given: the image and ${given - 1} with --input.`,
    next: "Leave out what is too many; see `nightrun workflow`.",
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // not JSON: the caller says so
  }
}

function unavailable(detail: string): { ok: false; failure: SetupFailure } {
  return fail({ reason: "workflow-unavailable", detail });
}

function readTasks(tasks: readonly FileTask[]): WorkflowTask[] {
  const seen = new Map<string, number>();
  return tasks.map(({ task_id, task_data }, position) => {
    const taskIndex = seen.get(task_data.name) ?? 0;
    seen.set(task_data.name, taskIndex + 1);
    return {
      id: task_id ?? position,
      name: task_data.name,
      taskIndex,
      inputs: (task_data.inputs ?? []).map(typeName),
      outputs: task_data.outputs?.map(typeName) ?? null,
      parameters: readParameters(task_data.parameters ?? []),
    };
  });
}

function typeName(port: { name: string }): string {
  return port.name.replace(/^IODataType\./, "");
}

/** Sorted by name, because the server's order is random; of a name that comes twice the last counts, as in Core. */
function readParameters(parameters: NonNullable<FileTask["task_data"]["parameters"]>): WorkflowParameter[] {
  const values = new Map(parameters.map(({ name, value }) => [name, asPythonText(value)]));
  return [...values]
    .map(([name, value]) => ({ name, value }))
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

function asPythonText(value: string | number | boolean | null): string {
  if (typeof value === "boolean") return value ? "True" : "False";
  return value === null ? "" : String(value);
}

function sortedJson(items: readonly unknown[]): string[] {
  return items.map(canonicalJson).sort();
}

function checkTask(workflow: Workflow, { taskName: name, taskIndex }: TaskName): SetupFailure | null {
  const count = workflow.tasks.filter((task) => task.name === name).length;
  if (count === 0) {
    const known = [...new Set(workflow.tasks.map((task) => task.name))];
    return { reason: "unknown-task", name, nearest: nearestName(name, known), known };
  }
  return taskIndex < count ? null : { reason: "task-index-out-of-range", name, index: taskIndex, count };
}

function checkOutput(workflow: Workflow, output: OutputRequest): SetupFailure | null {
  const problem = checkTask(workflow, output);
  if (problem !== null) return problem;
  const outputs = findTask(workflow, output.taskName, output.taskIndex)?.outputs ?? null;
  if (outputs === null) return null;
  const index = output.outputIndex ?? 0;
  if (index < outputs.length) return null;
  return { reason: "output-out-of-range", task: output.taskName, index, count: outputs.length };
}

function checkParameter(workflow: Workflow, parameter: TaskName & { name: string }): SetupFailure | null {
  const problem = checkTask(workflow, parameter);
  if (problem !== null) return problem;
  const task = findTask(workflow, parameter.taskName, parameter.taskIndex);
  const known = task?.parameters.map((p) => p.name) ?? [];
  if (known.includes(parameter.name)) return null;
  const nearest = nearestName(parameter.name, known);
  return { reason: "unknown-parameter", task: parameter.taskName, name: parameter.name, nearest };
}

/** A name that was probably meant: at most a third of its letters differ. */
function nearestName(name: string, known: readonly string[]): string | null {
  if (known.length === 0) return null;
  const byLowerCase = new Map(known.map((candidate) => [candidate.toLowerCase(), candidate]));
  const best = closest(name.toLowerCase(), [...byLowerCase.keys()]);
  const allowed = Math.max(2, Math.floor(name.length / 3));
  return distance(name.toLowerCase(), best) <= allowed ? (byLowerCase.get(best) ?? null) : null;
}

function expanded(workflow: Workflow, output: OutputRequest): OutputRequest[] {
  const outputs = findTask(workflow, output.taskName, output.taskIndex)?.outputs ?? null;
  if (output.outputIndex !== null || outputs === null) return [output];
  return outputs.map((_type, outputIndex) => ({ ...output, outputIndex }));
}

function usefulOutputs(task: WorkflowTask): OutputRequest[] {
  const name = { taskName: task.name, taskIndex: task.taskIndex };
  if (task.outputs === null) return [{ ...name, outputIndex: null }];
  const all = task.outputs.map((type, outputIndex) => ({ type, outputIndex }));
  const useful = all.filter((o) => !(o.outputIndex === 0 && o.type === "IMAGE" && all.length > 1));
  return useful.map(({ outputIndex }) => ({ ...name, outputIndex }));
}
