import process from "node:process";

/** How a person (or the system) tells a command to stop. */
export interface Interruption {
  /** Aborts at the first signal, if the command takes it in hand. */
  readonly signal: AbortSignal;
  /** From now on the first signal only asks, and the second ends the program. Until then the first one ends it. */
  readonly takeInHand: () => void;
  /** The same as a signal: the reader of what a command writes went away. False: nobody has taken it in hand. */
  readonly ask: () => boolean;
  readonly dispose: () => void;
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Ended before everything was done; what is left waits in the data file. */
const STOPPED_EARLY = 3;

/** npm passes a Ctrl-C on that the terminal has already sent: what follows this closely is the same key press. */
const ECHO_MS = 60;

/** Listens for Ctrl-C, SIGTERM and a closed terminal. */
export function createInterruption(): Interruption {
  const asked = new AbortController();
  let isInHand = false;
  let askedAt = 0;
  const end = (): never => {
    // A progress bar hides the cursor.
    if (process.stderr.isTTY) process.stderr.write("\u001b[?25h\n");
    process.exit(STOPPED_EARLY);
  };
  const onSignal = (): void => {
    if (!isInHand) end();
    const isEcho = process.env.npm_command !== undefined && Date.now() - askedAt < ECHO_MS;
    if (asked.signal.aborted && !isEcho) end();
    if (asked.signal.aborted) return;
    askedAt = Date.now();
    asked.abort();
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  return {
    signal: asked.signal,
    takeInHand: () => void (isInHand = true),
    ask() {
      if (isInHand) asked.abort();
      return isInHand;
    },
    dispose() {
      for (const signal of SIGNALS) process.off(signal, onSignal);
    },
  };
}
