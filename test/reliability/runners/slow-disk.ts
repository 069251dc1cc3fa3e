import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { startEngineProcess } from "../../support/crash-loop.ts";
import { openRig } from "../../support/open-rig.ts";
import { writePictures } from "../../support/pictures.ts";
import { brokenInvariants } from "../support/invariants.ts";
import { createNotebook, type Runner, type Size, type Verdict } from "../support/runner.ts";

const SPEED = 1;
const DELAY_MS = 20;
const AT_ONCE = 10;
/** The bar of the design, in milliseconds. */
const LOOP_P99_MS = 50;
/** Steps of several images share a commit: were each one synced alone, an image would cost a dozen syncs. */
const MOST_SYNCS_PER_IMAGE = 9;

function cannotTrace(): string | null {
  if (process.platform !== "linux") return "it needs Linux and strace";
  const tried = spawnSync("strace", ["-f", "--seccomp-bpf", "-qq", "-e", "trace=fsync", "true"]);
  if (tried.error !== undefined) return "strace is not installed";
  return tried.status === 0 ? null : "strace may not trace here";
}

/** Every fsync returns this much later, and is written down. */
function slowly(trace: string): string[] {
  const delay = `inject=fsync,fdatasync:delay_exit=${String(DELAY_MS * 1_000)}`;
  return ["strace", "-f", "--seccomp-bpf", "-qq", "-o", trace, "-e", "trace=fsync,fdatasync", "-e", delay];
}

async function run({ short }: Size): Promise<Verdict> {
  const book = createNotebook();
  const images = short ? 80 : 600;
  await using rig = await openRig({ speed: SPEED, limits: { concurrency: AT_ONCE } });
  const written = await writePictures(rig.folder, images);
  const trace = join(dirname(rig.folder), "syncs.txt");
  const startedAt = performance.now();
  const engine = startEngineProcess(rig, {
    speed: SPEED,
    under: slowly(trace),
    orders: { tellLoopDelay: true },
  });
  const loop = JSON.parse((await engine.said("loop ")).slice(5)) as { p99Ms: number; maxMs: number };
  const ending = await engine.ending();
  const seconds = (performance.now() - startedAt) / 1_000;
  const syncs = readFileSync(trace, "utf8").match(/DELAYED/g)?.length ?? 0;
  book.figure("images", images);
  book.figure("syncs delayed", syncs);
  book.figure("syncs per image", syncs / images);
  book.figure("images per second", images / seconds);
  book.figure("event-loop delay p99 (ms)", loop.p99Ms);
  book.figure("event-loop delay max (ms)", loop.maxMs);
  book.check(ending?.kind === "complete", `It ended with ${JSON.stringify(ending)}`);
  book.check(syncs > images, "Hardly a sync was delayed, so nothing is shown");
  book.check(loop.p99Ms < LOOP_P99_MS, `The event loop was held up: p99 ${loop.p99Ms.toFixed(1)} ms`);
  book.check(
    syncs / images < MOST_SYNCS_PER_IMAGE,
    `${(syncs / images).toFixed(1)} syncs per image: the steps of one tick do not share a commit`,
  );
  for (const sentence of await brokenInvariants(rig, written)) book.check(false, sentence);
  return book.verdict();
}

export const runner: Runner = {
  promise:
    "P24: with every fsync delayed by 20 ms the event loop is free (p99 under 50 ms), and images share their commits.",
  inShortForm: false,
  alone: true,
  limitS: { short: 60, full: 180 },
  cannotRun: cannotTrace,
  run,
  controls: [
    {
      name: "threads",
      without: "the syncing of answers and results beside the event loop",
      patches: [
        {
          file: "electron/engine/results/spool.ts",
          find: 'import { constants } from "node:fs";',
          replace: 'import { constants, fsyncSync } from "node:fs";',
        },
        {
          file: "electron/engine/results/spool.ts",
          find: "      isOpen = false;\n      try {\n        await handle.sync();",
          replace: "      isOpen = false;\n      try {\n        fsyncSync(handle.fd);",
        },
        {
          file: "electron/engine/results/durable-file.ts",
          find: 'import { constants } from "node:fs";',
          replace: 'import { constants, fsyncSync } from "node:fs";',
        },
        {
          file: "electron/engine/results/durable-file.ts",
          find: "  try {\n    await handle.sync();",
          replace: "  try {\n    fsyncSync(handle.fd);",
        },
        {
          file: "electron/engine/results/durable-file.ts",
          find: "      await handle.writeFile(data);\n      await handle.sync();",
          replace: "      await handle.writeFile(data);\n      fsyncSync(handle.fd);",
        },
      ],
    },
    {
      name: "sharing",
      without: "the sharing of one commit by the calls of one tick",
      patches: [
        {
          file: "electron/engine/store/store.ts",
          find: "const MOST_CALLS_A_COMMIT = 256;",
          replace: "const MOST_CALLS_A_COMMIT = 1;",
        },
      ],
    },
  ],
};
