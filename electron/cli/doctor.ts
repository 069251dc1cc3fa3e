import { access, constants, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { SIMULATOR } from "../contract/batch.ts";
import { describeFailure } from "../contract/describe-failure.ts";
import { systemClock } from "../engine/clock.ts";
import { createDeployments } from "../engine/deployments.ts";
import { diskSpace } from "../engine/disk.ts";
import { openStore } from "../engine/store/store.ts";
import type { Console } from "./console.ts";
import { EXIT, exitCodeFor, type ExitCode } from "./exit-code.ts";
import { createFinder, dataFileOf, parseDeployment } from "./open.ts";
import { version } from "./version.ts";

export interface DoctorFlags {
  data?: string;
  deployment?: string;
  json?: boolean;
}

interface Check {
  name: string;
  ok: boolean;
  text: string;
  /** Of the failure, when it is one that ends `run`. */
  code?: ExitCode;
}

async function dataFileCheck(dataFile: string): Promise<Check> {
  const name = "data file";
  try {
    await access(dataFile, constants.F_OK);
  } catch {
    return { name, ok: true, text: `${dataFile} (not there yet; it is made by the first run)` };
  }
  const opened = await openStore({ file: dataFile, mode: "read", clock: systemClock });
  if (!opened.ok) {
    const { what, next } = describeFailure(opened.failure);
    return { name, ok: false, text: `${what} ${next}`, code: exitCodeFor(opened.failure) };
  }
  const batches = await opened.value.call("listBatches", null);
  await opened.value.close();
  return {
    name,
    ok: true,
    text: `${dataFile} (${batches.length} ${batches.length === 1 ? "batch" : "batches"})`,
  };
}

async function diskCheck(dataFile: string): Promise<Check> {
  const space = await diskSpace(dirname(dataFile));
  const free = space === null ? "unknown" : `${Math.floor(space.freeBytes / 1e6)} MB`;
  return {
    name: "free disk",
    ok: space === null || space.freeBytes > 512e6,
    text: `${free} free for the data file`,
    code: EXIT.stoppedEarly,
  };
}

async function watchCheck(): Promise<Check> {
  const name = "watch limit";
  try {
    const limit = Number(await readFile("/proc/sys/fs/inotify/max_user_watches", "utf8"));
    const text = `${limit} folders can be watched at once; beyond that, new files are found by walking`;
    return { name, ok: limit >= 8192, text };
  } catch {
    return { name, ok: true, text: "this system sets none" };
  }
}

async function deploymentCheck(named: string | undefined, env: NodeJS.ProcessEnv): Promise<Check> {
  const name = "deployment";
  if (named === undefined || named === "")
    return { name, ok: true, text: "not checked (add --deployment <url>)" };
  const address = parseDeployment(named);
  const bad = (failure: Parameters<typeof describeFailure>[0]): Check => {
    const { what, next } = describeFailure(failure);
    return { name, ok: false, text: `${what} ${next}`, code: exitCodeFor(failure) };
  };
  if (!address.ok) return bad(address.failure);
  const finder = createFinder({ env, simulatorState: null, simulatorArgs: [] });
  const deployments = createDeployments({
    resolve: (a) => finder.resolve(a),
    env,
    clock: systemClock,
    userAgent: `nightrun/${version}`,
  });
  try {
    const connected = await deployments.connect(address.value);
    if (!connected.ok) return bad(connected.failure);
    const signedIn = await connected.value.auth.jwt();
    if (!signedIn.ok) return bad(signedIn.failure);
    const told = await connected.value.workflow();
    if (!told.ok) return bad(told.failure);
    return {
      name,
      ok: true,
      text: `${connected.value.url} answers; workflow "${told.value.workflow.name}" with ${told.value.workflow.tasks.length} tasks`,
    };
  } finally {
    await deployments.close();
    await finder.stop();
  }
}

function tokenCheck(env: NodeJS.ProcessEnv, named: string | undefined): Check {
  const name = "token";
  if ((env.IKOMIA_TOKEN ?? "") !== "") return { name, ok: true, text: "IKOMIA_TOKEN is set" };
  if (named === undefined || named === "" || named === SIMULATOR)
    return { name, ok: true, text: "IKOMIA_TOKEN is not set (the simulator needs none)" };
  const { what, next } = describeFailure({ reason: "no-token", variable: "IKOMIA_TOKEN" });
  return { name, ok: false, text: `${what} ${next}`, code: EXIT.stoppedEarly };
}

/** `nightrun doctor`: looks at everything a night needs, changes nothing. */
export async function doctorCommand(
  flags: DoctorFlags,
  console: Console,
  env: NodeJS.ProcessEnv,
): Promise<ExitCode> {
  const dataFile = dataFileOf(flags.data);
  const named = flags.deployment ?? env.NIGHTRUN_DEPLOYMENT;
  const checks: Check[] = [
    { name: "nightrun", ok: true, text: version },
    { name: "node", ok: true, text: process.versions.node },
    await dataFileCheck(dataFile),
    await diskCheck(dataFile),
    await watchCheck(),
    tokenCheck(env, named),
    await deploymentCheck(named, env),
  ];
  for (const { name, ok, text } of checks) {
    console.data(
      flags.json === true
        ? JSON.stringify({ check: name, ok, text })
        : `${ok ? "ok  " : "FAIL"}  ${name}: ${text}`,
    );
  }
  const failed = checks.find((check) => !check.ok);
  return failed === undefined ? EXIT.done : (failed.code ?? EXIT.usage);
}
