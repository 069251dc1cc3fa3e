import type { Night } from "../../contract/api.ts";
import { GATE_KINDS, type Gate, type GateKind } from "../../contract/gate.ts";
import type { GateEvent } from "../store/night.ts";

type Band = Night["gates"][number];

interface Session {
  startedAt: number;
  endedAt: number | null;
}

function kindOf(event: GateEvent): GateKind | null {
  const { gate } = JSON.parse(event.detailJson) as { gate?: string };
  return GATE_KINDS.find((kind) => kind === gate) ?? null;
}

/**
 * When gates were closed, from the recorded events, the oldest first. A band without an end goes on if the gate is
 * closed now; if not, it ended with the session in which it began.
 */
export function gateBands(
  events: readonly GateEvent[],
  closedNow: readonly GateKind[],
  sessions: readonly Session[],
): Band[] {
  const bands: Band[] = [];
  const open = new Map<GateKind, Band>();
  for (const event of events) {
    const kind = event.kind === "run-started" ? null : kindOf(event);
    if (kind === null) continue;
    const before = open.get(kind);
    if (before !== undefined)
      before.untilAt = Math.min(event.at, sessionEnd(before.fromAt, sessions) ?? event.at);
    open.delete(kind);
    if (event.kind === "gate-opened") continue;
    const band: Band = { kind, fromAt: event.at, untilAt: null };
    open.set(kind, band);
    bands.push(band);
  }
  for (const [kind, band] of open)
    if (!closedNow.includes(kind)) band.untilAt = sessionEnd(band.fromAt, sessions) ?? band.fromAt;
  return bands;
}

/** When the session that was going on at `at` ended, or the next one began; null = it is the present one. */
function sessionEnd(at: number, sessions: readonly Session[]): number | null {
  const ordered = [...sessions].sort((a, b) => a.startedAt - b.startedAt);
  const index = ordered.findLastIndex((session) => session.startedAt <= at);
  return ordered[index]?.endedAt ?? ordered[index + 1]?.startedAt ?? null;
}

/** The gates that were closed and not opened since: what a process that only looks can know of another one's. */
export function openGates(events: readonly GateEvent[]): Gate[] {
  const open = new Map<GateKind, Gate>();
  for (const event of events) {
    if (event.kind === "run-started") open.clear();
    const kind = event.kind === "run-started" ? null : kindOf(event);
    if (kind === null || kind === "paused") continue;
    if (event.kind === "gate-opened") open.delete(kind);
    else open.set(kind, { kind, since: event.at, failure: null, nextTryAt: null });
  }
  return [...open.values()];
}

/** When the batch was paused last; null = nothing tells. */
export function lastPause(events: readonly GateEvent[]): number | null {
  return events.findLast((event) => event.kind === "gate-closed" && kindOf(event) === "paused")?.at ?? null;
}
