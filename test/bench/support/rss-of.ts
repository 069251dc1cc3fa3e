import { readFileSync } from "node:fs";

/** The most memory that a process had so far, MB; null where only the system knows (not Linux) or it is gone. */
export function peakRssOf(pid: number): number | null {
  try {
    const kb = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return kb === undefined ? null : Number(kb) / 1024;
  } catch {
    return null;
  }
}
