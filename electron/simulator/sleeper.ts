/** A serverless deployment's cold start. */
export interface Sleeper {
  /** Resolves when the deployment is awake. The first call wakes it; it and all beside it wait until that is done. */
  awake(): Promise<void>;
  /** Asleep again: the next call pays the cold start. */
  sleep(): void;
}

export function createSleeper(coldStartMs: () => number): Sleeper {
  let waking: Promise<void> | null = null;
  const wake = (): Promise<void> => {
    const ms = coldStartMs();
    return ms === 0 ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, ms).unref());
  };
  return {
    awake: () => (waking ??= wake()),
    sleep() {
      waking = null;
    },
  };
}
