import { app } from "electron";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { simulatorProgram } from "../cli/simulator-process.ts";
import { cleanEnvironment, ownArguments, readLaunch } from "./launch.ts";

cleanEnvironment(process.env);
const launch = readLaunch(ownArguments(process.argv, app.isPackaged), [simulatorProgram()]);

/**
 * Electron is ready only when this file is through. A command therefore runs to its end in here, without a window,
 * a lock or a display; the window must not wait for anything in here.
 */
switch (launch.kind) {
  case "program":
    process.argv = [process.execPath, launch.file, ...launch.args];
    await import(pathToFileURL(launch.file).href);
    // It ends the process itself.
    await new Promise<never>(() => undefined);
    break;
  case "command-line":
    process.argv = [process.execPath, "nightrun", ...launch.args];
    await import("../cli/cli.ts");
    await flushed(process.stdout);
    await flushed(process.stderr);
    app.exit(Number(process.exitCode ?? 0));
    break;
  case "window": {
    const { startDesktop } = await import("./desktop.ts");
    startDesktop(launch);
    break;
  }
}

function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => void stream.write("", () => resolve()));
}
