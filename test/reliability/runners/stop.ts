import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRandom, type Random } from "../../../electron/simulator/random.ts";
import { startSimulator } from "../../../electron/simulator/server.ts";
import { writePictures } from "../../support/pictures.ts";
import { personsEnv, startCommand, type Command } from "../support/command.ts";
import { brokenLedger, lookInto } from "../support/invariants.ts";
import { createNotebook, type Notebook, type Runner, type Size, type Verdict } from "../support/runner.ts";

const PICTURES = 12;
const QUIT_WITHIN_MS = 10_000;
/** What a busy machine may add to it. */
const SLACK_MS = 1_500;
const EXIT_DONE = 0;
const EXIT_STOPPED = 3;
const LANES = 3;

/** How a turn goes: what the deployment is doing when the command is told to stop. */
const MOODS = [
  { name: "runs end soon", latency: { minMs: 0, maxMs: 1500 } },
  { name: "results drip", latency: { minMs: 0, maxMs: 200 } },
  { name: "runs take long", latency: { minMs: 40_000, maxMs: 60_000 } },
] as const;
type Mood = (typeof MOODS)[number];

interface Turn extends AsyncDisposable {
  readonly data: string;
  readonly simulator: Awaited<ReturnType<typeof startSimulator>>;
  start(): Command;
}

async function openTurn(mood: Mood): Promise<Turn> {
  const place = await mkdtemp(join(tmpdir(), "nightrun-stop-"));
  const simulator = await startSimulator({ latency: mood.latency, workers: 20 });
  if (mood.name === "results drip")
    simulator.control.script({
      on: "results",
      fault: { kind: "drip", bytes: 20, everyMs: 150 },
      times: "always",
    });
  const pictures = join(place, "pictures");
  await mkdir(pictures);
  await writePictures(pictures, PICTURES);
  const data = join(place, "night.db");
  const args = ["run", pictures, "--data", data, "--deployment", simulator.url, "--output", "image_facts:0"];
  const env = { ...personsEnv(place), IKOMIA_URL: simulator.tokenService, IKOMIA_TOKEN: simulator.token };
  return {
    data,
    simulator,
    start: () => startCommand([...args, "--concurrency", "5"], { env, cwd: place }),
    async [Symbol.asyncDispose]() {
      await simulator.close();
      await rm(place, { recursive: true, force: true });
    },
  };
}

interface Left {
  stages: Record<string, number>;
  /** Run ids whose result is not recorded. */
  unfinished: Set<string>;
  unsent: number;
  broken: string[];
}

function whatIsLeft(data: string): Left {
  return lookInto(data, (db) => {
    const stages = db.sql("SELECT stage, count(*) AS n FROM images WHERE current = 1 GROUP BY stage").all();
    const runs = db.sql("SELECT uuid, state FROM runs").all() as { uuid: string | null; state: string }[];
    return {
      stages: Object.fromEntries(
        (stages as { stage: string; n: number }[]).map(({ stage, n }) => [stage, n]),
      ),
      unfinished: new Set(
        runs.flatMap(({ uuid, state }) => (uuid === null || state === "DONE" ? [] : [uuid])),
      ),
      unsent: runs.filter(({ state }) => state === "INTENT").length,
      broken: brokenLedger(db),
    };
  });
}

/** The same command again must finish what is left. Gives how many submissions were accepted in all. */
async function resume(book: Notebook, turn: Turn, mood: Mood): Promise<number> {
  turn.simulator.control.clearScript();
  turn.simulator.control.change({ latency: { minMs: 0, maxMs: 0 } });
  const again = turn.start();
  const code = await again.ended;
  book.check(
    code === EXIT_DONE,
    `${mood.name}: the same command ended with ${String(code)}: ${again.text()}`,
  );
  return turn.simulator.control.stats().accepted;
}

interface Counts {
  stops: number;
  kills: number;
  downloads: number;
  longestMs: number;
}

async function stopOnce(
  book: Notebook,
  counts: Counts,
  { mood, isKilled, random }: { mood: Mood; isKilled: boolean; random: Random },
): Promise<void> {
  await using turn = await openTurn(mood);
  const { control } = turn.simulator;
  const command = turn.start();
  await control.until((stats) => stats.accepted > 0);
  await new Promise((resolve) => setTimeout(resolve, random.between(0, 1500)));
  const openDownloads = control.stats().openGets;
  const startedMs = performance.now();
  command.child.kill("SIGTERM");
  counts.stops += 1;
  // Who does not quit in time is killed, as a service manager would.
  const killAfterMs = isKilled ? random.between(0, 400) : QUIT_WITHIN_MS + 2 * SLACK_MS;
  const killer = setTimeout(() => command.child.kill("SIGKILL"), killAfterMs);
  const code = await command.ended;
  clearTimeout(killer);
  const tookMs = performance.now() - startedMs;
  const left = whatIsLeft(turn.data);
  const stats = control.stats();
  for (const sentence of left.broken) book.check(false, sentence);
  if (isKilled) counts.kills += 1;
  else {
    counts.longestMs = Math.max(counts.longestMs, tookMs);
    counts.downloads += openDownloads;
    book.check(
      tookMs <= QUIT_WITHIN_MS + SLACK_MS,
      `${mood.name}: it took ${String(Math.round(tookMs))} ms to quit`,
    );
    const done = left.stages.DONE ?? 0;
    const wanted = done === PICTURES ? EXIT_DONE : EXIT_STOPPED;
    book.check(
      code === wanted,
      `${mood.name}: exit code ${String(code)} with ${String(done)} of ${String(PICTURES)} done`,
    );
    book.check(
      left.unsent === 0,
      `${mood.name}: ${String(left.unsent)} images were left in the middle of being sent`,
    );
    const dropped = Object.entries(stats.runs).filter(([uuid]) => left.unfinished.has(uuid));
    const lost = stats.taken - (stats.accepted - dropped.length);
    book.check(lost <= 0, `${mood.name}: ${String(lost)} results were handed out and are not stored`);
  }
  if (mood.name === "runs take long") return;
  const accepted = await resume(book, turn, mood);
  const sentAgain = lookInto(
    turn.data,
    (db) =>
      (
        db
          .sql(
            "SELECT count(*) AS n FROM events WHERE kind IN ('sent-again', 'result-lost', 'workflow-failed')",
          )
          .get() as { n: number }
      ).n,
  );
  const isExplained = isKilled ? accepted <= PICTURES + sentAgain : accepted === PICTURES;
  book.check(
    isExplained,
    `${mood.name}: ${String(accepted)} submissions for ${String(PICTURES)} pictures, ${String(sentAgain)} explained`,
  );
}

async function run({ short, seed }: Size): Promise<Verdict> {
  const book = createNotebook();
  const counts: Counts = { stops: 0, kills: 0, downloads: 0, longestMs: 0 };
  const turns = short ? 3 : 18;
  const lane = async (first: number): Promise<void> => {
    const random = createRandom(seed * 10 + first);
    for (let turn = first; turn < turns; turn += LANES)
      await stopOnce(book, counts, {
        mood: MOODS[(turn + Math.floor(turn / LANES)) % MOODS.length] ?? MOODS[0],
        isKilled: turn >= LANES && random.chance(0.4),
        random,
      });
  };
  await Promise.all(Array.from({ length: LANES }, (_, number) => lane(number)));
  book.figure("told to stop", counts.stops);
  book.figure("of these killed soon after", counts.kills);
  book.figure("questions for results under way when told", counts.downloads);
  book.figure("longest way to the end, ms", Math.round(counts.longestMs));
  book.check(
    counts.stops === turns && counts.downloads > 0,
    "Nothing was under way when it was told to stop",
  );
  return book.verdict();
}

export const runner: Runner = {
  promise:
    "P22: told to stop, a run quits within 10 s; what it has begun to download is stored, what is not sent goes back, and killing it then loses nothing.",
  inShortForm: false,
  limitS: { short: 90, full: 240 },
  run,
  controls: [
    {
      name: "drain",
      without: "the wait for downloads that have begun",
      patches: [
        {
          file: "electron/engine/batch-runner.ts",
          find: "await pump.drain();\n      clearTimeout(timer);",
          replace: "clearTimeout(timer);",
        },
      ],
    },
    {
      name: "deadline",
      without: "the end of collecting after 10 s",
      patches: [
        {
          file: "electron/engine/batch-runner.ts",
          find: "const timer = setTimeout(() => stopped.abort(), deadlineMs);",
          replace: "const timer = setTimeout(() => undefined, deadlineMs);",
        },
      ],
    },
    {
      name: "signal",
      without: "the first signal being taken in hand",
      patches: [
        {
          file: "electron/cli/interruption.ts",
          find: "takeInHand: () => void (isInHand = true),",
          replace: "takeInHand: () => undefined,",
        },
      ],
    },
  ],
};
