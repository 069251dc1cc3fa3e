import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Finding, Measure } from "../measure.ts";
import type { HeavyReport } from "../rig/heavy-night.ts";
import { writePhotos } from "../rig/pictures.ts";
import { runProgram, startServer } from "../rig/processes.ts";

const OUTSTANDING = 50;
const FILES_A_FOLDER = 1000;
const RUN_MS = 3000;

/** Files that are walked and are no pictures: nothing but the walk and their rows costs anything. */
async function writeNotes(base: string, count: number): Promise<void> {
  for (let first = 0; first < count; first += FILES_A_FOLDER) {
    const folder = join(base, `notes-${String(first / FILES_A_FOLDER).padStart(4, "0")}`);
    await mkdir(folder);
    await Promise.all(
      Array.from({ length: Math.min(FILES_A_FOLDER, count - first) }, (_, n) =>
        writeFile(join(folder, `note-${n}.txt`), ""),
      ),
    );
  }
}

async function runHeavyNight(quick: boolean): Promise<Finding[]> {
  const pictures = quick ? 52 : 150;
  const pictureBytes = quick ? 8_000_000 : 20_000_000;
  const notes = quick ? 5000 : 100_000;
  const base = await mkdtemp(join(tmpdir(), "nightrun-bench-"));
  try {
    const folder = join(base, "pictures");
    await writePhotos(folder, pictures, pictureBytes);
    await writeNotes(folder, notes);
    const server = await startServer({ runMs: RUN_MS, mode: "advice" });
    const orders = { url: server.url, folder, place: base, concurrency: OUTSTANDING, pictures };
    // This process does nothing meanwhile: how late its timers are is the machine's doing.
    const idle = monitorEventLoopDelay({ resolution: 5 });
    idle.enable();
    const heavy = await runProgram<HeavyReport>("rig/heavy-night.ts", orders);
    idle.disable();
    const stats = await server.stats();
    await server.stop();
    if (heavy.done !== pictures || stats.mostOutstanding < OUTSTANDING - 5)
      throw new Error(`${heavy.done} of ${pictures} done, ${stats.mostOutstanding} outstanding at most`);
    const load = `${OUTSTANDING} outstanding × ${pictureBytes / 1e6} MB`;
    const walked = `${load} and walks of ${notes.toLocaleString("en-US")} files`;
    const note = `${heavy.walks} walks, ${pictures} pictures`;
    const control = (ns: number): string =>
      `a process that does nothing meanwhile: ${(ns / 1e6).toFixed(0)} ms`;
    return [
      {
        measure: `peak RSS, ${load}`,
        value: heavy.peakRssMb,
        unit: "MB",
        bar: { kind: "at-most", value: 300 },
        note,
      },
      {
        measure: `event-loop delay p99, ${walked}`,
        value: heavy.delayP99Ms,
        unit: "ms",
        bar: { kind: "at-most", value: 50 },
        note: control(idle.percentile(99)),
      },
      {
        measure: `event-loop delay max, ${walked}`,
        value: heavy.delayMaxMs,
        unit: "ms",
        bar: { kind: "at-most", value: 250 },
        note: control(idle.max),
      },
    ];
  } finally {
    await rm(base, { recursive: true, force: true });
  }
}

/** Flat memory and a loop that is never blocked for long, under the heaviest load that a person would make. */
export const memory: Measure = {
  name: "memory",
  what: "Peak memory and event-loop delay with 50 runs of 20 MB pictures outstanding while the folder is walked.",
  quick: true,
  run: ({ quick }) => runHeavyNight(quick),
};
