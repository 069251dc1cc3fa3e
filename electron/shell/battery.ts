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

interface Supply {
  type: string;
  /** "Device" = that of a mouse or a headset. */
  scope: string;
  status: string;
  online: string;
  capacity: string;
}

async function readSupplies(folder: string): Promise<Supply[]> {
  const names = await readdir(folder).catch(() => []);
  const read = (name: string, file: string): Promise<string> =>
    readFile(join(folder, name, file), "utf8").then(
      (text) => text.trim(),
      () => "",
    );
  return Promise.all(
    names.map(async (name) => ({
      type: await read(name, "type"),
      scope: await read(name, "scope"),
      status: await read(name, "status"),
      online: await read(name, "online"),
      capacity: await read(name, "capacity"),
    })),
  );
}

const isOwnBattery = ({ type, scope }: Supply): boolean => type === "Battery" && scope !== "Device";

/** Percent of charge from Linux' power supplies: the machine's own batteries, not those of a mouse. */
export async function readLinuxBattery(folder: string = SUPPLIES): Promise<number | null> {
  const levels = (await readSupplies(folder))
    .filter(isOwnBattery)
    .map(({ capacity }) => percent(capacity))
    .filter((level) => level !== null);
  return levels.length === 0 ? null : Math.max(...levels);
}

/** Whether a battery of the machine itself is being emptied, by Linux' power supplies. */
export async function isLinuxOnBattery(folder: string = SUPPLIES): Promise<boolean> {
  const supplies = await readSupplies(folder);
  if (supplies.some(({ type, online }) => type === "Mains" && online === "1")) return false;
  return supplies.some((supply) => isOwnBattery(supply) && supply.status === "Discharging");
}

/** Whether this machine runs on its battery. On Linux Electron always says no, so its own word counts elsewhere only. */
export async function isOnBattery(
  platform: NodeJS.Platform,
  monitor: { readonly onBatteryPower: boolean },
): Promise<boolean> {
  return platform === "linux" ? isLinuxOnBattery() : monitor.onBatteryPower;
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
