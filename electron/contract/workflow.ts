/** A deployed workflow, as `GET /workflow` or an exported workflow file tells it (API facts, sections 3.3 and 6). */
export interface Workflow {
  name: string;
  /** In the file's order; `taskIndex` numbers tasks of equal name in that order. */
  tasks: readonly WorkflowTask[];
  connections: readonly WorkflowConnection[];
}

export interface WorkflowTask {
  /** The file's own id, only used by connections. */
  id: number;
  name: string;
  taskIndex: number;
  /** Type names without the `IODataType.` prefix; "" when the file does not tell. */
  inputs: readonly string[];
  /** null when the file (older than Core 0.11) does not list outputs. */
  outputs: readonly string[] | null;
  /** Names with the deployed defaults, always strings, sorted by name. */
  parameters: readonly WorkflowParameter[];
}

export interface WorkflowParameter {
  name: string;
  value: string;
}

export interface WorkflowConnection {
  /** -1 = an input of the workflow. */
  sourceId: number;
  sourceIndex: number;
  targetId: number;
  targetIndex: number;
}

/** Tasks from which nothing leads on: their outputs are what the workflow is for. */
export function leafTasks(workflow: Workflow): WorkflowTask[] {
  const sources = new Set(workflow.connections.map((c) => c.sourceId));
  return workflow.tasks.filter((task) => !sources.has(task.id));
}

/**
 * The types of the workflow's inputs, in the order of the root connections (API facts, 3.3 and 5.4).
 * Several connections from one source index are one input.
 */
export function workflowInputs(workflow: Workflow): string[] {
  const types = new Map<number, string>();
  for (const c of workflow.connections) {
    if (c.sourceId !== -1 || types.has(c.sourceIndex)) continue;
    const target = workflow.tasks.find((task) => task.id === c.targetId);
    types.set(c.sourceIndex, target?.inputs[c.targetIndex] ?? "");
  }
  return [...types].sort(([a], [b]) => a - b).map(([, type]) => type);
}

export function findTask(workflow: Workflow, name: string, taskIndex: number): WorkflowTask | undefined {
  return workflow.tasks.find((task) => task.name === name && task.taskIndex === taskIndex);
}
