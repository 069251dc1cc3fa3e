import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

const SUPPLIES = "/sys/class/power_supply";
const ASK_TIMEOUT_MS = 10_000;

/** Percent of charge from `pmset -g batt` (macOS); null = no battery. */
export function readPmset(text: string): number | null {
  return percent(/\t\s*(\d{1,3})%/.exec(text)?.[1] ?? /\b(\d{1,3})%;/.exec(text)?.[1]);
}

/** Percent of charge from the answer to `Win32_Battery.EstimatedChargeRemaining` (Windows); null = no battery. */
export function readWindowsBattery(text: string): number | null {
  const levels = text
    .split(/\s+/)
    .map(percent)
    .filter((level) => level !== null);
  return levels.length === 0 ? null : Math.max(...levels);
}

function percent(text: string | undefined): number | null {
  if (text === undefined || !/^\d{1,3}$/.test(text)) return null;
  return Math.min(100, Number(text));
}

/** Percent of charge from Linux' power supplies: the machine's own batteries, not those of a mouse. */
export async function readLinuxBattery(folder: string = SUPPLIES): Promise<number | null> {
  const names = await readdir(folder).catch(() => []);
  const read = (name: string, file: string): Promise<string> =>
    readFile(join(folder, name, file), "utf8").then(
      (text) => text.trim(),
      () => "",
    );
  const levels: number[] = [];
  for (const name of names) {
    if ((await read(name, "type")) !== "Battery" || (await read(name, "scope")) === "Device") continue;
    const level = percent(await read(name, "capacity"));
    if (level !== null) levels.push(level);
  }
  return levels.length === 0 ? null : Math.max(...levels);
}

/** The charge of this machine's battery in percent; null = none, or it cannot be told. Electron itself knows no level. */
export async function batteryPercent(platform: NodeJS.Platform): Promise<number | null> {
  if (platform === "linux") return readLinuxBattery();
  if (platform === "darwin") return readPmset(await ask("/usr/bin/pmset", ["-g", "batt"]));
  if (platform !== "win32") return null;
  const root = process.env.SystemRoot ?? "C:\\Windows";
  return readWindowsBattery(
    await ask(join(root, "System32", "WindowsPowerShell", "v1.0", "powershell.exe"), [
      "-NoProfile",
      "-NonInteractive",
      "-Command",
      "(Get-CimInstance -ClassName Win32_Battery).EstimatedChargeRemaining",
    ]),
  );
}

function ask(program: string, args: string[]): Promise<string> {
  return new Promise((resolve) => {
    execFile(program, args, { timeout: ASK_TIMEOUT_MS, windowsHide: true }, (error, stdout) =>
      resolve(error === null ? stdout : ""),
    );
  });
}
