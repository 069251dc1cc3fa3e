/** What waits here for its reader before the sender is asked to pause, bytes. */
const ENOUGH_BYTES = 512 * 1024;

/** Bytes on their way from a socket to one reader, with back-pressure. */
export interface ByteQueue {
  /** False = enough for now: pause the sender until `onRoom`. */
  push(chunk: Uint8Array): boolean;
  end(): void;
  fail(error: Error): void;
  /** To be iterated once. Throws the error of `fail`, after all that came before it. */
  read(): AsyncGenerator<Uint8Array>;
}

/** `onRoom`: the reader caught up. `onLeave`: the reader left before the end. */
export function createByteQueue(options: {
  onRoom: () => void;
  onLeave: () => void;
  onWait: (waiting: boolean) => void;
}): ByteQueue {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  let paused = false;
  let ended: { error: Error | null } | null = null;
  let wake: (() => void) | null = null;

  function finish(error: Error | null): void {
    ended ??= { error };
    wake?.();
  }

  function throwIfBroken(): void {
    if (ended?.error != null) throw ended.error;
  }

  async function next(): Promise<Uint8Array | null> {
    while (chunks.length === 0 && ended === null) {
      options.onWait(true);
      await new Promise<void>((resolve) => (wake = resolve));
      wake = null;
      options.onWait(false);
    }
    const chunk = chunks.shift() ?? null;
    bytes -= chunk?.byteLength ?? 0;
    return chunk;
  }

  async function* read(): AsyncGenerator<Uint8Array> {
    let reachedEnd = false;
    try {
      for (let chunk = await next(); chunk !== null; chunk = await next()) {
        if (paused && bytes < ENOUGH_BYTES / 2) {
          paused = false;
          options.onRoom();
        }
        yield chunk;
      }
      reachedEnd = true;
    } finally {
      if (!reachedEnd) options.onLeave();
    }
    throwIfBroken();
  }

  return {
    push(chunk) {
      chunks.push(chunk);
      bytes += chunk.byteLength;
      wake?.();
      paused ||= bytes >= ENOUGH_BYTES;
      return !paused;
    },
    end: () => finish(null),
    fail: finish,
    read,
  };
}
