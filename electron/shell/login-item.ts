import type { Settings } from "electron";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { HIDDEN } from "./launch.ts";

export interface LoginItemParts {
  platform: NodeJS.Platform;
  isPackaged: boolean;
  /** The installed executable: of an AppImage the image, not what it is mounted as. */
  executable: string;
  /** `~/.config`; Linux only. */
  configFolder: string;
  setLoginItemSettings: (settings: Settings) => void;
}

/** What starts at login on Linux: an entry of the desktop's own kind. */
export function autostartEntry(executable: string): string {
  // The rules for Exec: quote the program, and escape what counts inside quotes; a percent sign is doubled.
  const quoted = executable.replaceAll("%", "%%").replace(/["`$\\]/g, "\\$&");
  return [
    "[Desktop Entry]",
    "Type=Application",
    "Name=Nightrun",
    `Exec="${quoted}" ${HIDDEN}`,
    "X-GNOME-Autostart-enabled=true",
    "",
  ].join("\n");
}

/** Starts Nightrun at login without a window, or no longer. A program that is not installed is never entered. */
export async function setStartAtLogin(isWanted: boolean, parts: LoginItemParts): Promise<void> {
  if (!parts.isPackaged) return;
  if (parts.platform !== "linux") {
    parts.setLoginItemSettings({ openAtLogin: isWanted, ...(isWanted ? { args: [HIDDEN] } : {}) });
    return;
  }
  const folder = join(parts.configFolder, "autostart");
  const file = join(folder, "nightrun.desktop");
  if (!isWanted) return rm(file, { force: true });
  await mkdir(folder, { recursive: true });
  await writeFile(file, autostartEntry(parts.executable));
}
