import type { FaultName, FaultRates } from "./fault-names.ts";
import type { Random } from "./random.ts";
import type { PutFault, ResultsFault, ScriptEntry, TokenFault, WorkflowFault } from "./script.ts";

/** What becomes of an accepted run; `endless` runs compute but never show a result. */
export type RunFate =
  { kind: "computed" } | { kind: "error"; status: 500 | 520; message: string } | { kind: "endless" };

/** The faults that only make sense when there is a result to spoil. */
const NEEDS_RESULT: readonly ResultsFault["kind"][] = [
  "lost",
  "cut",
  "cut-wire",
  "drip",
  "odd",
  "body",
  "large",
];

/** Decides what goes wrong: scripted faults first, in the order they were queued, then chance. */
export interface Faults {
  /** For the next PUT, before its body is read. */
  onPut(): PutFault | null;
  /** For a PUT whose image is known; only scripted faults aimed at that image. */
  onPutImage(sha256: string): PutFault | null;
  /** The random part of an accepted run's fate. */
  fate(): RunFate;
  /** For a results request as it arrives. */
  onResults(sha256: string | null): ResultsFault | null;
  /** For a results request that is about to get its result. */
  onResult(sha256: string | null): ResultsFault | null;
  onToken(): TokenFault | null;
  onWorkflow(): WorkflowFault | null;
  queue(entries: readonly ScriptEntry[]): void;
  clear(): void;
}

interface FaultParts {
  random: Random;
  rates: () => FaultRates;
  /** Called once for every fault that was decided. */
  count: (name: string) => void;
}

interface Pending {
  entry: ScriptEntry;
  skip: number;
  times: number;
}

function firesOnResult(entry: ScriptEntry & { on: "results" }): boolean {
  return entry.when === "ready" || NEEDS_RESULT.includes(entry.fault.kind);
}

/** Owns the script and the dice of one simulator. */
export function createFaults(parts: FaultParts): Faults {
  let pending: Pending[] = [];

  function fromScript(fits: (entry: ScriptEntry) => boolean): ScriptEntry | null {
    for (const candidate of pending) {
      if (!fits(candidate.entry)) continue;
      if (candidate.skip > 0) {
        candidate.skip -= 1;
        continue;
      }
      candidate.times -= 1;
      if (candidate.times <= 0) pending = pending.filter((other) => other !== candidate);
      parts.count(`script:${candidate.entry.on}/${candidate.entry.fault.kind}`);
      return candidate.entry;
    }
    return null;
  }

  function rolled(name: FaultName): boolean {
    if (!parts.random.chance(parts.rates()[name] ?? 0)) return false;
    parts.count(name);
    return true;
  }

  function randomPut(): PutFault | null {
    if (rolled("put-reset-before")) return { kind: "reset" };
    if (rolled("put-reset-after")) return { kind: "reset-after" };
    if (rolled("put-429")) return { kind: "status", status: 429 };
    if (rolled("put-503")) return { kind: "status", status: 503 };
    if (rolled("put-504")) return { kind: "status", status: 504, accepted: parts.random.chance(0.5) };
    if (rolled("put-html")) return { kind: "html" };
    return null;
  }

  function randomResult(): ResultsFault | null {
    if (rolled("get-lost")) return { kind: "lost" };
    if (!rolled("get-cut")) return null;
    const framing = (["length", "chunked", "close"] as const)[parts.random.between(0, 2)] ?? "length";
    return { kind: "cut", afterBytes: parts.random.between(0, 200), framing };
  }

  function scriptedResults(onResult: boolean, sha256: string | null): ResultsFault | null {
    const entry = fromScript(
      (e) =>
        e.on === "results" &&
        firesOnResult(e) === onResult &&
        (e.sha256 === undefined || e.sha256 === sha256),
    );
    return entry?.on === "results" ? entry.fault : null;
  }

  return {
    onPut() {
      const entry = fromScript((e) => e.on === "put" && e.sha256 === undefined);
      return entry?.on === "put" ? entry.fault : randomPut();
    },
    onPutImage(sha256) {
      const entry = fromScript((e) => e.on === "put" && e.sha256 === sha256);
      return entry?.on === "put" ? entry.fault : null;
    },
    fate() {
      if (rolled("run-500")) return { kind: "error", status: 500, message: "Workflow Run Error" };
      if (rolled("run-520"))
        return { kind: "error", status: 520, message: "Injected failure of the workflow" };
      return rolled("endless-202") ? { kind: "endless" } : { kind: "computed" };
    },
    onResults(sha256) {
      const scripted = scriptedResults(false, sha256);
      if (scripted) return scripted;
      return rolled("get-502") ? { kind: "status", status: 502, consumed: parts.random.chance(0.5) } : null;
    },
    onResult: (sha256) => scriptedResults(true, sha256) ?? randomResult(),
    onToken() {
      const entry = fromScript((e) => e.on === "token");
      if (entry?.on === "token") return entry.fault;
      return rolled("jwt-short") ? { kind: "short", lifeMs: 300 } : null;
    },
    onWorkflow() {
      const entry = fromScript((e) => e.on === "workflow");
      return entry?.on === "workflow" ? entry.fault : null;
    },
    queue(entries) {
      pending.push(
        ...entries.map((entry) => ({
          entry,
          skip: entry.skip ?? 0,
          times: entry.times === "always" ? Infinity : (entry.times ?? 1),
        })),
      );
    },
    clear() {
      pending = [];
    },
  };
}
