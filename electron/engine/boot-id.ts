import { readFileSync } from "node:fs";
import { uptime } from "node:os";

const ROUNDED_TO_S = 60;

/**
 * Names the present boot of the machine, so that monotonic times of different boots are never compared.
 * Where the system gives no name, the moment of booting does; a wall clock that was set since gives another name,
 * which errs on the careful side.
 */
export function bootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    // Not Linux.
    return `booted-${Math.round((Date.now() / 1000 - uptime()) / ROUNDED_TO_S)}`;
  }
}
