import { spawn } from "node:child_process";
import { EXIT, type ExitCode } from "./exit-code.ts";
import { programArguments, simulatorProgram } from "./simulator-process.ts";

/** `nightrun simulate`: the built-in deployment in the foreground, for trying things and for other programs. */
export function simulateCommand(args: readonly string[], interrupted: AbortSignal): Promise<ExitCode> {
  const child = spawn(process.execPath, programArguments(simulatorProgram(), args), { stdio: "inherit" });
  interrupted.addEventListener("abort", () => child.kill("SIGTERM"), { once: true });
  return new Promise((resolve) => {
    child.once("exit", (code) => resolve(code === 0 || interrupted.aborted ? EXIT.done : EXIT.usage));
    child.once("error", () => resolve(EXIT.usage));
  });
}
