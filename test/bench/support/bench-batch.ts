import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DEFAULT_LIMITS, SIMULATOR, type BatchSettings } from "../../../electron/contract/batch.ts";
import { TASK } from "../rig/processes.ts";

/** Settings of a batch over `base`/pictures whose one output every bench server gives. */
export function benchSettings(base: string, deployment: string = SIMULATOR): BatchSettings {
  return {
    name: "bench",
    decision: {
      deployment,
      outputs: [{ taskName: TASK, taskIndex: 0, outputIndex: 0 }],
      parameters: [],
      inputs: [],
    },
    intake: { folder: join(base, "pictures"), recursive: true, include: [], exclude: [], dedupe: true },
    results: { resultsFolder: join(base, "results"), keepRaw: false },
    limits: { ...DEFAULT_LIMITS, concurrency: 8 },
  };
}

/** A folder of its own for the work, taken away afterwards. */
export async function inOwnFolder<T>(work: (base: string) => Promise<T>): Promise<T> {
  const base = await mkdtemp(join(tmpdir(), "nightrun-bench-"));
  try {
    return await work(base);
  } finally {
    await rm(base, { recursive: true, force: true });
  }
}
