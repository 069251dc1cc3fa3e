import cliProgress from "cli-progress";
import type { Gate } from "../contract/gate.ts";
import { unfinished, type Ledger } from "../contract/image.ts";
import { durationText, grouped, type Console } from "./console.ts";
import { ledgerLine } from "./ledger-line.ts";

export interface ProgressState {
  ledger: Ledger;
  gates: readonly Gate[];
  gateSentence: string | null;
  walking: boolean;
}

/** Shows how far a run is: a bar on a terminal, a line a minute elsewhere. Never on stdout. */
export interface Progress {
  update(state: ProgressState): void;
  /** A line above the bar. */
  readonly note: (line: string) => void;
  stop(): void;
}

const LINE_EVERY_MS = 60_000;
const RATE_WINDOW_MS = 120_000;
const FORMAT = "{bar} {percentage}%  {value} of {total}  {extra}";

/** Images a minute and the time that is left, from the last two minutes. */
function createPace(now: () => number): (ended: number, left: number) => string {
  const samples: { at: number; ended: number }[] = [];
  return (ended, left) => {
    samples.push({ at: now(), ended });
    while (samples.length > 2 && (samples[0]?.at ?? 0) < now() - RATE_WINDOW_MS) samples.shift();
    const [first] = samples;
    if (first === undefined) return "";
    const tookMs = now() - first.at;
    const perMs = tookMs > 1000 ? (ended - first.ended) / tookMs : 0;
    if (perMs <= 0) return "";
    return `${grouped(Math.round(perMs * 60_000))}/min, ${durationText(left / perMs)} left`;
  };
}

function endedOf(ledger: Ledger): number {
  return ledger.seen - unfinished(ledger);
}

export function createProgress(console: Console, now: () => number): Progress {
  return console.isTerminal ? createBar(console, now) : createLines(console, now);
}

function createBar(console: Console, now: () => number): Progress {
  const pace = createPace(now);
  const bar = new cliProgress.SingleBar(
    {
      format: FORMAT,
      stream: console.err,
      hideCursor: true,
      clearOnComplete: true,
      linewrap: false,
      barsize: 24,
      gracefulExit: false,
    },
    cliProgress.Presets.rect,
  );
  let started = false;
  let gateShown: string | null = null;
  const progress: Progress = {
    update({ ledger, gateSentence, walking }) {
      const ended = endedOf(ledger);
      // A bar over nothing would read 100 %.
      if (!started && ledger.seen > 0) bar.start(ledger.seen, ended, { extra: "" });
      started ||= ledger.seen > 0;
      if (gateSentence !== gateShown) {
        gateShown = gateSentence;
        if (gateSentence !== null) progress.note(gateSentence);
      }
      if (!started) return;
      const counts = [
        ledger.failed > 0 ? `${grouped(ledger.failed)} failed` : "",
        ledger.inFlight > 0 ? `${grouped(ledger.inFlight)} in flight` : "",
        walking ? "looking at the folder" : pace(ended, unfinished(ledger)),
      ];
      bar.setTotal(ledger.seen);
      bar.update(ended, { extra: counts.filter((part) => part !== "").join("  ") });
    },
    note(line) {
      if (started) console.err.write("\r\u001b[K");
      console.say(line);
      if (started) bar.render();
    },
    stop() {
      if (started) bar.stop();
    },
  };
  return progress;
}

function createLines(console: Console, now: () => number): Progress {
  const pace = createPace(now);
  let lastAt = now();
  let gateShown: string | null = null;
  return {
    update({ ledger, gateSentence }) {
      if (gateSentence !== gateShown) {
        gateShown = gateSentence;
        if (gateSentence !== null) console.say(gateSentence);
      }
      if (now() - lastAt < LINE_EVERY_MS) return;
      lastAt = now();
      const speed = pace(endedOf(ledger), unfinished(ledger));
      console.say(`${ledgerLine(ledger)}${speed === "" ? "" : ` ${speed}`}`);
    },
    note: (line) => console.say(line),
    stop: () => undefined,
  };
}
