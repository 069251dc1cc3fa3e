import { access, constants, lstat, readdir, stat } from "node:fs/promises";
import { dirname, isAbsolute, relative, resolve, sep } from "node:path";
import type { BatchSettings } from "../contract/batch.ts";
import type { Failure, SetupFailure } from "../contract/failure.ts";
import { fail, succeed, type Result } from "../contract/result.ts";
import type { Workflow } from "../contract/workflow.ts";
import type { Deployment } from "./deployment/client.ts";
import { checkDecision, resolveOutputs } from "./deployment/workflow.ts";
import { createDiskGuard } from "./disk.ts";
import type { Clock } from "./clock.ts";
import { makeFolder } from "./make-folder.ts";

/** Settings that have been checked against the deployment, and the workflow they were checked against. */
export interface Prepared {
  settings: BatchSettings;
  /** null when the deployment does not tell its workflow and the outputs were named. */
  workflow: { workflow: Workflow; hash: string } | null;
}

function errorCode(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "unknown";
}

/** The folder is there and can be read. */
export async function checkFolder(folder: string): Promise<SetupFailure | null> {
  try {
    const found = await stat(folder);
    if (!found.isDirectory()) {
      return {
        reason: "usage",
        message: `${folder} is not a folder.`,
        next: "Name the folder that holds the images; --include chooses among its files.",
      };
    }
    await access(folder, constants.R_OK | constants.X_OK);
    await readdir(folder);
    return null;
  } catch (error) {
    const code = errorCode(error);
    return code === "ENOENT" || code === "ENOTDIR"
      ? { reason: "folder-missing", folder }
      : { reason: "folder-unreadable", folder, code };
  }
}

function isInside(inner: string, outer: string): boolean {
  const path = relative(outer, inner);
  return path === "" || (!path.startsWith(`..${sep}`) && path !== ".." && !isAbsolute(path));
}

/**
 * The results folder can be made and written, and is not the image folder itself or around it.
 * `make` false only looks: nothing is made yet.
 */
export async function checkResultsFolder(
  resultsFolder: string,
  folder: string,
  make = true,
): Promise<SetupFailure | null> {
  const problem = (text: string): SetupFailure => ({
    reason: "results-folder",
    folder: resultsFolder,
    problem: text,
  });
  if (!isAbsolute(resultsFolder)) return problem("it is not an absolute path.");
  if (isInside(resolve(folder), resolve(resultsFolder)))
    return problem("the images lie in it, or it is the image folder.");
  if (resolve(resultsFolder) === resolve("/")) return problem("it is the root of the disk.");
  try {
    if (make) await makeFolder(resultsFolder);
    const found = make ? resultsFolder : await nearestThere(resultsFolder);
    const kind = await lstat(found);
    if (found === resultsFolder && kind.isSymbolicLink()) return problem("it is a symbolic link.");
    if (!(await stat(found)).isDirectory()) return problem("a file is in its place.");
    await access(found, constants.W_OK | constants.X_OK);
    return null;
  } catch (error) {
    const code = errorCode(error);
    return problem(
      code === "EEXIST" || code === "ENOTDIR" ? "a file is in its place." : `it cannot be written (${code}).`,
    );
  }
}

/** The folder, or the nearest one above it that exists. */
async function nearestThere(folder: string): Promise<string> {
  for (let at = resolve(folder); ; at = dirname(at)) {
    const found = await lstat(at).catch((error: unknown) => {
      if (errorCode(error) === "ENOENT") return null;
      throw error;
    });
    if (found !== null || dirname(at) === at) return at;
  }
}

/** Everything that can be checked without the deployment; all problems at once. */
export async function checkPlaces(settings: BatchSettings, clock: Clock): Promise<SetupFailure[]> {
  const { folder } = settings.intake;
  const folderProblem = await checkFolder(folder);
  if (folderProblem !== null) return [folderProblem];
  const resultsProblem = await checkResultsFolder(settings.results.resultsFolder, folder);
  if (resultsProblem !== null) return [resultsProblem];
  const disk = createDiskGuard({
    folders: [settings.results.resultsFolder],
    clock,
    minimumFreeBytes: () => null,
  });
  const lack = await disk.lack(0);
  return lack === null ? [] : [lack];
}

/** Outputs made explicit and every name checked: nothing is sent with a name that Ikomia would ignore. */
export function checkAgainstWorkflow(
  settings: BatchSettings,
  workflow: Workflow,
): Result<BatchSettings, Failure[]> {
  const { decision } = settings;
  const problems: Failure[] = checkDecision(workflow, decision);
  if (problems.length > 0) return fail(problems);
  const outputs = resolveOutputs(workflow, decision.outputs);
  if (!outputs.ok) return fail([outputs.failure]);
  return succeed({ ...settings, decision: { ...decision, outputs: outputs.value } });
}

/**
 * First contact: sign-in, workflow, names. Gives settings with explicit outputs. Where the deployment does not tell its
 * workflow, outputs must have been named, and parameter names cannot be checked.
 */
export async function prepare(
  settings: BatchSettings,
  deployment: Deployment,
): Promise<Result<Prepared, Failure[]>> {
  const signedIn = await deployment.auth.jwt();
  if (!signedIn.ok) return fail([signedIn.failure]);
  let told = await deployment.workflow();
  if (!told.ok && told.failure.reason === "sign-in-refused") {
    const renewed = await deployment.auth.renew(signedIn.value);
    if (!renewed.ok) return fail([renewed.failure]);
    told = await deployment.workflow();
  }
  if (!told.ok) {
    if (told.failure.reason !== "workflow-unavailable") return fail([told.failure]);
    if (settings.decision.outputs.length === 0) return fail([told.failure]);
    return succeed({ settings, workflow: null });
  }
  const checked = checkAgainstWorkflow(settings, told.value.workflow);
  if (!checked.ok) return checked;
  return succeed({ settings: checked.value, workflow: told.value });
}
