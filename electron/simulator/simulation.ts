import type { Faults } from "./faults.ts";
import type { RunBook } from "./run-book.ts";
import type { Settings } from "./settings.ts";
import type { SignIn } from "./sign-in.ts";
import type { StatsBook } from "./stats.ts";

/** What the routes of one simulator share. */
export interface Simulation {
  settings(): Settings;
  faults: Faults;
  stats: StatsBook;
  book: RunBook;
  signIn: SignIn;
  /** `http://127.0.0.1:<port>`, without a slash at the end. */
  origin(): string;
  /** Resolves when a sleeping deployment has woken up; the first caller wakes it. */
  awake(): Promise<void>;
  /** Monotonic milliseconds. */
  nowMs(): number;
}
