import type { BatchCard } from "../../../electron/contract/api.ts";
import type { Gate, GateKind } from "../../../electron/contract/gate.ts";
import type { Ledger } from "../../../electron/contract/image.ts";

/** A card of a batch; `seen` is made to be the sum of the rest. */
export function card(
  ledger: Partial<Omit<Ledger, "seen">> = {},
  given: Partial<Omit<BatchCard, "ledger">> = {},
): BatchCard {
  const parts = {
    waiting: 0,
    inFlight: 0,
    uncertain: 0,
    done: 0,
    failed: 0,
    skipped: 0,
    missing: 0,
    ...ledger,
  };
  const seen = Object.values(parts).reduce((sum, count) => sum + count, 0);
  return {
    id: 1,
    name: "Herbarium",
    folder: "/scans/herbarium",
    deployment: "simulator",
    resultsFolder: "/scans/herbarium-results",
    activity: "running",
    gates: [],
    runs: parts.done,
    endsAt: null,
    imagesPerMinute: null,
    runTime: null,
    walking: false,
    revision: 1,
    ...given,
    ledger: { seen, ...parts },
  };
}

export function gate(kind: GateKind, failure: Gate["failure"] = null): Gate {
  return { kind, since: 1, failure, nextTryAt: null };
}
