import { join } from "node:path";
import { IMAGE_STATES } from "../../../electron/contract/image.ts";
import { ledgerOf } from "../../../electron/engine/store/batches.ts";
import { openWriter, type Database } from "../../../electron/engine/store/database.ts";
import { pageImages } from "../../../electron/engine/store/image-pages.ts";
import { median, spread, type Finding, type Measure } from "../measure.ts";
import { benchSettings, inOwnFolder } from "../support/bench-batch.ts";
import { fillDataFile, pathOf, stageOfIndex } from "../support/filled-data-file.ts";
import { addNewImages, claimOne, finishOne } from "../support/night-steps.ts";

/** Images in one round of one size. */
const ROUND = 100;
const ROUNDS = 15;
const BAR = { kind: "at-most", value: 2 } as const;

interface Size {
  images: number;
  db: Database;
  batchId: number;
  added: number;
}

/** One kind of work, in microseconds of one unit of it. */
interface Work {
  name: string;
  once: (size: Size) => number;
}

function timed(units: number, work: () => void): number {
  const before = performance.now();
  work();
  return ((performance.now() - before) * 1000) / units;
}

/** An image's whole way through the store, in commits of a few as in a night. */
function wholeWay(size: Size): number {
  const { db, batchId } = size;
  return timed(ROUND, () => {
    const ids = db.transaction(() => addNewImages(db, batchId, size.added, ROUND));
    size.added += ROUND;
    for (let at = 0; at < ids.length; at += 10) {
      db.transaction(() => {
        for (const id of ids.slice(at, at + 10)) {
          claimOne(db, batchId);
          finishOne(db, id);
        }
      });
    }
  });
}

function pages({ db, batchId, images }: Size): number {
  const scope = { batchId, states: [...IMAGE_STATES], reason: null, search: "", label: null, imageIds: null };
  const order = { sort: "path", descending: false, limit: 200 } as const;
  return timed(10, () => {
    for (let tenth = 0; tenth < 10; tenth += 1) {
      const after = { value: pathOf(Math.floor((images * tenth) / 10)), id: 0 };
      pageImages(db, { scope, ...order, after });
      pageImages(db, { scope: { ...scope, states: ["done"] }, ...order, after });
    }
  });
}

function counters({ db, batchId }: Size): number {
  return timed(100, () => {
    for (let n = 0; n < 100; n += 1) ledgerOf(db, batchId);
  });
}

const WORKS: readonly Work[] = [
  { name: "an image's whole way through the store", once: wholeWay },
  { name: "two pages of 200 images", once: pages },
  { name: "the counters", once: counters },
];

function openSize(base: string, images: number): Size {
  const file = join(base, `${images}.db`);
  const batchId = fillDataFile({
    file,
    images,
    settings: benchSettings(base),
    resultChars: 500,
    // Nothing but the new images of a round waits for a second look.
    stageOf: (index) => (stageOfIndex(index) === "SEEN" ? "DONE" : stageOfIndex(index)),
  });
  const opened = openWriter(file);
  if (!opened.ok) throw new Error(opened.failure.reason);
  // What the disk takes for a commit is the same for all and would hide what the queries take.
  opened.value.sql("PRAGMA synchronous = OFF").run();
  return { images, db: opened.value, batchId, added: 0 };
}

function chart(name: string, sizes: readonly Size[], costs: readonly number[]): string {
  const most = Math.max(...costs);
  const lines = sizes.map(({ images }, i) => {
    const cost = costs[i] ?? 0;
    const bar = "█".repeat(Math.max(1, Math.round((cost / most) * 40)));
    return `  ${images.toLocaleString("en-US").padStart(9)}  ${bar} ${cost.toFixed(0)} µs`;
  });
  return `\nCost of ${name}, by images in the batch:\n${lines.join("\n")}\n`;
}

function measureWork(work: Work, sizes: readonly Size[]): Finding {
  const taken = sizes.map((): number[] => []);
  // The first round reads from the disk what the others find in memory.
  for (let round = 0; round <= ROUNDS; round += 1) {
    sizes.forEach((size, i) => {
      const cost = work.once(size);
      if (round > 0) taken[i]?.push(cost);
    });
  }
  console.log(chart(work.name, sizes, taken.map(median)));
  const [small = [], ...others] = taken;
  const large = others.at(-1) ?? small;
  const ratios = large.map((cost, i) => cost / (small[i] ?? cost));
  const [least = sizes[0], most = sizes.at(-1)] = [sizes[0], sizes.at(-1)];
  return {
    measure: `cost of ${work.name}, ${most?.images.toLocaleString("en-US")} images against ${least?.images.toLocaleString("en-US")}`,
    value: median(ratios),
    unit: "×",
    bar: BAR,
    spread: spread(ratios),
    note: taken.map((costs) => `${median(costs).toFixed(0)} µs`).join(", "),
  };
}

/** A batch costs the same for each of its images, however many there are. */
export const costGrowth: Measure = {
  name: "cost-growth",
  what: "What an image, a page and the counters cost with 1,000 to 1,000,000 images in the data file.",
  quick: true,
  run: ({ quick }) =>
    inOwnFolder(async (base) => {
      const counts = quick ? [1000, 10_000] : [1000, 10_000, 100_000, 1_000_000];
      const sizes = counts.map((images) => openSize(base, images));
      const findings = WORKS.map((work) => measureWork(work, sizes));
      for (const { db } of sizes) db.close();
      return findings;
    }),
};
