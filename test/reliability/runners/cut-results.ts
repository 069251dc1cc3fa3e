import { wireOf } from "../../../electron/simulator/cut-wire.ts";
import { createRandom, type Random } from "../../../electron/simulator/random.ts";
import { openRig } from "../../support/open-rig.ts";
import { writePictures } from "../../support/pictures.ts";
import { createNotebook, type Notebook, type Runner, type Size, type Verdict } from "../support/runner.ts";
import { rowsOf } from "../support/rows.ts";
import { checkAllDone } from "../support/witnesses.ts";

const FRAMINGS = ["length", "chunked", "close"] as const;

interface Cut {
  framing: (typeof FRAMINGS)[number];
  /** On the wire, head and framing included. */
  afterBytes: number;
  /** Absent = the image's own, short answer. */
  bodyBytes?: number;
}

/** Pauses of the engine that this proof only waits out pass quickly; the network does not. */
const SPEED = 300;
const HEAD_STRIDE = 8;
const LONG_BODY_BYTES = 3 * 1024 * 1024;

async function answerBytes(): Promise<number> {
  await using rig = await openRig({ speed: SPEED, simulator: { mode: "plain" } });
  await writePictures(rig.folder, 1);
  await rig.runToEnd();
  return rowsOf<{ bodyBytes: number }>(rig, "SELECT bodyBytes FROM results")[0]?.bodyBytes ?? 0;
}

function wireBytes(framing: Cut["framing"], bodyBytes: number): number {
  return wireOf(framing, Buffer.alloc(bodyBytes)).length;
}

/** Every place in the body (or each `stride`th), some in the head, and the end itself: that one is no cut. */
function everyByte(bodyBytes: number, stride: number): Cut[] {
  return FRAMINGS.flatMap((framing) => {
    const total = wireBytes(framing, bodyBytes);
    const head = wireBytes(framing, 0);
    const isTaken = (at: number): boolean =>
      at >= total - 2 || (at < head ? at % (HEAD_STRIDE * stride) === 0 : (at - head) % stride === 0);
    return Array.from({ length: total + 1 }, (_, afterBytes) => ({ framing, afterBytes })).filter((cut) =>
      isTaken(cut.afterBytes),
    );
  });
}

/** Places in a long body, more of them near its ends. */
function someBytes(random: Random, each: number): Cut[] {
  return FRAMINGS.flatMap((framing) => {
    const total = wireBytes(framing, LONG_BODY_BYTES);
    return Array.from({ length: each }, (_, i) => {
      const afterBytes = i === 0 ? total - 1 - random.between(0, 40) : random.between(200, total - 1);
      return { framing, afterBytes, bodyBytes: LONG_BODY_BYTES };
    });
  });
}

/** Cuts the first answer of each image so; each is whole or known to be lost. Gives the number of real cuts. */
async function cutAll(
  book: Notebook,
  cuts: readonly Cut[],
  options: { mode: "plain" | "advice"; ownBytes: number },
): Promise<number> {
  await using rig = await openRig({
    speed: SPEED,
    simulator: { longPollMs: 5, mode: options.mode },
    limits: { concurrency: 16 },
  });
  const written = await writePictures(rig.folder, cuts.length);
  const paths = [...written.keys()];
  cuts.forEach((cut, i) => {
    const sha256 = written.get(paths[i] ?? "") ?? "";
    rig.simulator.control.script({ on: "results", sha256, fault: { kind: "cut-wire", ...cut } });
  });
  await rig.runToEnd();
  const images = await checkAllDone(book, rig, written);
  const stats = rig.simulator.control.stats();
  let cutShort = 0;
  cuts.forEach((cut, i) => {
    const path = paths[i] ?? "";
    const isWhole = cut.afterBytes >= wireBytes(cut.framing, cut.bodyBytes ?? options.ownBytes);
    if (!isWhole) cutShort++;
    const taken = stats.images[written.get(path) ?? ""]?.taken ?? 0;
    const lost = images.get(path)?.lost ?? 0;
    const how = `${path} (${cut.framing}, cut after ${String(cut.afterBytes)} bytes)`;
    book.check(lost === (isWhole ? 0 : 1), `${how} is known to be lost ${String(lost)} times`);
    book.check(taken === lost + 1, `${how}: ${String(taken)} results were handed out`);
  });
  const struck = stats.faults["script:results/cut-wire"] ?? 0;
  book.check(struck === cuts.length, `${String(struck)} of ${String(cuts.length)} cuts struck`);
  return cutShort;
}

async function run({ short, seed }: Size): Promise<Verdict> {
  const book = createNotebook();
  const random = createRandom(seed);
  const ownBytes = await answerBytes();
  book.figure("bytes of the short answer", ownBytes);
  const cuts = await cutAll(book, everyByte(ownBytes, short ? 9 : 1), { mode: "plain", ownBytes });
  book.figure("cuts of short answers", cuts);
  const long = await cutAll(book, someBytes(random, short ? 1 : 5), { mode: "advice", ownBytes });
  book.figure("cuts of long answers", long);
  return book.verdict();
}

export const runner: Runner = {
  promise:
    "P7: a result that is cut at any byte, however its end is told, is stored whole or known to be lost and run again.",
  inShortForm: true,
  limitS: { short: 60, full: 240 },
  run,
  controls: [
    {
      name: "close-delimited",
      without: "the check that a close-delimited body is complete",
      patches: [
        {
          file: "electron/engine/deployment/classify.ts",
          find: 'reply.framing === "close" ? createJsonEnd() : null',
          replace: "null as ReturnType<typeof createJsonEnd> | null",
        },
      ],
    },
    {
      name: "broken-body",
      without: "the look at how a body ended",
      patches: [
        {
          file: "electron/engine/deployment/classify.ts",
          find: "if (error instanceof BodyBroken) {",
          replace:
            'if (error instanceof BodyBroken) {\n      if (error.received >= 0) return { kind: "received" };',
        },
      ],
    },
  ],
};
