import { app } from "electron";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { runProgramsThrough, simulatorProgram } from "../cli/simulator-process.ts";
import {
  cleanEnvironment,
  endWithParent,
  ownArguments,
  programHost,
  readLaunch,
  withoutStdin,
} from "./launch.ts";

cleanEnvironment(process.env);
const host = programHost({
  isPackaged: app.isPackaged,
  appFolder: app.getAppPath(),
  hasSandbox: !app.commandLine.hasSwitch("no-sandbox"),
  platform: process.platform,
});
runProgramsThrough(host);
const launch = readLaunch(ownArguments(process.argv, app.isPackaged), [simulatorProgram()]);

/**
 * Electron is ready only when this file is through. A command therefore runs to its end in here, without a window,
 * a lock or a display; the window must not wait for anything in here.
 */
switch (launch.kind) {
  case "program": {
    const { args, staysWithParent } = host.hasStdin
      ? { args: launch.args, staysWithParent: false }
      : withoutStdin(launch.args);
    if (staysWithParent) endWithParent(process.ppid, () => app.exit(0));
    process.argv = [process.execPath, launch.file, ...args];
    await import(pathToFileURL(launch.file).href);
    // It ends the process itself.
    await new Promise<never>(() => undefined);
    break;
  }
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
