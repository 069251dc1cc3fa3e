import { describeFailure } from "../contract/describe-failure.ts";
import type { Failure } from "../contract/failure.ts";
import type { Gate } from "../contract/gate.ts";
import { stateOf, type ImageState, type Ledger } from "../contract/image.ts";
import { systemClock } from "../engine/clock.ts";
import type { Scope } from "../engine/store/scope.ts";
import type { StoredImage } from "../engine/store/rows.ts";
import type { Store } from "../engine/store/store.ts";
import { grouped, oneLine, shown, type Console } from "./console.ts";

/** Why nothing is submitted right now, in words and on one line. */
export function gateSentence(gate: Gate): string {
  if (gate.failure !== null) {
    const { what, next } = describeFailure(gate.failure);
    return oneLine(`${what} ${next}`);
  }
  if (gate.kind === "run-limit") return "The limit of runs is reached; give a larger --max-runs to go on.";
  if (gate.kind === "paused") return "Paused; `nightrun resume` goes on.";
  return `Nothing is submitted right now (${gate.kind}).`;
}

const MOST_EXPLAINED = 10;

/** The first images of some states, in path order. */
function firstImages(
  store: Store,
  batchId: number,
  states: readonly ImageState[],
  limit: number,
): Promise<StoredImage[]> {
  const scope: Scope = { batchId, states, reason: null, search: "", label: null, imageIds: null };
  return store.call("pageImages", { scope, sort: "path", descending: false, after: null, limit });
}

/** Every image that is not done, with its reason; a long list is cut with a word on how to see the rest. */
export async function explain(store: Store, batchId: number, console: Console): Promise<void> {
  // What was skipped needs no one: it must not push a failure off the list.
  for (const states of [["failed", "missing", "uncertain"], ["skipped"]] as const) {
    const rows = await firstImages(store, batchId, states, MOST_EXPLAINED + 1);
    for (const row of rows.slice(0, MOST_EXPLAINED)) {
      const failure = row.failureJson === null ? null : (JSON.parse(row.failureJson) as Failure);
      const text = failure === null ? { what: "", next: "" } : describeFailure(failure);
      console.say(oneLine(`  ${stateOf(row.stage)}  ${row.path}: ${text.what} ${text.next}`));
    }
    if (rows.length > MOST_EXPLAINED)
      console.say(`  ... and more: see \`nightrun images --state ${states.join(",")}\`.`);
  }
}

/** Nothing happens for so long that a person wonders. */
const WONDER_AFTER_MS = 4000;

/** Tells once, when nothing else is left to do, which files are waited for because they look unfinished. */
export function createUnsettledNote(
  store: Store,
  batchId: number,
  note: (line: string) => void,
): (ledger: Ledger, isBusy: boolean) => Promise<void> {
  let since: number | null = null;
  let told = false;
  return async ({ waiting, inFlight }, isBusy) => {
    if (told || isBusy || waiting === 0 || inFlight > 0) {
      since = null;
      return;
    }
    since ??= systemClock.now();
    if (systemClock.now() - since < WONDER_AFTER_MS) return;
    const rows = await firstImages(store, batchId, ["waiting"], MOST_EXPLAINED);
    if (rows.length === 0 || rows.some((row) => row.stage !== "SEEN")) return;
    told = true;
    const names = rows.map((row) => shown(row.path)).join(", ");
    const them = waiting === 1 ? "1 file that is" : `${grouped(waiting)} files that are`;
    const more = waiting > rows.length ? ", ..." : "";
    note(`Waiting up to 30 s for ${them} unfinished or cannot be read: ${names}${more}`);
  };
}
