import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { median, skipLoudly, spread, type Bar, type Finding, type Measure } from "../measure.ts";
import type { RaceOrders, RaceReport } from "../contenders/contender.ts";
import { writePhotos } from "../rig/pictures.ts";
import { runProgram, startServer, type BenchServer } from "../rig/processes.ts";

const PICTURE_BYTES = 2_000_000;
const CONCURRENCY = 8;

type Name = "nightrun" | "bare" | "fetch" | "shell";
const PROGRAMS: Record<Name, string> = {
  nightrun: "contenders/nightrun.ts",
  bare: "contenders/bare-loop.ts",
  fetch: "contenders/fetch-loop.ts",
  shell: "contenders/shell-line.ts",
};
const TITLES: Record<Name, string> = {
  nightrun: "Nightrun",
  bare: "bare undici loop",
  fetch: "fetch + JSON.stringify",
  shell: "curl + base64 + jq, xargs -P 8",
};

/** One race of one contender. */
interface Lap {
  imagesPerS: number;
  cpuMsPerImage: number | null;
  peakRssMb: number | null;
  /** From the start of its process to the first submission. */
  startMs: number;
  serverCpuMsPerImage: number;
}

interface Table {
  runMs: number;
  rounds: number;
  images: number;
  /** The shell line is slow: a steady rate needs fewer. */
  shellImages: number;
}

/** Pictures of a race, in a folder of their own. */
type Photos = Pick<RaceOrders, "folder" | "files">;

function hasShellTools(): boolean {
  const missing = ["curl", "jq", "xargs", "base64"].filter(
    (tool) => spawnSync(tool, ["--version"], { stdio: "ignore" }).error !== undefined,
  );
  if (missing.length > 0)
    skipLoudly(`The shell line does not race: ${missing.join(", ")} is not installed on this machine.`);
  return missing.length === 0;
}

async function race(name: Name, server: BenchServer, orders: RaceOrders): Promise<Lap> {
  await server.reset();
  const startedAt = performance.timeOrigin + performance.now();
  const report = await runProgram<RaceReport>(PROGRAMS[name], orders);
  const stats = await server.stats();
  const wanted = orders.files.length;
  if (report.images !== wanted || stats.puts !== wanted || stats.torn > 0)
    throw new Error(`${name} did ${report.images} of ${wanted} images with ${stats.puts} submissions`);
  const firstPutAt = stats.firstPutAt ?? startedAt;
  return {
    imagesPerS: (1000 * wanted) / (report.finishedAt - firstPutAt),
    cpuMsPerImage: report.cpuMs === null ? null : report.cpuMs / wanted,
    peakRssMb: report.peakRssMb,
    startMs: firstPutAt - startedAt,
    serverCpuMsPerImage: stats.cpuMs / wanted,
  };
}

/** Interleaved (A B C D A B C D …), so that what else the machine does meets all alike. */
async function raceAll(
  base: string,
  photosOf: (images: number) => Photos,
  names: readonly Name[],
  table: Table,
): Promise<Record<Name, Lap[]>> {
  const laps: Record<Name, Lap[]> = { nightrun: [], bare: [], fetch: [], shell: [] };
  const server = await startServer({ runMs: table.runMs, mode: "advice" });
  try {
    for (let round = 0; round < table.rounds; round++) {
      for (const name of names) {
        const place = join(base, `${table.runMs}-${round}-${name}`);
        await mkdir(place);
        const isShell = name === "shell";
        laps[name].push(
          await race(name, server, {
            url: server.url,
            ...photosOf(isShell ? table.shellImages : table.images),
            concurrency: CONCURRENCY,
            place,
          }),
        );
        await rm(place, { recursive: true });
        process.stderr.write(
          `  ${table.runMs} ms a run, round ${round + 1} of ${table.rounds}, ${TITLES[name]}: ${(laps[name].at(-1)?.imagesPerS ?? 0).toFixed(1)} images/s\n`,
        );
      }
    }
  } finally {
    await server.stop();
  }
  return laps;
}

function finding(
  measure: string,
  values: readonly number[],
  unit: string,
  bar: number | null,
  kind: Bar["kind"] = "at-least",
): Finding {
  return {
    measure,
    value: median(values),
    unit,
    bar: bar === null ? null : { kind, value: bar },
    ...(values.length > 1 ? { spread: spread(values) } : {}),
  };
}

/** Ratios are taken round by round: both of a round met the same machine. */
function ratios(over: readonly Lap[], under: readonly Lap[], of: (lap: Lap) => number | null): number[] {
  return over.flatMap((lap, round) => {
    const [a, b] = [of(lap), under[round] === undefined ? null : of(under[round])];
    return a === null || b === null ? [] : [a / b];
  });
}

function present(values: readonly (number | null)[]): number[] {
  return values.filter((value) => value !== null);
}

function figures(names: readonly Name[], laps: Record<Name, Lap[]>, runMs: number): Finding[] {
  return names.flatMap((name) => {
    const at = `${TITLES[name]}, ${runMs} ms a run`;
    const cpu = present(laps[name].map((lap) => lap.cpuMsPerImage));
    const memory = present(laps[name].map((lap) => lap.peakRssMb));
    return [
      finding(
        at,
        laps[name].map((lap) => lap.imagesPerS),
        "images/s",
        null,
      ),
      ...(cpu.length > 0 ? [finding(`${at}: CPU`, cpu, "ms/image", null)] : []),
      ...(memory.length > 0 ? [finding(`${at}: peak RSS`, memory, "MB", null)] : []),
    ];
  });
}

interface Bars {
  bare: number;
  fetch: number | null;
  shell: number | null;
  cpu: number;
}

function comparisons(
  names: readonly Name[],
  laps: Record<Name, Lap[]>,
  runMs: number,
  bars: Bars,
): Finding[] {
  const rate = (lap: Lap): number => lap.imagesPerS;
  const against = (["bare", "fetch", "shell"] as const).filter((name) => names.includes(name));
  const cpu = ratios(laps.nightrun, laps.bare, (lap) => lap.cpuMsPerImage);
  return [
    ...against.map((name) =>
      finding(
        `images/s against ${TITLES[name]}, ${runMs} ms a run`,
        ratios(laps.nightrun, laps[name], rate),
        "×",
        bars[name],
      ),
    ),
    finding(`client CPU per image against ${TITLES.bare}, ${runMs} ms a run`, cpu, "×", bars.cpu, "at-most"),
  ];
}

function serverFigures(laps: Record<Name, Lap[]>, runMs: number): Finding[] {
  return [
    finding(
      `the bench server's own CPU, ${runMs} ms a run`,
      laps.bare.map((lap) => lap.serverCpuMsPerImage),
      "ms/image",
      null,
    ),
    finding(
      `Nightrun: start to first submission, ${runMs} ms a run`,
      laps.nightrun.map((lap) => lap.startMs),
      "ms",
      null,
    ),
  ];
}

const FLUSHES = 50;
const FLUSHED_BYTES = 4096;

/** What one fsync takes here: six of them follow each other while Nightrun holds a slot. */
async function flushTimes(base: string): Promise<number[]> {
  const handle = await open(join(base, "flushed"), "w");
  const times: number[] = [];
  for (let n = 0; n < FLUSHES; n++) {
    await handle.write(Buffer.alloc(FLUSHED_BYTES), 0, FLUSHED_BYTES, n * FLUSHED_BYTES);
    const startedAt = performance.now();
    await handle.sync();
    times.push(performance.now() - startedAt);
  }
  await handle.close();
  return times;
}

async function runTables(quick: boolean): Promise<Finding[]> {
  const names: Name[] = ["nightrun", "bare", "fetch", ...(hasShellTools() ? (["shell"] as const) : [])];
  const slow: Table = quick
    ? { runMs: 200, rounds: 1, images: 160, shellImages: 16 }
    : { runMs: 200, rounds: 3, images: 480, shellImages: 80 };
  const fast: Table = quick
    ? { runMs: 0, rounds: 1, images: 320, shellImages: 16 }
    : { runMs: 0, rounds: 5, images: 480, shellImages: 80 };
  const base = await mkdtemp(join(tmpdir(), "nightrun-bench-"));
  try {
    const photos = new Map<number, Photos>();
    for (const count of [slow, fast].flatMap(({ images, shellImages }) => [images, shellImages])) {
      const folder = join(base, `${count} photos`);
      if (!photos.has(count))
        photos.set(count, { folder, files: await writePhotos(folder, count, PICTURE_BYTES) });
    }
    const photosOf = (count: number): Photos => photos.get(count) ?? { folder: base, files: [] };
    const flushes = await flushTimes(base);
    const slowLaps = await raceAll(base, photosOf, names, slow);
    const fastLaps = await raceAll(base, photosOf, names, fast);
    return [
      ...comparisons(names, slowLaps, 200, { bare: 0.95, fetch: null, shell: null, cpu: 2 }),
      ...comparisons(names, fastLaps, 0, { bare: 0.6, fetch: 1.2, shell: 3, cpu: 2 }),
      ...figures(names, slowLaps, 200),
      ...figures(names, fastLaps, 0),
      ...serverFigures(slowLaps, 200),
      ...serverFigures(fastLaps, 0),
      finding("a flush of 4 kB to this disk (fsync), before the races", flushes, "ms", null),
    ];
  } finally {
    await rm(base, { recursive: true, force: true });
  }
}

/** Nightrun side by side with what a user would do instead, and with the limit. */
export const contenders: Measure = {
  name: "contenders",
  what: "Images per second and CPU per image, 2 MB pictures, 8 at once, against a bare loop, fetch and a shell line.",
  quick: true,
  run: ({ quick }) => runTables(quick),
};
