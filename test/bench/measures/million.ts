import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Finding, Measure } from "../measure.ts";
import type { LongBatchReport } from "../rig/long-batch.ts";
import { runProgram, startServer } from "../rig/processes.ts";
import { benchSettings, inOwnFolder } from "../support/bench-batch.ts";
import { fillDataFile } from "../support/filled-data-file.ts";
import { realFilesIn } from "../support/real-files.ts";

/** Images that are finished before the memory is read. */
const FINISHED = 100;

interface Night extends LongBatchReport {
  firstPutMs: number;
}

/** Fills a batch over as many real files and lets an engine walk it all while it submits. */
async function runNight(images: number): Promise<Night> {
  return inOwnFolder(async (base) => {
    const server = await startServer({ runMs: 20, mode: "advice" });
    try {
      const settings = benchSettings(base, server.url);
      mkdirSync(settings.intake.folder);
      const dataFile = join(base, "nightrun.db");
      const realFile = await realFilesIn(settings.intake.folder);
      const batchId = fillDataFile({ file: dataFile, images, settings, resultChars: 500, realFile });
      const orders = { dataFile, url: server.url, batchId, images: FINISHED };
      const night = await runProgram<LongBatchReport>("rig/long-batch.ts", orders, ["--expose-gc"]);
      const { firstPutAt } = await server.stats();
      if (firstPutAt === null) throw new Error("Nothing was submitted");
      return { ...night, firstPutMs: firstPutAt - night.startedAt };
    } finally {
      await server.stop();
    }
  });
}

async function measureMillion(quick: boolean): Promise<Finding[]> {
  const [few, many] = quick ? [2000, 10_000] : [10_000, 1_000_000];
  const small = await runNight(few);
  const large = await runNight(many);
  const words = (n: number): string => n.toLocaleString("en-US");
  const walked = (night: Night): string =>
    `${night.restRssMb.toFixed(0)} MB (peak ${night.peakRssMb.toFixed(0)}) after a walk of ${(night.walkMs / 1000).toFixed(1)} s and ${night.done} images`;
  return [
    {
      measure: `RSS growth from ${words(few)} to ${words(many)} images in the batch`,
      value: large.restRssMb - small.restRssMb,
      unit: "MB",
      // The peak swings by what the garbage collector lets lie; what is held after the walk is what can grow.
      bar: { kind: "at-most", value: 60 },
      note: `${walked(small)}; ${walked(large)}`,
    },
    {
      measure: `start with ${words(many)} rows to first submission`,
      value: large.firstPutMs,
      unit: "ms",
      bar: { kind: "at-most", value: 2000 },
      note: `from the start of the process; with ${words(few)} rows ${small.firstPutMs.toFixed(0)} ms`,
    },
  ];
}

/** A batch of a million images starts and stays as a small one does. */
export const million: Measure = {
  name: "million",
  what: "Memory and start of an engine over a batch of a million images whose folder is walked.",
  quick: true,
  run: ({ quick }) => measureMillion(quick),
};
