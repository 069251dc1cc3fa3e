/** A few things at a time, the newest request first: what a person looks at now goes before what scrolled away. */
export interface Lanes {
  /** null = given up before its turn came. */
  run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T | null>;
}

/** Requests beyond this are given up, the oldest first. */
const MOST_WAITING = 400;

interface Waiting {
  start: () => void;
  drop: () => void;
}

export function createLanes(width: number): Lanes {
  const waiting: Waiting[] = [];
  let busy = 0;

  function next(): void {
    busy -= 1;
    waiting.pop()?.start();
  }

  return {
    run: (work, signal) =>
      new Promise((resolve, reject) => {
        const entry: Waiting = {
          start: () => {
            signal.removeEventListener("abort", entry.drop);
            busy += 1;
            work().then(resolve, reject).finally(next);
          },
          drop: () => {
            const index = waiting.indexOf(entry);
            if (index >= 0) waiting.splice(index, 1);
            resolve(null);
          },
        };
        if (signal.aborted) resolve(null);
        else if (busy < width) entry.start();
        else {
          signal.addEventListener("abort", entry.drop, { once: true });
          waiting.push(entry);
          if (waiting.length > MOST_WAITING) waiting[0]?.drop();
        }
      }),
  };
}
