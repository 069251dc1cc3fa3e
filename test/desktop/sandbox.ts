import { readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { electronBinary } from "./electron-binary.ts";

/**
 * Why Chromium's own sandbox cannot be had here; null = it can. Electron does not start with it then, so it is started
 * without, and the checks of the sandbox itself are left out, and said to be.
 */
export function whyNoSandbox(): string | null {
  if (process.getuid?.() === 0) return "Chromium has no sandbox for root";
  if (process.platform !== "linux" || hasHelper()) return null;
  const isForbidden =
    setting("kernel/apparmor_restrict_unprivileged_userns") === "1" ||
    setting("kernel/unprivileged_userns_clone") === "0" ||
    setting("user/max_user_namespaces") === "0";
  return isForbidden ? "this system forbids the sandbox to programs that are not installed" : null;
}

/** The helper that gives a sandbox where the kernel gives none: root's, with its bit set. */
function hasHelper(): boolean {
  const program = electronBinary();
  if (program === null) return false;
  const found = statSync(join(dirname(program), "chrome-sandbox"), { throwIfNoEntry: false });
  return found !== undefined && found.uid === 0 && (found.mode & 0o4000) !== 0;
}

function setting(name: string): string {
  try {
    return readFileSync(join("/proc/sys", name), "utf8").trim();
  } catch {
    return ""; // A kernel that does not know it forbids nothing by it.
  }
}
