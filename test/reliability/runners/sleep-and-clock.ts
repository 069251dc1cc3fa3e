import { startEngineProcess, type EngineProcess } from "../../support/crash-loop.ts";
import { openRig, type Rig, type RigOptions } from "../../support/open-rig.ts";
import { writePictures } from "../../support/pictures.ts";
import { createRandom } from "../../../electron/simulator/random.ts";
import { rowsOf } from "../support/rows.ts";
import { createNotebook, type Notebook, type Runner, type Size, type Verdict } from "../support/runner.ts";
import { within } from "../support/within.ts";
import { checkAllDone } from "../support/witnesses.ts";

const PRELOAD = new URL("../support/strange-time.ts", import.meta.url).href;
const HOUR_MS = 3_600_000;
/** Real milliseconds; a proof must come to a verdict. */
const PATIENCE_MS = 40_000;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const CONCURRENCY = 4;

/** An engine whose requests give up soon, or whose wall clock jumps. */
function startStrange(rig: Rig, speed: number, env: Record<string, string>): EngineProcess {
  const before = { ...process.env };
  Object.assign(process.env, env, {
    NODE_OPTIONS: [process.env.NODE_OPTIONS, `--import=${PRELOAD}`].filter(Boolean).join(" "),
  });
  try {
    return startEngineProcess(rig, { speed });
  } finally {
    for (const name of [...Object.keys(env), "NODE_OPTIONS"]) {
      if (before[name] === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = before[name];
    }
  }
}

interface Night {
  rig: Rig;
  written: Map<string, string>;
}

/** Everything came to its end, and nothing of it was the fault of an image. */
async function judge(
  book: Notebook,
  { rig, written }: Night,
  what: string,
  engine: EngineProcess,
): Promise<void> {
  const ended = await within(PATIENCE_MS, engine.ending());
  if (!ended) await engine.kill();
  book.check(ended, `${what}: it did not come to its end`);
  if (!ended) return;
  const images = await checkAllDone(book, rig, written);
  const spent = [...images.values()].reduce((sum, { uncertain, lost }) => sum + uncertain + lost, 0);
  book.check(spent === 0, `${what}: ${String(spent)} attempts were spent`);
  const { accepted } = rig.simulator.control.stats();
  book.check(
    accepted === written.size,
    `${what}: ${String(accepted)} submissions for ${String(written.size)} pictures`,
  );
}

/** The process stands still for longer than any request may take, while answers arrive. */
async function asleep(book: Notebook, { short, seed }: Size): Promise<void> {
  const speed = 60;
  const headMs = 1_000;
  const random = createRandom(seed);
  const options: RigOptions = {
    speed,
    limits: { concurrency: 8 },
    simulator: { latency: { minMs: 300, maxMs: 900 }, workers: 20, longPollMs: 0 },
  };
  await using rig = await openRig(options);
  const night = { rig, written: await writePictures(rig.folder, short ? 40 : 120) };
  const { control } = rig.simulator;
  // Slow to answer, so that some requests are on their way whenever it falls asleep.
  control.script({ on: "put", fault: { kind: "delay", ms: 300 }, times: "always" });
  const engine = startStrange(rig, speed, { NIGHTRUN_TEST_HEAD_MS: String(headMs) });
  let mostAtOnce = 0;
  const sleeps = short ? 2 : 5;
  for (let turn = 0; turn < sleeps; turn += 1) {
    const { accepted } = control.stats();
    await within(
      PATIENCE_MS,
      control.until((stats) => stats.accepted >= accepted + 6),
    );
    await pause(random.between(50, 300));
    engine.child.kill("SIGSTOP");
    await pause(2 * headMs + 500);
    const { results } = control.stats().requests;
    engine.child.kill("SIGCONT");
    await pause(60);
    mostAtOnce = Math.max(mostAtOnce, control.stats().requests.results - results);
  }
  await judge(book, night, "Asleep", engine);
  const told = rowsOf<{ n: number }>(rig, "SELECT count(*) AS n FROM events WHERE kind = 'slept'")[0]?.n ?? 0;
  book.figure("sleeps", sleeps);
  book.figure("each as long for the engine, s", (2.5 * speed * headMs) / 1000);
  book.figure("sleeps told", told);
  book.figure("questions within a 60 ms of waking, most", mostAtOnce);
  book.check(told >= sleeps, `${String(told)} of ${String(sleeps)} sleeps are told`);
}

/** The sign-in expires while the process stands still: it is renewed before anything is asked. */
async function signInFirst(book: Notebook, { short }: Size): Promise<void> {
  await using rig = await openRig({
    speed: 1,
    limits: { concurrency: CONCURRENCY },
    simulator: { latency: { minMs: 1_500, maxMs: 2_500 }, workers: 10, jwtSeconds: 2, longPollMs: 0 },
  });
  const night = { rig, written: await writePictures(rig.folder, short ? 12 : 24) };
  const engine = startEngineProcess(rig, { speed: 1 });
  const { control } = rig.simulator;
  // All wait for their results, and no question is under way.
  await control.until(
    (stats) => stats.taken >= 1 && stats.openGets === 0 && stats.outstanding === CONCURRENCY,
  );
  engine.child.kill("SIGSTOP");
  await pause(2_500);
  const before = control.stats().signInRefusals;
  engine.child.kill("SIGCONT");
  await judge(book, night, "Signed in before", engine);
  const refused = control.stats().signInRefusals - before;
  book.figure("requests with an expired sign-in after waking", refused);
  // One may have been on its way after all.
  book.check(refused <= 1, `${String(refused)} requests went out with an expired sign-in after waking`);
}

/** The wall clock is set by an hour and by a day, forth and back, while images wait to be sent again. */
async function clockJumps(book: Notebook, { short }: Size): Promise<void> {
  const speed = 20;
  await using rig = await openRig({
    speed,
    limits: { concurrency: 6 },
    simulator: { latency: { minMs: 200, maxMs: 800 }, workers: 10, longPollMs: 0 },
  });
  const written = await writePictures(rig.folder, short ? 60 : 90);
  // Each of these waits for a while before it is sent again.
  const unknown = Math.floor(written.size / 5);
  for (let number = 0; number < unknown; number += 1)
    rig.simulator.control.script({ on: "put", fault: { kind: "refuse-after" }, skip: 2 + 4 * number });
  const hours = [24, 0, 1, 24, 0, -1, 24, 1, 24, -24];
  const jumps = hours.map((many) => (many * HOUR_MS) / speed);
  const engine = startStrange(rig, speed, { NIGHTRUN_TEST_JUMPS: jumps.join(",") });
  const startedMs = performance.now();
  const ended = await within(PATIENCE_MS, engine.ending());
  if (!ended) await engine.kill();
  book.figure("unknown outcomes that had to wait", unknown);
  book.figure("clock set, times", hours.length);
  book.figure("clock set every, s of the engine's time", (500 * speed) / 1000);
  book.figure("came through jumping clocks in, s", (performance.now() - startedMs) / 1000);
  const left = rowsOf<{ stage: string; n: number }>(
    rig,
    "SELECT stage, count(*) AS n FROM images WHERE current = 1 GROUP BY stage",
  );
  book.check(ended, `While the clock jumped, it stood still: ${JSON.stringify(left)}`);
  if (ended) await checkAllDone(book, rig, written);
}

async function run(size: Size): Promise<Verdict> {
  const book = createNotebook();
  for (const part of [clockJumps, signInFirst, asleep]) {
    await part(book, size);
    if (book.verdict().broken.length > 0) break;
  }
  return book.verdict();
}

export const runner: Runner = {
  promise:
    "P17, P18: a machine that sleeps and a clock that is set spend no attempt and stop nothing; sleeps are told, and the sign-in is renewed before anything is asked.",
  inShortForm: false,
  limitS: { short: 120, full: 200 },
  cannotRun: () => (process.platform === "win32" ? "it stops processes as Unix does" : null),
  run,
  controls: [
    {
      name: "sign-in-first",
      without: "the age of a sign-in, which is looked at before it is used",
      patches: [
        {
          file: "electron/engine/deployment/auth.ts",
          find: "age < USABLE_SHARE * held.lifeMs",
          replace: "age < Infinity",
        },
      ],
    },
    {
      name: "moved-waits",
      without: "the waits that move with a clock that is set",
      patches: [
        {
          file: "electron/engine/clock-watch.ts",
          find: "Math.abs(jump) > CLOCK_JUMP_MS",
          replace: "Math.abs(jump) === Infinity",
        },
      ],
    },
  ],
};
