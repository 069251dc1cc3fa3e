import type { Clock } from "./clock.ts";
import type { Store } from "./store/store.ts";
import type { StoredImage } from "./store/rows.ts";
import { isSuspect } from "./transitions.ts";

/**
 * A session must have lived this long before a suspect is tried: a machine or a person that ends sessions at random ends
 * them while something else is in hand, and so proves the suspect innocent of that.
 */
const TRY_AFTER_MS = 60_000;

/**
 * The steps in which a picture or its result is opened and read, and in which it could take the program down. A suspect,
 * which was in hand when earlier sessions died, is in hand alone, and the data file says so, so that a death is its own.
 */
export interface Hands {
  /** One step of an image: beside others, or of a suspect alone. */
  hold<T>(image: Pick<StoredImage, "id" | "suspected">, work: () => Promise<T>): Promise<T>;
  /** Whether suspects are tried yet. */
  readonly mayTry: boolean;
}

export function createHands(store: Store, sessionId: number, clock: Clock): Hands {
  const beganMono = clock.mono();
  let beside = 0;
  let alone = 0;
  let isAloneInHand = false;
  let waiters: (() => void)[] = [];

  /** Whoever waits looks again by itself, and takes its place in that same moment. */
  const change = (): Promise<void> => new Promise<void>((resolve) => waiters.push(resolve));

  function wake(): void {
    const waiting = waiters;
    waiters = [];
    for (const resolve of waiting) resolve();
  }

  async function holdBeside<T>(work: () => Promise<T>): Promise<T> {
    while (alone > 0) await change();
    beside++;
    try {
      return await work();
    } finally {
      beside--;
      wake();
    }
  }

  async function holdAlone<T>(imageId: number, work: () => Promise<T>): Promise<T> {
    alone++;
    while (beside > 0 || isAloneInHand) await change();
    isAloneInHand = true;
    try {
      await store.call("takeAlone", { sessionId, imageId });
      return await work();
    } finally {
      await store.call("passAlone", { sessionId, imageId });
      isAloneInHand = false;
      alone--;
      wake();
    }
  }

  return {
    hold: (image, work) => (isSuspect(image) ? holdAlone(image.id, work) : holdBeside(work)),
    get mayTry() {
      return clock.mono() - beganMono >= TRY_AFTER_MS;
    },
  };
}
