import { app, dialog } from "electron";
import process from "node:process";
import { describeFailure } from "../contract/describe-failure.ts";
import type { Failure } from "../contract/failure.ts";
import { relaunchOptions } from "./launch.ts";

/** A program that fell over starts itself again, but not in a circle. */
const LEAST_UPTIME_FOR_RESTART_S = 600;

/** Says on stderr what no window shows. */
export function onProblem(failure: Failure): void {
  const { what, next } = describeFailure(failure);
  process.stderr.write(`nightrun: ${what} ${next}\n`);
}

/** What was thrown, as a failure of Nightrun itself. */
export function defectOf(error: unknown): Failure {
  return {
    reason: "internal",
    message: error instanceof Error ? (error.stack ?? error.message) : String(error),
  };
}

/** Nobody may be there to click a dialog away: all that counts is in the data file, so the program starts anew. */
export function fallOver(error: unknown): void {
  onProblem(defectOf(error));
  if (process.uptime() > LEAST_UPTIME_FOR_RESTART_S) app.relaunch(relaunchOptions(process.env, process.argv));
  app.exit(1);
}

/** A window that never came is told in a box: nobody sees stderr. */
export function cannotStart(error: unknown): void {
  const { what, next } = describeFailure(defectOf(error));
  dialog.showErrorBox("Nightrun cannot start", `${what}\n\n${next}`);
  fallOver(error);
}
