import { sameObservation, type Observation } from "./observation.ts";

/** Decides when a file looks finished. */
export interface Settler {
  /**
   * "settled" when the file was seen like this at least `quietMs` ago and at no look since otherwise; it is then
   * forgotten. `monoMs` is monotonic: the file's own time is never compared with a clock, because it may come from another machine.
   */
  observe(observation: Observation, monoMs: number): "wait" | "settled";
  /** The file is gone or no longer of interest. */
  forget(path: string): void;
  /** Files that are waited for. */
  readonly pending: number;
}

/** A settler for files that need two equal looks at least `quietMs` apart. */
export function createSettler(options: { quietMs: number }): Settler {
  const firstLooks = new Map<string, { observation: Observation; atMs: number }>();
  return {
    observe(observation, monoMs) {
      const first = firstLooks.get(observation.path);
      if (first === undefined || !sameObservation(first.observation, observation)) {
        firstLooks.set(observation.path, { observation, atMs: monoMs });
        return "wait";
      }
      if (monoMs - first.atMs < options.quietMs) return "wait";
      firstLooks.delete(observation.path);
      return "settled";
    },
    forget(path) {
      firstLooks.delete(path);
    },
    get pending() {
      return firstLooks.size;
    },
  };
}
