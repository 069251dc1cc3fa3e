/**
 * `npm run demo`: the project's sample pictures go through the built-in simulator into a temporary folder.
 * `npm run demo -- --serve` opens the window on the same night instead.
 */
import { spawn } from "node:child_process";
import { appendFile, cp, mkdir, mkdtemp, readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { createFinder } from "../electron/cli/open.ts";
import { version } from "../electron/cli/version.ts";
import { DEFAULT_LIMITS, SIMULATOR } from "../electron/contract/batch.ts";
import { describeFailure } from "../electron/contract/describe-failure.ts";
import { systemClock } from "../electron/engine/clock.ts";
import { openEngine } from "../electron/engine/engine.ts";

const PROJECT = fileURLToPath(new URL("..", import.meta.url));
const CLI = join(PROJECT, "out/main/cli.js");
const NOT_PICTURES = new Set([".ts", ".md"]);

/** Runs the built command line; its output is the demo's. */
function nightrun(args: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, [CLI, ...args], { stdio: ["ignore", "inherit", "inherit"] });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? 1));
  });
}

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "nightrun-demo-"));
  await mkdir(join(folder, "scans"));
  await cp(join(PROJECT, "resources/samples"), join(folder, "scans"), {
    recursive: true,
    filter: (source) => !NOT_PICTURES.has(extname(source)) && !source.endsWith("drawing"),
  });
  return folder;
}

/** Enough pictures for something to watch: copies that differ in a few bytes after the picture's end. */
async function multiply(scans: string, times: number): Promise<void> {
  const names = (await readdir(scans)).filter(
    (name) => /\.(jpg|png)$/.test(name) && !name.includes("interrupted"),
  );
  for (let copy = 1; copy <= times; copy++) {
    const roll = join(scans, `roll ${String(copy).padStart(2, "0")}`);
    await mkdir(roll);
    for (const name of names) {
      await cp(join(scans, name), join(roll, name));
      await appendFile(join(roll, name), `copy ${copy}`);
    }
  }
}

/** Makes a batch on the folder, ready to go on as soon as a window's host opens the data file. */
async function makeBatch(scans: string, dataFile: string): Promise<void> {
  const finder = createFinder({ env: process.env, simulatorState: null, simulatorArgs: [] });
  const opened = await openEngine({
    dataFile,
    clock: systemClock,
    random: Math.random,
    env: process.env,
    version,
    resolve: (address) => finder.resolve(address),
  });
  if (!opened.ok) throw new Error(describeFailure(opened.failure).what);
  const prepared = await opened.value.prepare({
    name: "Demo",
    decision: { deployment: SIMULATOR, outputs: [], parameters: [], inputs: [] },
    intake: { folder: scans, recursive: true, include: [], exclude: [], dedupe: true },
    results: { resultsFolder: `${scans}-results`, keepRaw: false },
    limits: DEFAULT_LIMITS,
  });
  if (!prepared.ok)
    throw new Error(prepared.failure.map((failure) => describeFailure(failure).what).join(" "));
  const { id } = await opened.value.saveBatch(null, prepared.value);
  await opened.value.store.call("setBatchFlags", { batchId: id, started: true });
  await opened.value.close(0);
  await finder.stop();
}

const folder = await makeFolder();
const scans = join(folder, "scans");
const data = join(folder, "nightrun.db");

if (process.argv.includes("--serve")) {
  await multiply(scans, 20);
  await makeBatch(scans, data);
  process.exitCode = await nightrun(["serve", "--data", data, "--open"]);
} else {
  console.log(`Running the sample pictures in ${scans} through the simulator.`);
  console.log("One of them is broken on purpose; Nightrun gives it 30 s in case it is still being copied.\n");
  const code = await nightrun(["run", scans, "--deployment", "simulator", "--data", data]);
  // 1 = some images failed, which is what the broken picture is for.
  const asExpected = code === 1;
  console.log(`
Every run id and result is in ${data} and in the results folder.
Try next:
  npm exec nightrun -- status --data ${data}
  npm exec nightrun -- export --format csv --data ${data}
  npm exec nightrun -- serve --open --data ${data}
  npm exec nightrun -- workflow --deployment simulator
  npm exec nightrun -- run <your folder> --deployment simulator`);
  if (!asExpected) console.error(`The demo ended unexpectedly (exit code ${code}).`);
  process.exitCode = asExpected ? 0 : 1;
}
