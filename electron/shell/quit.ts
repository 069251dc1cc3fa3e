import type { NightWork } from "./night-work.ts";

/** Results of runs that are paid for are collected for this long before the program ends. */
export const COLLECT_ON_QUIT_MS = 10_000;

/**
 * Whether closing the window keeps the program: while it works or watches a folder; on a Mac always.
 * `watches` = some batch is started, also if everything found so far is done.
 */
export function keepsRunning(
  work: NightWork,
  watches: boolean,
  platform: NodeJS.Platform,
  isQuitting: boolean,
): boolean {
  return !isQuitting && (platform === "darwin" || watches || work.running > 0 || work.isMoving);
}

export interface QuitQuestion {
  message: string;
  detail: string;
  /** The first is the one that is meant by Escape. */
  buttons: readonly ["Keep running", "Quit"];
}

/** What a person is asked before quitting; null = nothing is under way, so nothing is asked. */
export function quitQuestion(work: NightWork): QuitQuestion | null {
  if (!work.isMoving) return null;
  const waiting = work.seen - work.ended - work.inFlight;
  const inFlight =
    work.inFlight === 0
      ? ""
      : `${count(work.inFlight, "run is", "runs are")} being computed; results are collected for up to 10 s, and the others at the next start. `;
  return {
    message: "Quit Nightrun while it works?",
    detail: `${inFlight}${count(waiting, "image waits", "images wait")}. Nothing is lost: the next start goes on.`,
    buttons: ["Keep running", "Quit"],
  };
}

function count(n: number, one: string, many: string): string {
  return `${n.toLocaleString("en-US")} ${n === 1 ? one : many}`;
}

export interface QuitOptions {
  work: () => NightWork;
  /** true = quit. */
  ask: (question: QuitQuestion) => Promise<boolean>;
  /** Before the wait: the window goes, so that nothing looks usable any more. */
  onDraining: () => void;
  drain: (deadlineMs: number) => Promise<void>;
  exit: () => void;
}

/** Running, then draining, then gone; there is no way back from draining. */
export interface Quitter {
  readonly isQuitting: boolean;
  /** Asks if there is something to ask about. A second time while draining ends at once. */
  quit(): Promise<void>;
  /** The system is going down or asked for the end: nobody is asked, and little time is taken. */
  quitNow(deadlineMs: number): Promise<void>;
}

export function createQuitter(options: QuitOptions): Quitter {
  let isQuitting = false;
  let isAsking = false;

  async function drainAndExit(deadlineMs: number): Promise<void> {
    if (isQuitting) {
      // All that is known is in the data file: the next start goes on from there.
      options.exit();
      return;
    }
    isQuitting = true;
    options.onDraining();
    try {
      await options.drain(deadlineMs);
    } finally {
      options.exit();
    }
  }

  return {
    get isQuitting() {
      return isQuitting;
    },
    async quit() {
      if (isAsking) return;
      const question = isQuitting ? null : quitQuestion(options.work());
      if (question !== null) {
        isAsking = true;
        // A dialog that cannot be shown is no yes.
        const isWanted = await options.ask(question).catch(() => false);
        isAsking = false;
        if (!isWanted) return;
      }
      await drainAndExit(COLLECT_ON_QUIT_MS);
    },
    quitNow: drainAndExit,
  };
}
