import {
  DEFAULT_LIMITS,
  SIMULATOR,
  type BatchSettings,
  type OutputRequest,
  type ParameterSetting,
} from "../../electron/contract/batch.ts";
import { leafTasks, type Workflow, type WorkflowTask } from "../../electron/contract/workflow.ts";
import { lastPart } from "./format.ts";
import { words } from "./messages.ts";
import { plural } from "./plural.ts";

export const SECTIONS = ["folder", "deployment", "tasks", "limits", "results"] as const;
export type SectionName = (typeof SECTIONS)[number];

/** A batch before anything is entered. */
export function emptySettings(): BatchSettings {
  return {
    name: "",
    decision: { deployment: SIMULATOR, outputs: [], parameters: [], inputs: [] },
    intake: { folder: "", recursive: true, include: [], exclude: [], dedupe: true },
    results: { resultsFolder: "", keepRaw: false },
    limits: DEFAULT_LIMITS,
  };
}

/** The section in which a field of the settings is edited. */
export function sectionOf(field: string): SectionName {
  if (field.startsWith("intake")) return "folder";
  if (field === "decision.deployment") return "deployment";
  if (field.startsWith("decision")) return "tasks";
  return field.startsWith("limits") ? "limits" : "results";
}

/** Another folder; name and results folder follow as long as they were its defaults. */
export function withFolder(settings: BatchSettings, folder: string): BatchSettings {
  const old = settings.intake.folder;
  const { resultsFolder } = settings.results;
  return {
    ...settings,
    name: settings.name === defaultName(old) ? defaultName(folder) : settings.name,
    intake: { ...settings.intake, folder },
    results: {
      ...settings.results,
      resultsFolder: resultsFolder === defaultResults(old) ? defaultResults(folder) : resultsFolder,
    },
  };
}

function defaultName(folder: string): string {
  return folder === "" ? "" : lastPart(folder);
}

function defaultResults(folder: string): string {
  const trimmed = folder.replace(/[/\\]+$/, "");
  return trimmed === "" || /^[A-Za-z]:$/.test(trimmed) ? "" : `${trimmed}-results`;
}

/** All outputs of the leaf tasks but the echoed picture. */
export function defaultOutputs(workflow: Workflow): OutputRequest[] {
  return leafTasks(workflow).flatMap((task): OutputRequest[] => {
    const { name: taskName, taskIndex, outputs } = task;
    if (outputs === null) return [{ taskName, taskIndex, outputIndex: null }];
    return outputs
      .map((_, outputIndex) => ({ taskName, taskIndex, outputIndex }))
      .filter(({ outputIndex }) => !isEcho(task, outputIndex));
  });
}

/** Output 0 of most tasks is the picture itself, sent back beside the real results. */
export function isEcho({ outputs }: WorkflowTask, outputIndex: number): boolean {
  return outputIndex === 0 && outputs !== null && outputs.length > 1 && outputs[0] === "IMAGE";
}

export function hasOutput(outputs: readonly OutputRequest[], wanted: OutputRequest): boolean {
  return outputs.some(
    (o) =>
      o.taskName === wanted.taskName &&
      o.taskIndex === wanted.taskIndex &&
      o.outputIndex === wanted.outputIndex,
  );
}

/** Adds the output, or takes it away when it was there. */
export function toggleOutput(outputs: readonly OutputRequest[], wanted: OutputRequest): OutputRequest[] {
  if (!hasOutput(outputs, wanted)) return [...outputs, wanted];
  return outputs.filter((o) => !hasOutput([o], wanted));
}

/** Sets one parameter; null or the deployed default takes it off the list. */
export function withParameter(
  parameters: readonly ParameterSetting[],
  at: Omit<ParameterSetting, "value">,
  value: string | null,
): ParameterSetting[] {
  const others = parameters.filter((p) => !isSameParameter(p, at));
  return value === null ? others : [...others, { ...at, value }];
}

export function isSameParameter(
  a: Omit<ParameterSetting, "value">,
  b: Omit<ParameterSetting, "value">,
): boolean {
  return a.taskName === b.taskName && a.taskIndex === b.taskIndex && a.name === b.name;
}

/** Whether the workflow has this output and parameter name; what it lacks is edited as free text. */
export function isKnownOutput(
  workflow: Workflow,
  { taskName, taskIndex, outputIndex }: OutputRequest,
): boolean {
  const task = workflow.tasks.find((t) => t.name === taskName && t.taskIndex === taskIndex);
  if (task === undefined) return false;
  if (task.outputs === null || outputIndex === null) return outputIndex === null;
  return outputIndex < task.outputs.length;
}

export function isKnownParameter(
  workflow: Workflow,
  { taskName, taskIndex, name }: ParameterSetting,
): boolean {
  const task = workflow.tasks.find((t) => t.name === taskName && t.taskIndex === taskIndex);
  return task?.parameters.some((parameter) => parameter.name === name) ?? false;
}

/** What a section says when it is folded. */
export function summaryOf(settings: BatchSettings, section: SectionName): string {
  const { decision, intake, limits, results } = settings;
  switch (section) {
    case "folder":
      return intake.folder;
    case "deployment":
      return decision.deployment;
    case "tasks":
      return `${plural(decision.outputs.length, "output")}, ${decision.parameters.length === 0 ? words.form.allDefaults : words.form.changed(decision.parameters.length)}`;
    case "limits":
      return words.form.atOnce(limits.concurrency);
    case "results":
      return results.resultsFolder;
  }
}
