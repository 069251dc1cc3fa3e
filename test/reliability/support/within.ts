const LOOK_EVERY_MS = 20;

/** Whether a promise resolves within so many milliseconds of real time; a proof must come to a verdict. */
export async function within(ms: number, promise: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  const inTime = await Promise.race([promise.then(() => true as const), late]);
  clearTimeout(timer);
  return inTime;
}

/** Whether a condition that nobody tells of comes to hold within so many milliseconds of real time. */
export async function comesTrue(ms: number, holds: () => boolean): Promise<boolean> {
  const untilMs = performance.now() + ms;
  while (!holds()) {
    if (performance.now() > untilMs) return false;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  return true;
}
