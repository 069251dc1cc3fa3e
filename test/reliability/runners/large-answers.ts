import { existsSync, readFileSync } from "node:fs";
import type { ScriptEntry } from "../../../electron/simulator/script.ts";
import { startEngineProcess } from "../../support/crash-loop.ts";
import { openRig } from "../../support/open-rig.ts";
import { writePictures } from "../../support/pictures.ts";
import { createNotebook, type Notebook, type Runner, type Size, type Verdict } from "../support/runner.ts";

const SPEED = 20;
const MB = 1_000_000;
const TRIES = 3;
const LOOK_EVERY_MS = 20;
/** P24: the longest that the event loop may be held up by one answer. */
const LONGEST_DELAY_MS = 250;
/** What reading one answer may take beside the engine itself; the largest that is read has 256 MiB. */
const MOST_RSS_MB = 1_800;
/** An answer that is only kept costs next to nothing. */
const MOST_RSS_KEPT_MB = 400;

interface Large {
  name: string;
  fault: Extract<ScriptEntry, { on: "results" }>["fault"];
  end: "DONE" | "FAILED";
  words?: string;
}

function answerOf(dataJson: string): string {
  return `{"eta":[0,0],"results":[{"DATA_DICT":${dataJson}}],"state":"SUCCESS"}`;
}

const manyValues = (count: number): string => answerOf(`{"values":[${"7,".repeat(count - 1)}7]}`);
const hugeKey = (bytes: number): string => answerOf(`{"${"k".repeat(bytes)}":1}`);

const SHORT: readonly Large[] = [
  { name: "picture of 50 MB", fault: { kind: "large", bytes: 50 * MB }, end: "DONE" },
  {
    name: "300 MB",
    fault: { kind: "large", bytes: 300 * MB },
    end: "FAILED",
    words: "too large to read",
  },
];
const FULL: readonly Large[] = [
  ...SHORT,
  { name: "picture of 250 MB", fault: { kind: "large", bytes: 250 * MB }, end: "DONE" },
  {
    name: "gzip bomb of 1 GB",
    fault: { kind: "large", bytes: 1_000 * MB, gzip: true },
    end: "FAILED",
    words: "not UTF-8",
  },
  { name: "7 million values", fault: { kind: "body", body: manyValues(7_000_000) }, end: "DONE" },
  {
    name: "9 million values",
    fault: { kind: "body", body: manyValues(9_000_000) },
    end: "FAILED",
    words: "values",
  },
  { name: "key of 50 MB", fault: { kind: "body", body: hugeKey(50 * MB) }, end: "DONE" },
  {
    name: "50 MB of brackets",
    fault: { kind: "body", body: "[".repeat(50 * MB) },
    end: "FAILED",
    words: "levels deep",
  },
];

/** The most memory that the process ever held, in MB, as far as the last look. */
function peakMb(pid: number): number {
  const file = `/proc/${String(pid)}/status`;
  if (!existsSync(file)) return 0;
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(file, "utf8"))?.[1] ?? 0) / 1024;
}

async function take(book: Notebook, large: Large): Promise<{ rssMb: number; delayMs: number }> {
  const { name, fault, end, words } = large;
  await using rig = await openRig({ speed: SPEED });
  await writePictures(rig.folder, 1);
  rig.simulator.control.script({ on: "results", fault, times: "always" });
  const engine = startEngineProcess(rig, { speed: SPEED, orders: { tellLoopDelay: true } });
  let rssMb = 0;
  const looking = setInterval(() => {
    rssMb = Math.max(rssMb, peakMb(engine.child.pid ?? 0));
  }, LOOK_EVERY_MS);
  const ending = await engine.ending();
  clearInterval(looking);
  book.check(ending?.kind === "complete", `${name}: the engine ended with ${JSON.stringify(ending)}`);
  const told = engine.lines.find((line) => line.startsWith("loop "))?.slice(5) ?? '{"maxMs":-1}';
  const { maxMs } = JSON.parse(told) as { maxMs: number };
  const [image] = await rig.images();
  const is = `${image?.stage ?? "unknown"} ${image?.failureJson ?? ""}`;
  book.check(image?.stage === end && is.includes(words ?? ""), `${name}: its image is ${is}`);
  const files = (await rig.resultFiles()).filter((file) => end === "DONE" || file.endsWith(".raw"));
  book.check(files.length > 0, `${name}: neither a result nor its raw answer is there`);
  const most = end === "DONE" ? MOST_RSS_MB : MOST_RSS_KEPT_MB;
  book.check(rssMb > 0 && rssMb <= most, `${name}: the engine held ${String(Math.round(rssMb))} MB`);
  book.check(maxMs >= 0, `${name}: the event loop was not measured`);
  return { rssMb, delayMs: maxMs };
}

/** A machine that is busy with something else holds the loop up, too: only what comes back is the answer's doing. */
async function takeQuietly(book: Notebook, large: Large): Promise<{ rssMb: number; delayMs: number }> {
  let seen = await take(book, large);
  for (let n = 1; n < TRIES && seen.delayMs > LONGEST_DELAY_MS; n++) seen = await take(book, large);
  const { delayMs } = seen;
  book.check(
    delayMs <= LONGEST_DELAY_MS,
    `${large.name}: the event loop was held up for ${String(Math.round(delayMs))} ms`,
  );
  return seen;
}

async function run({ short }: Size): Promise<Verdict> {
  const book = createNotebook();
  let [rssMb, delayMs] = [0, 0];
  const answers = short ? SHORT : FULL;
  for (const large of answers) {
    const seen = await takeQuietly(book, large);
    rssMb = Math.max(rssMb, seen.rssMb);
    delayMs = Math.max(delayMs, seen.delayMs);
  }
  book.figure("large answers", answers.length);
  book.figure("most memory, MB", Math.round(rssMb));
  book.figure("longest event-loop delay, ms", Math.round(delayMs));
  return book.verdict();
}

export const runner: Runner = {
  promise:
    "P24, P25: answers of 300 MB, JSON bombs and gzip bombs are kept or read within bounded memory, and hold the event loop up for less than 250 ms.",
  inShortForm: false,
  alone: true,
  limitS: { short: 60, full: 180 },
  cannotRun: () => (existsSync("/proc/self/status") ? null : "memory is measured through /proc"),
  run,
  controls: [
    {
      name: "thread",
      without: "the thread that reads large answers",
      // A fast machine reads the answers of the short form without being held up for long.
      size: "full",
      patches: [
        {
          file: "electron/engine/results/answers.ts",
          find: "if (size <= LARGE_BYTES) return",
          replace: "if (size >= 0) return",
        },
      ],
    },
    {
      name: "limit",
      without: "the look at an answer's size before it is read",
      patches: [
        {
          file: "electron/engine/results/answers.ts",
          find: "if (size > MAX_ANSWER_BYTES)",
          replace: "if (size < 0)",
        },
        {
          file: "electron/engine/results/json-guard.ts",
          find: "if (bytes.length > MAX_ANSWER_BYTES)",
          replace: "if (bytes.length < 0)",
        },
      ],
    },
  ],
};
