import { setTimeout as sleep } from "node:timers/promises";
import type { RunFate } from "./faults.ts";
import type { Random } from "./random.ts";
import type { RunRequest } from "./run-request.ts";
import type { Settings } from "./settings.ts";
import type { StateFile } from "./state-file.ts";
import type { StatsBook } from "./stats.ts";

/** How a run ended: the JSON text of its results array, or the answer of a failed workflow. */
export type Outcome = { ok: true; resultsJson: string } | { ok: false; status: 500 | 520; message: string };

/**
 * One accepted run.
 *
 *   queued ──a worker is free──► running ──computed, time is up, not held──► finished ──taken──► (gone)
 *                                   └── endless ──► (gone)      forgotten or past its TTL ──► (gone)
 */
export interface Run {
  readonly uuid: string;
  readonly request: RunRequest;
  readonly fate: RunFate;
  readonly acceptedAtMs: number;
  state: "queued" | "running" | "finished" | "gone";
  outcome: Outcome | null;
  /** Called once when the state becomes finished or gone. */
  onSettled: Set<() => void>;
}

/** The deployment's queue, its workers, and the results nobody fetched yet. */
export interface RunBook {
  /** Resolves when the run is queued and, with a state file, would survive a restart. */
  accept(run: { uuid: string; request: RunRequest; fate: RunFate }, requestBody: Buffer): Promise<Run>;
  find(uuid: string): Run | undefined;
  /** Hands a finished run out and forgets it: a result can be read once (API facts, section 3.2). */
  take(run: Run): Promise<Outcome | null>;
  /** Resolves when the run is finished or gone, the time is over, or `signal` fires. */
  settled(run: Run, timeoutMs: number, signal: AbortSignal): Promise<void>;
  /** Queued and running runs. */
  outstanding(): number;
  /** Queued runs ahead of this one. */
  ahead(run: Run): number;
  /** From now on computed runs stay running. */
  hold(): void;
  /** Lets this many held runs (oldest first) finish and keeps holding; without a number lets all go and holds no more. */
  release(count?: number): void;
  /** Forgets every run, as a restarted server without a store would. */
  forget(): Promise<void>;
  /** Queues the runs that the last simulator left. */
  restore(): Promise<void>;
  /** Applies changed settings that free workers. */
  refresh(): void;
  close(): void;
}

interface RunBookParts {
  settings: () => Settings;
  random: Random;
  stats: StatsBook;
  stateFile: StateFile;
  parse: (requestBody: Buffer) => RunRequest | null;
  execute: (request: RunRequest) => Promise<Outcome>;
  nowMs: () => number;
}

interface Gate {
  /** Passes at once when nothing is held. */
  pass(run: Run): Promise<void>;
  hold(): void;
  release(count?: number): void;
  drop(run: Run): void;
}

function createGate(onChange: (held: number) => void): Gate {
  let held = false;
  const waiting = new Map<Run, () => void>();
  return {
    pass(run) {
      if (!held) return Promise.resolve();
      return new Promise((resolve) => {
        waiting.set(run, resolve);
        onChange(waiting.size);
      });
    },
    hold() {
      held = true;
    },
    release(count = Infinity) {
      if (count === Infinity) held = false;
      for (const [run, resolve] of [...waiting].slice(0, count)) {
        waiting.delete(run);
        resolve();
      }
      onChange(waiting.size);
    },
    drop(run) {
      waiting.get(run)?.();
      waiting.delete(run);
      onChange(waiting.size);
    },
  };
}

export function createRunBook(parts: RunBookParts): RunBook {
  const runs = new Map<string, Run>();
  const queue: Run[] = [];
  const gate = createGate((held) =>
    parts.stats.change((stats) => {
      stats.held = held;
    }),
  );
  const closing = new AbortController();
  let running = 0;

  function settle(run: Run, state: "finished" | "gone"): void {
    run.state = state;
    for (const wake of run.onSettled) wake();
    run.onSettled.clear();
  }

  function countOutstanding(): void {
    parts.stats.change((stats) => {
      stats.outstanding = queue.length + running;
      stats.unfetched = runs.size;
    });
  }

  async function drop(run: Run): Promise<void> {
    if (!runs.delete(run.uuid)) return;
    const place = queue.indexOf(run);
    if (place !== -1) queue.splice(place, 1);
    if (run.state !== "finished") settle(run, "gone");
    run.state = "gone";
    gate.drop(run);
    countOutstanding();
    await parts.stateFile.remove(run.uuid);
  }

  function dropAfterTtl(run: Run): void {
    const { resultTtlMs } = parts.settings();
    if (resultTtlMs === null) return;
    sleep(resultTtlMs, undefined, { signal: closing.signal, ref: false }).then(
      () => drop(run),
      () => undefined, // Closing: the run goes with the book.
    );
  }

  async function outcomeOf(run: Run): Promise<Outcome> {
    if (run.fate.kind === "error") return { ok: false, status: run.fate.status, message: run.fate.message };
    if (run.fate.kind === "endless") return { ok: true, resultsJson: "[]" };
    return parts.execute(run.request);
  }

  async function compute(run: Run): Promise<void> {
    const { minMs, maxMs } = parts.settings().latency;
    const runTime = sleep(parts.random.between(minMs, maxMs), undefined, { signal: closing.signal });
    const [outcome] = await Promise.all([outcomeOf(run), runTime]);
    await gate.pass(run);
    if (run.state !== "running" || closing.signal.aborted) return;
    if (run.fate.kind === "endless") return drop(run);
    run.outcome = outcome;
    settle(run, "finished");
    parts.stats.change((stats) => {
      stats.finished += 1;
    });
    dropAfterTtl(run);
  }

  function start(run: Run): void {
    run.state = "running";
    running += 1;
    compute(run)
      .catch((error: unknown) => {
        if (!closing.signal.aborted) throw error;
      })
      .finally(() => {
        running -= 1;
        countOutstanding();
        pump();
      });
  }

  function pump(): void {
    while (!closing.signal.aborted && running < parts.settings().workers) {
      const run = queue.shift();
      if (!run) return;
      start(run);
    }
  }

  function enqueue(run: Pick<Run, "uuid" | "request" | "fate">): Run {
    const { uuid, request, fate } = run;
    const queued: Run = {
      uuid,
      request,
      fate,
      acceptedAtMs: parts.nowMs(),
      state: "queued",
      outcome: null,
      onSettled: new Set(),
    };
    runs.set(uuid, queued);
    queue.push(queued);
    pump();
    countOutstanding();
    return queued;
  }

  return {
    async accept(run, requestBody) {
      await parts.stateFile.add({ uuid: run.uuid, fate: run.fate }, requestBody);
      const { sha256 } = run.request;
      parts.stats.change((stats) => {
        stats.accepted += 1;
        parts.stats.run(run.uuid).sha256 = sha256;
        if (sha256) parts.stats.image(sha256).accepted += 1;
      });
      return enqueue(run);
    },
    find: (uuid) => runs.get(uuid),
    async take(run) {
      if (run.state !== "finished") return null;
      const { outcome } = run;
      parts.stats.change((stats) => {
        stats.taken += 1;
        parts.stats.run(run.uuid).taken = true;
        if (run.request.sha256) parts.stats.image(run.request.sha256).taken += 1;
      });
      await drop(run);
      return outcome;
    },
    settled(run, timeoutMs, signal) {
      if (run.state === "finished" || run.state === "gone" || signal.aborted) return Promise.resolve();
      return new Promise((resolve) => {
        const done = (): void => {
          clearTimeout(timer);
          signal.removeEventListener("abort", done);
          run.onSettled.delete(done);
          resolve();
        };
        const timer = setTimeout(done, timeoutMs);
        run.onSettled.add(done);
        signal.addEventListener("abort", done);
      });
    },
    outstanding: () => queue.length + running,
    ahead: (run) => Math.max(0, queue.indexOf(run)),
    hold: () => gate.hold(),
    release: (count) => gate.release(count),
    async forget() {
      await Promise.all([...runs.values()].map(drop));
    },
    async restore() {
      for (const { run, requestBody } of await parts.stateFile.load()) {
        const request = parts.parse(requestBody);
        if (request) enqueue({ ...run, request });
      }
    },
    refresh: pump,
    close() {
      closing.abort();
      for (const run of runs.values()) gate.drop(run);
    },
  };
}
