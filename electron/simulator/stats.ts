/** One `PUT /api/run` as it arrived. */
export interface PutRecord {
  /** When its head arrived: milliseconds on the simulator's monotonic clock. */
  atMs: number;
  /** Of the decoded image bytes; null when the body was not read or holds no image. */
  sha256: string | null;
  /** What it was answered; 0 = the connection was cut or left hanging. */
  status: number | null;
  /** The run it created, even if its caller was never told. */
  uuid: string | null;
}

export interface ImageCounts {
  /** Complete PUT bodies with these bytes. */
  puts: number;
  /** Runs created for them. */
  accepted: number;
  /** Results of them that were handed out, whole or spoiled. */
  taken: number;
}

export interface RunCounts {
  sha256: string | null;
  gets: number;
  /** Times that a results request began while another for the same id was open. */
  doubleGets: number;
  /** Whether its result was handed out, whole or spoiled. */
  taken: boolean;
}

/** Everything the simulator counted since it started or since `reset`. */
export interface SimulatorStats {
  requests: { token: number; workflow: number; put: number; results: number; login: number; page: number };
  puts: PutRecord[];
  images: Record<string, ImageCounts>;
  runs: Record<string, RunCounts>;
  doubleGets: number;
  /** Results requests that are open now. */
  openGets: number;
  /** Results requests for ids that no run has: what a health probe looks like. */
  unknownGets: number;
  /** Arrival of every request except control's, on the simulator's monotonic clock. */
  arrivalsMs: number[];
  /** Requests turned away for their JWT, and token requests turned away for their API token. */
  signInRefusals: number;
  tokenRefusals: number;
  /** Token requests that are open now, and the most that were open at once. */
  openTokens: number;
  maxOpenTokens: number;
  accepted: number;
  finished: number;
  taken: number;
  /** Runs queued or being computed. */
  outstanding: number;
  maxOutstanding: number;
  /** Computed runs that `hold` keeps running. */
  held: number;
  /** Runs accepted and not yet taken, dropped or lost. */
  unfetched: number;
  maxUnfetched: number;
  /** How often each fault was injected: random ones by name, scripted ones as `script:put/reset`. */
  faults: Record<string, number>;
}

function emptyStats(): SimulatorStats {
  return {
    requests: { token: 0, workflow: 0, put: 0, results: 0, login: 0, page: 0 },
    puts: [],
    images: {},
    runs: {},
    doubleGets: 0,
    openGets: 0,
    unknownGets: 0,
    arrivalsMs: [],
    signInRefusals: 0,
    tokenRefusals: 0,
    openTokens: 0,
    maxOpenTokens: 0,
    accepted: 0,
    finished: 0,
    taken: 0,
    outstanding: 0,
    maxOutstanding: 0,
    held: 0,
    unfetched: 0,
    maxUnfetched: 0,
    faults: {},
  };
}

/** Counts, and wakes whoever waits for a count. */
export interface StatsBook {
  /** The live counters; copy them before keeping them. */
  current(): SimulatorStats;
  /** Applies a change and then wakes waiters whose condition holds. */
  change(apply: (stats: SimulatorStats) => void): void;
  image(sha256: string): ImageCounts;
  run(uuid: string): RunCounts;
  /** Resolves as soon as the condition holds; rejects when `signal` fires first. */
  until(holds: (stats: SimulatorStats) => boolean, signal?: AbortSignal): Promise<void>;
  /** Starts counting anew; what is outstanding stays counted. */
  reset(): void;
}

interface Waiter {
  holds: (stats: SimulatorStats) => boolean;
  resolve: () => void;
}

export function createStats(): StatsBook {
  let stats = emptyStats();
  const waiters = new Set<Waiter>();

  function wake(): void {
    for (const waiter of waiters) {
      if (!waiter.holds(stats)) continue;
      waiters.delete(waiter);
      waiter.resolve();
    }
  }

  return {
    current: () => stats,
    change(apply) {
      apply(stats);
      stats.maxOutstanding = Math.max(stats.maxOutstanding, stats.outstanding);
      stats.maxOpenTokens = Math.max(stats.maxOpenTokens, stats.openTokens);
      stats.maxUnfetched = Math.max(stats.maxUnfetched, stats.unfetched);
      wake();
    },
    image: (sha256) => (stats.images[sha256] ??= { puts: 0, accepted: 0, taken: 0 }),
    run: (uuid) => (stats.runs[uuid] ??= { sha256: null, gets: 0, doubleGets: 0, taken: false }),
    until(holds, signal) {
      if (holds(stats)) return Promise.resolve();
      return new Promise((resolve, reject) => {
        const waiter = { holds, resolve };
        waiters.add(waiter);
        signal?.addEventListener("abort", () => {
          waiters.delete(waiter);
          reject(signal.reason as Error);
        });
      });
    },
    reset() {
      const { openGets, openTokens, outstanding, held, unfetched } = stats;
      stats = {
        ...emptyStats(),
        openGets,
        openTokens,
        maxOpenTokens: openTokens,
        outstanding,
        held,
        unfetched,
        maxOutstanding: outstanding,
        maxUnfetched: unfetched,
      };
    },
  };
}
