import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DEFAULT_LIMITS, SIMULATOR, type BatchSettings } from "../../../electron/contract/batch.ts";

/** A folder of its own for one night: pictures, results, data file. */
export interface Place {
  readonly home: string;
  readonly pictures: string;
  readonly results: string;
  readonly dataFile: string;
  remove(): Promise<void>;
}

export async function makePlace(): Promise<Place> {
  const home = await mkdtemp(join(tmpdir(), "nightrun-e2e-"));
  const pictures = join(home, "scans");
  await mkdir(pictures);
  return {
    home,
    pictures,
    results: join(home, "scans-results"),
    dataFile: join(home, "nightrun.db"),
    remove: () => rm(home, { recursive: true, force: true, maxRetries: 5 }),
  };
}

/** Settings over that folder whose runs cost the simulator almost nothing. */
export function settingsFor(place: Place, change: Partial<BatchSettings> = {}): BatchSettings {
  return {
    name: "Herbarium sheets",
    decision: {
      deployment: SIMULATOR,
      outputs: [{ taskName: "image_facts", taskIndex: 0, outputIndex: 0 }],
      parameters: [],
      inputs: [],
    },
    intake: { folder: place.pictures, recursive: true, include: [], exclude: [], dedupe: true },
    results: { resultsFolder: place.results, keepRaw: false },
    limits: DEFAULT_LIMITS,
    ...change,
  };
}
