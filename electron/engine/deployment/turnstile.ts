/** Lets at most `width` through at once, first come, first served. */
export interface Turnstile {
  /** Resolves when it is one's turn, with the way out, which may be taken more than once. */
  enter(): Promise<() => void>;
}

/**
 * The limit on connections is kept here and not in the HTTP library, so that waiting for one's turn is never
 * mistaken for a server that does not accept connections.
 */
export function createTurnstile(width: number): Turnstile {
  const waiting: (() => void)[] = [];
  let inside = 0;

  function leaveOnce(): () => void {
    let left = false;
    return () => {
      if (left) return;
      left = true;
      const next = waiting.shift();
      if (next === undefined) inside -= 1;
      else next();
    };
  }

  return {
    async enter() {
      if (inside < width) inside += 1;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      return leaveOnce();
    },
  };
}
