import type { Failure } from "../../contract/failure.ts";
import type { Gate, GateKind } from "../../contract/gate.ts";

/** Gates that also stop asking for results: there the answer cannot come, or could not be stored. */
const STOPS_COLLECTING: ReadonlySet<GateKind> = new Set(["sign-in", "unreachable", "disk-low"]);

export interface GateChange {
  gate: Gate;
  closed: boolean;
}

/** The gates of one batch. Nothing else decides whether something may be submitted or collected. */
export interface Gates {
  list(): Gate[];
  isClosed(kind: GateKind): boolean;
  /** Closes a gate, or renews its reason and next try. */
  close(kind: GateKind, failure: Failure | null, nextTryAt?: number | null): void;
  open(kind: GateKind): void;
  readonly maySubmit: boolean;
  readonly mayCollect: boolean;
  /** Resolves when collecting is allowed, or when the signal aborts. */
  untilCollecting(signal: AbortSignal): Promise<void>;
  /** Calls the listener after every change. */
  onChange(listener: (change: GateChange) => void): void;
}

export function createGates(now: () => number): Gates {
  const closed = new Map<GateKind, Gate>();
  const listeners: ((change: GateChange) => void)[] = [];
  const waiters = new Set<() => void>();
  const tell = (change: GateChange): void => {
    for (const listener of listeners) listener(change);
    for (const check of [...waiters]) check();
  };
  const gates: Gates = {
    list: () => [...closed.values()],
    isClosed: (kind) => closed.has(kind),
    close(kind, failure, nextTryAt = null) {
      const before = closed.get(kind);
      const gate: Gate = { kind, since: before?.since ?? now(), failure, nextTryAt };
      closed.set(kind, gate);
      if (before === undefined) tell({ gate, closed: true });
    },
    open(kind) {
      const gate = closed.get(kind);
      if (gate === undefined) return;
      closed.delete(kind);
      tell({ gate, closed: false });
    },
    get maySubmit() {
      return closed.size === 0;
    },
    get mayCollect() {
      for (const kind of closed.keys()) if (STOPS_COLLECTING.has(kind)) return false;
      return true;
    },
    untilCollecting: (signal) =>
      new Promise((resolve) => {
        const check = (): void => {
          if (!gates.mayCollect && !signal.aborted) return;
          waiters.delete(check);
          signal.removeEventListener("abort", check);
          resolve();
        };
        signal.addEventListener("abort", check, { once: true });
        waiters.add(check);
        check();
      }),
    onChange: (listener) => void listeners.push(listener),
  };
  return gates;
}
