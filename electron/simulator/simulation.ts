import { performance } from "node:perf_hooks";
import { execute } from "./execute.ts";
import { createFaults, type Faults } from "./faults.ts";
import { createRandom } from "./random.ts";
import { createRunBook, type RunBook } from "./run-book.ts";
import { parseRunRequest, type RunRequest } from "./run-request.ts";
import { changeSettings, DEFAULT_SETTINGS, type Settings, type SimulatorOptions } from "./settings.ts";
import { createSignIn, type SignIn } from "./sign-in.ts";
import { createSleeper, type Sleeper } from "./sleeper.ts";
import { NO_STATE_FILE, openStateFile } from "./state-file.ts";
import { createStats, type StatsBook } from "./stats.ts";

/** What the routes of one simulator share; it knows nothing of HTTP. */
export interface Simulation {
  settings(): Settings;
  /** Replaces the settings; runs that wait for a worker may start. */
  apply(settings: Settings): void;
  faults: Faults;
  stats: StatsBook;
  book: RunBook;
  signIn: SignIn;
  sleeper: Sleeper;
  /** Monotonic milliseconds. */
  nowMs(): number;
}

function requestOf(body: Buffer): RunRequest | null {
  const parsed = parseRunRequest(body);
  return parsed.ok ? parsed.value : null;
}

export function createSimulation({ seed = 1, stateFile, ...change }: SimulatorOptions): Simulation {
  let settings = changeSettings(DEFAULT_SETTINGS, change);
  const random = createRandom(seed);
  const stats = createStats();
  const nowMs = (): number => performance.now();
  const book = createRunBook({
    settings: () => settings,
    random,
    stats,
    stateFile: stateFile === undefined ? NO_STATE_FILE : openStateFile(stateFile),
    parse: requestOf,
    execute,
    nowMs,
  });
  return {
    settings: () => settings,
    apply(changed) {
      settings = changed;
      book.refresh();
    },
    faults: createFaults({
      random,
      rates: () => settings.faults,
      count: (name) => stats.change((s) => (s.faults[name] = (s.faults[name] ?? 0) + 1)),
    }),
    stats,
    book,
    signIn: createSignIn(),
    sleeper: createSleeper(() => settings.coldStartMs),
    nowMs,
  };
}
