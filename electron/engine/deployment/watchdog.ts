/** One timer of a request. It barks once when nothing reset it for the time it was given. */
export interface Watchdog {
  /** Starts over with this time, milliseconds. */
  watch(ms: number, bark: () => void): void;
  /** Something moved: the same time starts over. */
  progress(): void;
  stop(): void;
}

/**
 * After a sleep of the machine or a long stall of this process, timers fire before the bytes that arrived
 * meanwhile are read: those get this long to be noticed before the request is given up.
 */
const SECOND_LOOK_MS = 250;

/** A watchdog that takes a second look before it barks. */
export function createWatchdog(): Watchdog {
  let timer: NodeJS.Timeout | null = null;
  let current: { ms: number; bark: () => void } | null = null;
  let isSecondLook = false;

  function start(ms: number, then: () => void): void {
    if (timer !== null) clearTimeout(timer);
    timer = setTimeout(then, ms);
  }

  function restart(): void {
    const watched = current;
    if (watched === null) return;
    isSecondLook = false;
    start(watched.ms, () => {
      isSecondLook = true;
      start(Math.min(watched.ms, SECOND_LOOK_MS), watched.bark);
    });
  }

  return {
    watch(ms, bark) {
      current = { ms, bark };
      restart();
    },
    progress() {
      // Called for every piece of a picture: a timer that only starts over costs least.
      if (isSecondLook) restart();
      else if (current !== null) timer?.refresh();
    },
    stop() {
      if (timer !== null) clearTimeout(timer);
      timer = null;
      current = null;
    },
  };
}
