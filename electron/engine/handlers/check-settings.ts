import { parse } from "node:path";
import type { SettingsProblem } from "../../contract/api.ts";
import { SIMULATOR, type BatchSettings } from "../../contract/batch.ts";
import type { Failure } from "../../contract/failure.ts";
import type { Workflow } from "../../contract/workflow.ts";
import { parseDeploymentUrl } from "../deployment/url.ts";
import { checkDecision, checkInputs, resolveOutputs } from "../deployment/workflow.ts";
import { checkFolder, checkResultsFolder } from "../setup.ts";

function missing(message: string, next: string): Failure {
  return { reason: "usage", message, next };
}

/**
 * All problems of settings that can be told without asking the deployment, at most one for each field, which is named
 * by its path (`decision.parameters.0`). Nothing is made on the disk.
 */
export async function checkSettings(
  settings: BatchSettings,
  workflow: Workflow | null,
): Promise<SettingsProblem[]> {
  const problems: (SettingsProblem | null)[] = [
    settings.name.trim() === ""
      ? { field: "name", failure: missing("The batch has no name.", "Give it one.") }
      : null,
    ...(await checkFolders(settings)),
    checkDeployment(settings.decision.deployment),
    ...(workflow === null ? [] : checkNames(settings, workflow)),
  ];
  const fields = new Map<string, SettingsProblem>();
  for (const problem of problems)
    if (problem !== null && !fields.has(problem.field)) fields.set(problem.field, problem);
  return [...fields.values()];
}

async function checkFolders({ intake, results }: BatchSettings): Promise<(SettingsProblem | null)[]> {
  const at = (field: string, failure: Failure | null): SettingsProblem | null =>
    failure === null ? null : { field, failure };
  if (intake.folder === "") {
    return [at("intake.folder", missing("No folder is chosen.", "Choose the folder with the images."))];
  }
  const folder = isAbsolutePath(intake.folder)
    ? await checkFolder(intake.folder)
    : missing(`${intake.folder} is not a full path.`, "Give the whole path of the folder.");
  const place =
    results.resultsFolder === ""
      ? missing("No results folder is chosen.", "Choose a folder for the results.")
      : await checkResultsFolder(results.resultsFolder, intake.folder, false);
  return [at("intake.folder", folder), at("results.resultsFolder", place)];
}

function isAbsolutePath(folder: string): boolean {
  return parse(folder).root !== "";
}

function checkDeployment(address: string): SettingsProblem | null {
  if (address === SIMULATOR) return null;
  const parsed = parseDeploymentUrl(address);
  return parsed.ok ? null : { field: "decision.deployment", failure: parsed.failure };
}

function checkNames({ decision }: BatchSettings, workflow: Workflow): SettingsProblem[] {
  const problems: SettingsProblem[] = [];
  const add = (field: string, failures: readonly Failure[]): void => {
    const [failure] = failures.filter(({ reason }) => reason !== "inputs-missing");
    if (failure !== undefined) problems.push({ field, failure });
  };
  const { inputs } = decision;
  decision.outputs.forEach((output, i) =>
    add(`decision.outputs.${i}`, checkDecision(workflow, { outputs: [output], parameters: [], inputs })),
  );
  decision.parameters.forEach((parameter, i) =>
    add(
      `decision.parameters.${i}`,
      checkDecision(workflow, { outputs: [], parameters: [parameter], inputs }),
    ),
  );
  const lacking = checkInputs(workflow, inputs);
  if (lacking !== null) problems.push({ field: "decision.inputs", failure: lacking });
  const outputs = resolveOutputs(workflow, decision.outputs);
  if (!outputs.ok && decision.outputs.length === 0)
    problems.push({ field: "decision.outputs", failure: outputs.failure });
  return problems;
}
