import { createRandom, type Random } from "../../../electron/simulator/random.ts";
import { startEngineProcess } from "../../support/crash-loop.ts";
import { openRig, type Rig } from "../../support/open-rig.ts";
import { writePictures } from "../../support/pictures.ts";
import { waitThroughClockSetBack } from "../support/clock-set-back.ts";
import { obeyRetryAfter } from "../support/retry-after.ts";
import { createNotebook, type Notebook, type Runner, type Size, type Verdict } from "../support/runner.ts";
import { within } from "../support/within.ts";
import { checkAllDone } from "../support/witnesses.ts";

/** The engine's clock is the server's here: what is measured there is what was asked for. */
const SPEED = 1;
const COUNT = 6;
/** Longer than a restart takes, so that a restart alone does not wait it out. */
const WINDOW_MS = 4_000;
/** A run in doubt of which nobody knows how long it takes is waited for a minute; beside that the window and a restart. */
const LONGEST_PAUSE_MS = 60_000 + WINDOW_MS + 9_000;
/** What the last engine may take: a window for each of the images that are left, and some. */
const LAST_LIFE_MS = 90_000;
const JUMPING = `--import=${new URL("../support/jumping-date.ts", import.meta.url).href}`;

function arrivals(rig: Rig): number[] {
  return rig.simulator.control.stats().puts.map((put) => put.atMs);
}

/** The most submissions that any window `(t - WINDOW_MS, t]` held, by the server's own clock. */
function mostInWindow(times: readonly number[]): number {
  const inside = (end: number): number => times.filter((at) => at <= end && at > end - WINDOW_MS).length;
  return Math.max(0, ...times.map(inside));
}

/** Kills engines whose wall clock jumps; the server counts. */
async function killAndJump(book: Notebook, random: Random, kills: number): Promise<void> {
  await using rig = await openRig({
    speed: SPEED,
    limits: { concurrency: 12, rate: { count: COUNT, windowMs: WINDOW_MS } },
  });
  const { control } = rig.simulator;
  const written = await writePictures(rig.folder, (kills + 1) * COUNT);
  control.script({ on: "put", skip: 2, times: 2, fault: { kind: "reset-after" } });
  let wall = 0;
  for (let kill = 0; kill <= kills; kill++) {
    const engine = startEngineProcess(rig, { speed: SPEED, nodeArgs: [JUMPING] });
    if (kill === kills) {
      const ended = await within(LAST_LIFE_MS, engine.ending());
      book.check(ended, "The last engine did not come to its end in time");
      await engine.kill();
      break;
    }
    const at = control.stats().requests.put + random.between(2, COUNT);
    await Promise.race([control.until((stats) => stats.requests.put >= at), engine.ending()]);
    await engine.kill();
    wall++;
  }
  await rig.open();
  await checkAllDone(book, rig, written);
  const times = arrivals(rig);
  const most = mostInWindow(times);
  const pauses = times.slice(1).map((at, i) => at - (times[i] ?? at));
  const longest = Math.max(...pauses);
  const jumps = Math.floor(((times.at(-1) ?? 0) - (times[0] ?? 0)) / 700);
  book.figure("kills", wall);
  book.figure("clock jumps of ±1 h and ±1 day", jumps);
  book.figure("submissions", times.length);
  book.figure("most in any window", `${String(most)} of ${String(COUNT)}`);
  book.figure("longest pause, s", longest / 1_000);
  book.check(
    most <= COUNT,
    `${String(most)} submissions in one window of ${String(WINDOW_MS)} ms, ${String(COUNT)} allowed`,
  );
  book.check(longest <= LONGEST_PAUSE_MS, `Nothing was submitted for ${String(longest / 1_000)} s`);
  book.check(jumps > 5, "The clock did not jump");
}

async function run({ short, seed }: Size): Promise<Verdict> {
  const book = createNotebook();
  await obeyRetryAfter(book, short);
  await waitThroughClockSetBack(book, "running");
  await waitThroughClockSetBack(book, "stopped");
  await killAndJump(book, createRandom(seed), short ? 2 : 6);
  return book.verdict();
}

export const runner: Runner = {
  promise:
    "P12, P13, P18: never more submissions than allowed in any sliding window at the server, across kills and clock jumps, and never one before Retry-After has passed.",
  inShortForm: false,
  limitS: { short: 180, full: 300 },
  run,
  controls: [
    {
      name: "persisted",
      without: "the starts that outlive the program",
      patches: [
        {
          file: "electron/engine/dispatch/rate.ts",
          find: "let entries: Entry[] = earlier.flatMap((start) => earlierEntry(start, limit, mono(), now()));",
          replace: "let entries: Entry[] = [];",
        },
      ],
    },
    {
      name: "wall",
      without: "the monotonic clock",
      patches: [
        {
          file: "electron/engine/batch-runner.ts",
          find: "createRate({ limit, earlier, mono: () => clock.mono()",
          replace: "createRate({ limit, earlier, mono: () => clock.now()",
        },
      ],
    },
    {
      name: "set-back",
      without: "the look at a wall clock that was set back",
      patches: [
        {
          file: "electron/engine/clock-watch.ts",
          find: "if (Math.abs(jump) > CLOCK_JUMP_MS)",
          replace: "if (Math.abs(jump) < 0)",
        },
      ],
    },
    {
      name: "set-back-while-stopped",
      without: "the look at the wall clock at a start",
      patches: [
        {
          file: "electron/engine/batch-runner.ts",
          find: "await bringForward();",
          replace: "",
        },
      ],
    },
    {
      name: "retry-after",
      without: "the reading of Retry-After",
      patches: [
        {
          file: "electron/engine/deployment/classify.ts",
          find: 'retryAfterMs(reply.headers["retry-after"], asked.nowMs)',
          replace: "null as ReturnType<typeof retryAfterMs>",
        },
      ],
    },
  ],
};
