import { mkdir, mkdtemp, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { createRandom, type Random } from "../../../electron/simulator/random.ts";
import { openRig, type Rig } from "../../support/open-rig.ts";
import { sha256Of } from "../../support/pictures.ts";
import { createNotebook, type Notebook, type Runner, type Size, type Verdict } from "../support/runner.ts";
import { ONLY_QUIET_TELLS, startWriter, WAYS, type Way, type Writer } from "../support/writer.ts";

/** Real milliseconds; long enough that a busy machine does not make a steady writer look finished. */
const QUIET_MS = 400;
const TIMING = { quietMs: QUIET_MS, giveUpMs: 20 * QUIET_MS, walkEveryMs: 500 };

interface Content {
  file: string;
  bytes: Buffer;
  sha256: string;
}

function noise(random: Random, length: number): Buffer {
  return Buffer.from(Uint8Array.from({ length }, () => random.between(0, 255)));
}

/** Finished pictures outside of the watched folder. */
class Sources {
  readonly folder: string;
  readonly random: Random;
  made = 0;
  constructor(folder: string, random: Random) {
    this.folder = folder;
    this.random = random;
  }

  async keep(bytes: Buffer): Promise<Content> {
    this.made += 1;
    const file = join(this.folder, `${String(this.made)}.source`);
    await writeFile(file, bytes);
    return { file, bytes, sha256: sha256Of(bytes) };
  }

  /** Two pictures of noise of the same size in bytes. */
  async pair(kind: "png" | "jpg"): Promise<[Content, Content]> {
    const draw = async (): Promise<Buffer> => {
      const raw = noise(this.random, 200 * 150 * 3);
      const image = sharp(raw, { raw: { width: 200, height: 150, channels: 3 } });
      return kind === "png"
        ? image.png({ compressionLevel: 0 }).toBuffer()
        : image.jpeg({ quality: 90 }).toBuffer();
    };
    const [one, two] = [await draw(), await draw()];
    // Bytes behind a JPEG's end are the camera's affair: so both get the same size.
    const size = Math.max(one.length, two.length);
    const fill = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc(size - bytes.length)]);
    return [await this.keep(fill(one)), await this.keep(fill(two))];
  }
}

/** A large BMP of noise: its reading takes long enough to be disturbed. */
function largePicture(random: Random, width: number): Buffer {
  const head = Buffer.alloc(54);
  head.write("BM", "latin1");
  head.writeUInt32LE(54, 10);
  head.writeUInt32LE(40, 14);
  head.writeInt32LE(width, 18);
  head.writeInt32LE(width, 22);
  head.writeUInt16LE(1, 26);
  head.writeUInt16LE(24, 28);
  const row = noise(random, 3 * width);
  return Buffer.concat([head, ...Array.from({ length: width }, () => row)]);
}

async function untilAll(rig: Rig, count: number): Promise<void> {
  await rig.untilLedger((ledger) => ledger.seen === count && ledger.done === count);
}

interface Copied {
  path: string;
  way: Way;
  finished: Content[];
  last: Content;
  isVoid: boolean;
}

async function copyInAllWays(
  rig: Rig,
  writer: Writer,
  sources: Sources,
  { rounds, watched }: { rounds: number; watched: boolean },
): Promise<Copied[]> {
  const folder = rig.settings.intake.folder;
  const begin = async (way: Way, round: number): Promise<Copied> => {
    const kind = sources.random.chance(0.5) ? "png" : "jpg";
    const [earlier, content] = await sources.pair(kind);
    const path = `${way}-${String(round)}.${kind}`;
    const { longestGapMs } = await writer.write({
      way,
      target: join(folder, path),
      source: content.file,
      earlier: earlier.file,
      quietMs: QUIET_MS,
      restMs: QUIET_MS * sources.random.between(1, 4),
    });
    const isVoid = ONLY_QUIET_TELLS.includes(way) && longestGapMs > QUIET_MS / 2;
    return { path, way, finished: [earlier, content], last: content, isVoid };
  };
  const early = Array.from({ length: rounds }, (_, round) => begin("growing-at-start", round));
  await rig.start({ watch: true });
  const all = [...early];
  for (let round = 0; round < rounds; round += 1) {
    for (const way of WAYS) if (way !== "growing-at-start") all.push(begin(way, round));
    await rig.clock.sleep(sources.random.between(0, QUIET_MS) * SPEED, undefined);
  }
  const copied = await Promise.all(all);
  if (watched) await untilAll(rig, copied.length);
  else await rig.untilLedger((ledger) => ledger.done === copied.length);
  return copied;
}

const SPEED = 20;

/** What the deployment was given, against what was ever finished. */
async function judge(book: Notebook, rig: Rig, copied: readonly Copied[]): Promise<number> {
  const finished = new Map(copied.flatMap((file) => file.finished.map((one) => [one.sha256, file] as const)));
  const voided = new Set(copied.filter((file) => file.isVoid).map((file) => file.path));
  const seen = rig.simulator.control.stats().puts.flatMap(({ sha256 }) => (sha256 === null ? [] : [sha256]));
  const torn = seen.filter((sha256) => !finished.has(sha256));
  book.check(
    torn.length <= voided.size,
    `${String(torn.length)} of ${String(seen.length)} submitted pictures were never finished files`,
  );
  for (const { path, finished: contents, last, way, isVoid } of copied) {
    if (isVoid) continue;
    // N4: once an image is done, other bytes of the same size and time in the same file may go unseen.
    const allowed = way === "same-size-and-time" ? contents : [last];
    const sha256 = await rig.resultSha(path);
    book.check(
      allowed.some((content) => content.sha256 === sha256),
      `The result of ${path} (${way}) is not of the bytes that the file has in the end`,
    );
  }
  book.check(
    rig.problems.length === 0,
    `The engine told of ${String(rig.problems.length)} problems: ${JSON.stringify(rig.problems[0])}`,
  );
  return voided.size;
}

async function inAllWays(
  book: Notebook,
  { short, seed }: Size,
  mode: "watched" | "walked only",
): Promise<void> {
  await using rig = await openRig({ speed: SPEED, limits: { concurrency: 4 }, timing: TIMING });
  // A folder with a backslash in its name cannot be watched.
  const folder = mode === "watched" ? rig.folder : join(rig.folder, "never\\watched");
  await mkdir(folder, { recursive: true });
  rig.settings = { ...rig.settings, intake: { ...rig.settings.intake, folder } };
  const outside = await mkdtemp(join(tmpdir(), "nightrun-sources-"));
  try {
    await using writer = startWriter();
    const sources = new Sources(outside, createRandom(seed));
    const copied = await copyInAllWays(rig, writer, sources, {
      rounds: short ? 1 : 8,
      watched: mode === "watched",
    });
    const voided = await judge(book, rig, copied);
    book.figure(`files, ${mode}`, copied.length);
    book.figure(`submissions, ${mode}`, rig.puts);
    book.figure(`files whose writer was too slow to count, ${mode}`, voided);
    book.check(copied.length > 2 * voided, "The machine was too busy: most writers were held up");
  } finally {
    await rm(outside, { recursive: true, force: true });
  }
}

/** A file is overwritten while its bytes are on their way, and its size and time are as before. */
async function whileSent(book: Notebook, { short, seed }: Size): Promise<void> {
  await using rig = await openRig({ speed: SPEED, limits: { concurrency: 1 }, timing: { quietMs: 50 } });
  const outside = await mkdtemp(join(tmpdir(), "nightrun-sources-"));
  try {
    await using writer = startWriter();
    const sources = new Sources(outside, createRandom(seed));
    const one = await sources.keep(largePicture(sources.random, 4200));
    let cut = 0;
    for (let turn = 0; turn < (short ? 1 : 4); turn += 1) {
      const target = join(rig.folder, `large-${String(turn)}.bmp`);
      const again = Buffer.from(one.bytes);
      again.writeUInt32LE(turn, 60);
      const begun = await sources.keep(again);
      const end = await sources.keep(largePicture(sources.random, 4200));
      await writeFile(target, begun.bytes);
      await utimes(target, 1_000_000, 1_000_000);
      const before = rig.puts;
      if (turn === 0) await rig.start({ watch: true });
      await rig.simulator.control.until((stats) => stats.requests.put > before);
      await writer.write({
        way: "overwritten",
        target,
        source: end.file,
        earlier: begun.file,
        quietMs: 1,
        restMs: 0,
      });
      await rig.untilLedger((ledger) => ledger.done === turn + 1);
      const given = rig.simulator.control
        .stats()
        .puts.slice(before)
        .map((put) => put.sha256);
      if (given.includes(null)) cut += 1;
      const known = [begun.sha256, end.sha256];
      const torn = given.filter((sha256) => sha256 !== null && !known.includes(sha256));
      book.check(
        torn.length === 0,
        `${String(torn.length)} pictures that were overwritten on their way arrived torn`,
      );
    }
    book.figure("cut before their end because they were overwritten", cut);
    book.check(cut > 0, "No picture was overwritten while it was sent: nothing was proved");
  } finally {
    await rm(outside, { recursive: true, force: true });
  }
}

/**
 * Other bytes of the same size and time in the same file, while it waits: only the bytes themselves can tell. Alone, nobody has read
 * it, so what is sent is what it is; with a twin it was read, the twin counts on that, and what is sent is something else.
 */
async function behindTheBack(book: Notebook, { seed }: Size, withTwin: boolean): Promise<void> {
  await using rig = await openRig({ speed: SPEED, limits: { concurrency: 2 } });
  const outside = await mkdtemp(join(tmpdir(), "nightrun-sources-"));
  const paths = withTwin ? ["one.png", "two.png"] : ["one.png"];
  try {
    const [before, after] = await new Sources(outside, createRandom(seed + 1)).pair("png");
    for (const path of paths) {
      await writeFile(join(rig.folder, path), before.bytes);
      await utimes(join(rig.folder, path), 1_000_000, 1_000_000);
    }
    const runner = await rig.start({ watch: true });
    await runner.pause();
    await rig.until(async () => {
      const stages = (await rig.images()).map(({ stage }) => stage);
      return stages.length === paths.length && !stages.includes("SEEN");
    });
    const waiting = (await rig.images()).find(({ stage }) => stage === "READY")?.path ?? "";
    const target = join(rig.folder, waiting);
    const { ino } = await stat(target);
    await writeFile(target, after.bytes, { flag: "r+" });
    await utimes(target, 1_000_000, 1_000_000);
    book.check((await stat(target)).ino === ino, "The file itself was replaced: nothing was proved");
    await runner.resume();
    await rig.untilLedger((ledger) => ledger.done + ledger.failed === paths.length);
    const { runs } = await runner.ledger();
    const { accepted } = rig.simulator.control.stats();
    const events = await rig.engine.store.call("eventsAfter", { afterId: 0, limit: 1000 });
    const told = events.filter(({ kind }) => kind === "sent-other-bytes").length;
    if (withTwin) book.figure("runs paid for other bytes", accepted - paths.length);
    book.check(runs === accepted, `${String(accepted)} runs are paid, ${String(runs)} are counted`);
    book.check(
      told === accepted - paths.length && told === (withTwin ? 1 : 0),
      `${String(told)} events tell why ${String(accepted)} runs were made of ${String(paths.length)} files`,
    );
    for (const { path, stage } of await rig.images()) {
      book.check(stage === "DONE", `An image ended as ${stage} when bytes changed unseen`);
      const { sha256 } = path === waiting ? after : before;
      if (stage === "DONE")
        book.check((await rig.resultSha(path)) === sha256, `The result of ${path} is not of its own bytes`);
    }
  } finally {
    await rm(outside, { recursive: true, force: true });
  }
}

async function run(size: Size): Promise<Verdict> {
  const book = createNotebook();
  book.figure("ways", WAYS.length + 3);
  await whileSent(book, size);
  await behindTheBack(book, size, false);
  await behindTheBack(book, size, true);
  await Promise.all([inAllWays(book, size, "watched"), inAllWays(book, size, "walked only")]);
  return book.verdict();
}

export const runner: Runner = {
  promise:
    "P5: no torn image is submitted, however slowly or oddly its file comes to be: each SHA-256 that the deployment saw is that of a finished file.",
  inShortForm: false,
  limitS: { short: 60, full: 120 },
  run,
  controls: [
    {
      name: "second-look",
      without: "the second look that a file must pass unchanged",
      patches: [
        {
          file: "electron/engine/intake/settle.ts",
          find: 'second.atMono - first.atMono >= quietMs ? "settled" : "wait"',
          replace: 'quietMs >= 0 ? "settled" : "wait"',
        },
        {
          file: "electron/engine/intake/settle-files.ts",
          find: "beforeMono: nowMono - options.quietMs",
          replace: "beforeMono: nowMono",
        },
      ],
    },
    {
      name: "after-the-read",
      without: "the look at the file after its last byte was read",
      patches: [
        {
          file: "electron/engine/deployment/body.ts",
          find: "if ((await stampNow()) !== stamp)",
          replace: 'if ((await stampNow()) === "")',
        },
      ],
    },
    {
      name: "change-time",
      without: "the time of a file's last change of state, which no writer can set back",
      patches: [
        {
          file: "electron/engine/intake/observation.ts",
          find: "${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}",
          replace: "${stat.size}:${stat.mtimeNs}",
        },
      ],
    },
    {
      name: "end-of-file",
      without: "the check that a file ends where its format says",
      patches: [
        {
          file: "electron/engine/intake/picture.ts",
          find: 'const verdict = sniffed.kind === "cut" ? "cut" : await INSPECTORS[format](reader);\n    if (verdict === "cut") return fail({ reason: "truncated", format });',
          replace:
            'const read = sniffed.kind === "cut" ? "cut" : await INSPECTORS[format](reader);\n    const verdict = read === "cut" ? { width: 1, height: 1, orientation: 1 } : read;',
        },
      ],
    },
    {
      name: "other-bytes",
      without: "the comparison of what was sent with what was hashed",
      patches: [
        {
          file: "electron/engine/store/runs.ts",
          find: 'return isOther ? { kind: "sent-other-bytes", uuid: event.uuid } : event;',
          replace: "return isOther ? event : event;",
        },
      ],
    },
  ],
};
