import { readFileSync } from "node:fs";

/** What every contender is told: the same pictures, the same server, the same concurrency. */
export interface RaceOrders {
  url: string;
  /** Absolute paths of the pictures; all lie in `folder`. */
  files: string[];
  folder: string;
  concurrency: number;
  /** A folder of its own for whatever it writes. */
  place: string;
}

/** What a contender tells when it is done. */
export interface RaceReport {
  images: number;
  /** When its last image was done, results written; wall clock, milliseconds. */
  finishedAt: number;
  /** User and system time of the whole process, from when it was ready to begin until it was done; null = not known. */
  cpuMs: number | null;
  peakRssMb: number | null;
}

/**
 * The largest resident memory of this process so far, MB. On Linux from the process itself: what getrusage tells
 * there counts the parent's memory at the moment of the fork.
 */
export function peakRssMb(): number {
  const status = process.platform === "linux" ? readFileSync("/proc/self/status", "utf8") : "";
  const peak = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
  return (peak === undefined ? process.resourceUsage().maxRSS : Number(peak)) / 1024;
}

/** User and system time of this process since a mark, all its threads together, milliseconds. */
export function cpuMsSince(mark: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(mark);
  return (user + system) / 1000;
}

/** Tells the parent and lets go of it, so that the process can end. */
export function report(message: RaceReport | object): void {
  process.send?.(message, () => process.disconnect());
}

/** Works through the files with so many at once. */
export async function inLanes(
  files: readonly string[],
  lanes: number,
  work: (file: string) => Promise<void>,
): Promise<void> {
  const queue = [...files];
  const lane = async (): Promise<void> => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) await work(file);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}
