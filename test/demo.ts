/**
 * `npm run demo`: the project's sample pictures go through the built-in simulator into a temporary folder.
 * `npm run demo -- --serve` opens the window on the same night instead.
 */
import { spawn } from "node:child_process";
import { cp, mkdir, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";

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

const folder = await makeFolder();
const scans = join(folder, "scans");
const data = join(folder, "nightrun.db");

if (process.argv.includes("--serve")) {
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
  npm exec nightrun -- runs --data ${data}
  npm exec nightrun -- export --format csv --data ${data}
  npm exec nightrun -- workflow --deployment simulator
  npm exec nightrun -- run <your folder> --deployment simulator`);
  if (!asExpected) console.error(`The demo ended unexpectedly (exit code ${code}).`);
  process.exitCode = asExpected ? 0 : 1;
}
