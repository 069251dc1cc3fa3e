import type { BatchSettings } from "../../../electron/contract/batch.ts";
import type { Simulator } from "../../../electron/simulator/server.ts";
import { writePictures } from "../../support/pictures.ts";
import type { Caller } from "./caller.ts";
import { settingsFor, type Place } from "./place.ts";

/** Settings that aim at a simulator of the test's own. */
export function settingsAt(place: Place, simulator: Simulator, concurrency = 5): BatchSettings {
  const settings = settingsFor(place);
  return {
    ...settings,
    decision: { ...settings.decision, deployment: simulator.url },
    limits: { ...settings.limits, concurrency },
  };
}

/** Makes a batch over that many tiny pictures and starts it; gives its id. */
export async function startBatch(
  call: Caller,
  place: Place,
  { settings = settingsFor(place), pictures }: { settings?: BatchSettings; pictures: number },
): Promise<number> {
  await writePictures(place.pictures, pictures);
  const { batchId } = await call("batch:create", { settings });
  await call("batch:start", { batchId });
  return batchId;
}
