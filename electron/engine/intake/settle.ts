import { sameObservation, type Observation } from "./observation.ts";

/** One look at a file, at a monotonic time in milliseconds. */
export interface Look {
  observation: Observation;
  atMono: number;
}

/**
 * Whether a file looks finished: two equal looks at least `quietMs` apart. A first look of an earlier boot (its time lies
 * ahead) is long enough ago. The file's own time is never compared with a clock: it may come from another machine.
 */
export function settleVerdict(first: Look, second: Look, quietMs: number): "changed" | "wait" | "settled" {
  if (!sameObservation(first.observation, second.observation)) return "changed";
  const isOfEarlierBoot = first.atMono > second.atMono;
  return isOfEarlierBoot || second.atMono - first.atMono >= quietMs ? "settled" : "wait";
}
