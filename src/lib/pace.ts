export interface Pace {
  /** Runs the action now or, when it ran less than the interval ago, once at the end of the interval. */
  ask(): void;
  stop(): void;
}

/** Holds an action to one run per interval (milliseconds), never losing the last request. */
export function createPace(intervalMs: number, action: () => void): Pace {
  let timer: ReturnType<typeof setTimeout> | null = null;
  let last = -Infinity;

  function run(): void {
    timer = null;
    last = performance.now();
    action();
  }

  return {
    ask() {
      if (timer !== null) return;
      const wait = last + intervalMs - performance.now();
      if (wait <= 0) run();
      else timer = setTimeout(run, wait);
    },
    stop() {
      if (timer !== null) clearTimeout(timer);
      timer = null;
    },
  };
}
