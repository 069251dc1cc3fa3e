import { readFile } from "node:fs/promises";
import type { Failure } from "../contract/failure.ts";
import { fail, type Result } from "../contract/result.ts";
import { leafTasks, workflowInputs, type Workflow } from "../contract/workflow.ts";
import { systemClock } from "../engine/clock.ts";
import { parseWorkflow } from "../engine/deployment/workflow.ts";
import { createDeployments } from "../engine/deployments.ts";
import { shown, type Console } from "./console.ts";
import { EXIT, type ExitCode } from "./exit-code.ts";
import { refuse } from "./listing.ts";
import { createFinder, fileProblem, parseDeployment } from "./open.ts";
import { version } from "./version.ts";

export interface WorkflowFlags {
  deployment?: string;
  json?: boolean;
}

async function fromFile(file: string): Promise<Result<Workflow>> {
  try {
    const parsed = parseWorkflow(await readFile(file, "utf8"));
    if (parsed.ok || parsed.failure.reason !== "workflow-unavailable") return parsed;
    const problem = parsed.failure.detail.replace(/^what it gives /, "it ");
    return fail({ reason: "bad-file", file, problem });
  } catch (error) {
    return fail({ reason: "bad-file", file, problem: fileProblem(error) });
  }
}

async function fromDeployment(named: string, env: NodeJS.ProcessEnv): Promise<Result<Workflow>> {
  const address = parseDeployment(named);
  if (!address.ok) return address;
  const finder = createFinder({ env, simulatorState: null, simulatorArgs: [] });
  const deployments = createDeployments({
    resolve: (a) => finder.resolve(a),
    env,
    clock: systemClock,
    userAgent: `nightrun/${version}`,
  });
  try {
    const connected = await deployments.connect(address.value);
    if (!connected.ok) return connected;
    const told = await connected.value.workflow();
    return told.ok ? { ok: true, value: told.value.workflow } : told;
  } finally {
    await deployments.close();
    await finder.stop();
  }
}

/** `nightrun workflow`: tasks, parameters with their defaults, and outputs, as `run` wants them named. */
export async function workflowCommand(
  file: string | undefined,
  flags: WorkflowFlags,
  console: Console,
  env: NodeJS.ProcessEnv,
): Promise<ExitCode> {
  const named = flags.deployment ?? env.NIGHTRUN_DEPLOYMENT;
  if (file === undefined && (named === undefined || named === "")) {
    const next = "Add --deployment <url>, or the path of an exported workflow file.";
    return refuse(console, {
      reason: "usage",
      message: "No deployment and no workflow file is given.",
      next,
    });
  }
  const told: Result<Workflow, Failure> =
    file === undefined ? await fromDeployment(named ?? "", env) : await fromFile(file);
  if (!told.ok) return refuse(console, told.failure);
  if (flags.json === true) console.data(JSON.stringify(told.value));
  else print(told.value, console);
  return EXIT.done;
}

function print(workflow: Workflow, console: Console): void {
  console.data(
    `${shown(workflow.name)}: ${workflow.tasks.length} tasks, inputs: ${workflowInputs(workflow).join(", ") || "none"}`,
  );
  const leaves = new Set(leafTasks(workflow));
  for (const task of workflow.tasks) {
    const again = workflow.tasks.some((other) => other !== task && other.name === task.name);
    const name = again ? `${task.name}#${task.taskIndex}` : task.name;
    console.data("");
    console.data(`${shown(name)}${leaves.has(task) ? "  (last: asked for by default)" : ""}`);
    (task.outputs ?? []).forEach((type, i) =>
      console.data(`  --output ${shown(name)}:${i}  ${type || "unknown type"}`),
    );
    for (const { name: parameter, value } of task.parameters)
      console.data(`  --param ${shown(name)}.${shown(parameter)}=${shown(value)}`);
  }
}
