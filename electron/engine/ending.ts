import { GATES_FOR_A_PERSON, type Gate } from "../contract/gate.ts";
import { unfinished, type Ledger } from "../contract/image.ts";
import type { Gates } from "./dispatch/gates.ts";
import type { Store } from "./store/store.ts";

/** How a batch that is not watched came to its end. */
export type RunEnding =
  | { kind: "complete" }
  /** Something waits that only a person, or another time, can move on. */
  | { kind: "stopped"; gate: Gate | null }
  | { kind: "gave-up"; afterMs: number };

/** What the end of a batch is decided by. */
export interface EndingParts {
  batchId: number;
  store: Store;
  gates: Gates;
  watch: boolean;
  startedPaused: boolean;
  outageMs: number;
  giveUpAfterMs: number;
  /** Nothing is claimed, outstanding, walked or revised. Asked again after each wait. */
  isAtRest: () => boolean;
  /** A walk of the folder has ended in this session. */
  hasWalked: () => boolean;
}

/** Whether a batch is at its end; null = it goes on. */
export async function endingOf(parts: EndingParts): Promise<RunEnding | null> {
  const { batchId, store, gates, giveUpAfterMs, isAtRest, hasWalked } = parts;
  if (parts.outageMs > giveUpAfterMs) return { kind: "gave-up", afterMs: giveUpAfterMs };
  const person = gates.list().find((gate) => GATES_FOR_A_PERSON.has(gate.kind) && !mayOpenSoon(gate, parts));
  if (person !== undefined && !gates.mayCollect) return { kind: "stopped", gate: person };
  // Asked at every change of an image: nothing is looked up while anything goes on.
  if (!isAtRest()) return null;
  const { ledger } = await store.call("ledgerOf", batchId);
  if (!isAtRest()) return null;
  if (unfinished(ledger) === 0 && hasWalked()) return { kind: "complete" };
  if (person !== undefined) return { kind: "stopped", gate: person };
  // A watched folder may bring more; and what a first walk will find is not known yet.
  if (parts.watch || !hasWalked()) return null;
  return (await isHeld(parts, ledger)) ? { kind: "stopped", gate: null } : null;
}

/** Who pauses a run that goes on may resume it; who starts a paused one has to be told. */
function mayOpenSoon(gate: Gate, { watch, startedPaused }: EndingParts): boolean {
  return gate.kind === "paused" && (watch || !startedPaused);
}

/** All that is left waits for a person, or for an image that does. */
async function isHeld({ batchId, store }: EndingParts, ledger: Ledger): Promise<boolean> {
  const { FOLLOWING = 0 } = await store.call("stageCounts", batchId);
  if (ledger.waiting > FOLLOWING || ledger.inFlight > 0) return false;
  return (await store.call("nextDueAt", batchId)) === null;
}
