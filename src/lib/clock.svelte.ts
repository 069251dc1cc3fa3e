/** The wall clock of the window in milliseconds, ticking once a second while it is visible. */
export class Clock {
  #now = $state(Date.now());

  get now(): number {
    return this.#now;
  }

  start(): () => void {
    const tick = (): void => {
      if (document.visibilityState === "visible") this.#now = Date.now();
    };
    const timer = setInterval(tick, 1000);
    document.addEventListener("visibilitychange", tick);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", tick);
    };
  }
}
