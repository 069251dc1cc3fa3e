/**
 * Lets the process that it is preloaded into die, as a defect in native code would, when it reads a poisoned picture
 * (NIGHTRUN_TEST_POISON = `reading <part of its path>`) or its result (`parsing <SHA-256 in it>`).
 */
import files from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { isMainThread } from "node:worker_threads";

const [step, mark] = (process.env.NIGHTRUN_TEST_POISON ?? "").split(" ");

function die(): never {
  process.kill(process.pid, "SIGKILL");
  // The signal needs a moment, and nothing may be written in it.
  for (;;);
}

if (isMainThread && mark !== undefined && step === "reading") {
  const open = files.open.bind(files);
  files.open = async (path, ...rest) => {
    const handle = await open(path, ...rest);
    if (String(path).includes(mark)) die();
    return handle;
  };
  syncBuiltinESMExports();
}

if (isMainThread && mark !== undefined && step === "parsing") {
  const parse: typeof JSON.parse = JSON.parse.bind(JSON);
  JSON.parse = (text: string, reviver?: (key: string, value: unknown) => unknown): unknown => {
    if (text.includes(mark)) die();
    return parse(text, reviver);
  };
}
