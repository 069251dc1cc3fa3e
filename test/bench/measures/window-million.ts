import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium, type Page } from "playwright";
import { isCheckedAtOpening } from "../../../electron/engine/store/database.ts";
import { openCaller } from "../../e2e/support/caller.ts";
import { startHost, type Host } from "../../e2e/support/host.ts";
import { writePictures } from "../../support/pictures.ts";
import { median, skipLoudly, spread, type Finding, type Measure } from "../measure.ts";
import { startServer } from "../rig/processes.ts";
import { atRest } from "../support/at-rest.ts";
import { benchSettings, inOwnFolder } from "../support/bench-batch.ts";
import { fillDataFile } from "../support/filled-data-file.ts";

const CHROMIUM = process.env.NIGHTRUN_CHROMIUM ?? "/usr/bin/chromium";
const PROJECT = fileURLToPath(new URL("../../..", import.meta.url));
const OUT = process.env.NIGHTRUN_OUT ?? join(PROJECT, "out");
interface Size {
  images: number;
  rounds: number;
  /** Of the night whose event stream is counted. */
  pictures: number;
  wheelSteps: number;
}
const WHOLE: Size = { images: 1_000_000, rounds: 9, pictures: 1500, wheelSteps: 120 };
const QUICK: Size = { images: 15_000, rounds: 2, pictures: 100, wheelSteps: 60 };
/** The look at a large data file begins 5 s after the start and takes some seconds for a million images. */
const LOOK_BEGINS_MS = 6000;
const REST_MS = 30_000;
const atMost = (value: number) => ({ kind: "at-most", value }) as const;

/** Of the scroll bar, which is scaled: 3.3 pixels of rows each in a million images. */
const RUSH_PIXELS = 240;
const READING_PIXELS = 60;
const JUMP_PIXELS = 40_000;

/** Runs in the page before it: notes when the first row of the table stands there, since the start of the navigation. */
const NOTE_FIRST_ROW = `
globalThis.firstRowAt = null;
(function look() {
  if (document.querySelector("[role=row] .path")) globalThis.firstRowAt = performance.now();
  else requestAnimationFrame(look);
})();`;

/** Goes to a place of the page and gives how long it took until every row shown was of that state. */
const FILTER = `(async (state) => {
  const before = performance.now();
  location.hash = "#/batch/1/images?state=" + state;
  for (;;) {
    await new Promise(requestAnimationFrame);
    const labels = [...document.querySelectorAll("[role=row] .state > .state")];
    if (labels.length > 0 && labels.every((label) => label.classList.contains("state-" + state)))
      return performance.now() - before;
    if (performance.now() - before > 20000) throw new Error("No rows that are " + state);
  }
})`;

const RECORD_FRAMES = `
{
  const frames = [];
  globalThis.frames = frames;
  let last = null;
  (function note(at) {
    if (globalThis.frames !== frames) return;
    if (last !== null) frames.push(at - last);
    last = at;
    requestAnimationFrame(note);
  })(performance.now());
}`;

async function firstRows(page: Page, host: Host, rounds: number): Promise<number[]> {
  const taken: number[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    await page.goto("about:blank");
    await atRest(REST_MS);
    await page.goto(new URL("/#/batch/1/images", host.link).href);
    await page.locator("[role=row] .path").first().waitFor();
    let ms: number | null = null;
    while (ms === null) ms = await page.evaluate<number | null>("globalThis.firstRowAt");
    if (round > 0) taken.push(ms);
  }
  return taken;
}

async function filters(page: Page, rounds: number): Promise<number[]> {
  const taken: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    for (const state of ["failed", "done", "waiting"]) {
      taken.push(await page.evaluate<number>(`${FILTER}("${state}")`));
      await atRest(REST_MS);
    }
  }
  return taken;
}

interface Wheel {
  steps: number;
  pixels: number;
  /** Every twentieth time. */
  jump: number;
}

/** Turns the wheel and gives the ms between frames. */
async function frames(page: Page, { steps, pixels, jump }: Wheel): Promise<number[]> {
  await page.getByRole("grid").hover();
  await atRest(REST_MS);
  await page.evaluate(RECORD_FRAMES);
  for (let step = 0; step < steps; step += 1) {
    await page.mouse.wheel(0, step % 20 === 19 ? jump : pixels);
    await page.waitForTimeout(16);
  }
  return page.evaluate<number[]>("globalThis.frames.splice(0)");
}

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

async function measureWindow(base: string, { images, rounds, wheelSteps }: Size): Promise<Finding[]> {
  const dataFile = join(base, "nightrun.db");
  fillDataFile({ file: dataFile, images, settings: benchSettings(base), resultChars: 100, paused: true });
  const host = await startHost({ dataFile, home: base });
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ["--no-sandbox", "--disable-gpu"],
  });
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    await page.goto(host.link);
    await page.addInitScript({ content: NOTE_FIRST_ROW });
    if (!isCheckedAtOpening(dataFile)) await page.waitForTimeout(LOOK_BEGINS_MS);
    const isQuiet = await atRest(REST_MS);
    if (!isQuiet) skipLoudly("The machine does other work: what is told of the window is too high.");
    const of = `${images.toLocaleString("en-US")} images in Chromium`;
    const rows = await firstRows(page, host, rounds);
    const filtered = await filters(page, rounds);
    await page.goto(new URL("/#/batch/1/images", host.link).href);
    await page.locator("[role=row] .path").first().waitFor();
    const rushed = await frames(page, { steps: wheelSteps, pixels: RUSH_PIXELS, jump: JUMP_PIXELS });
    const read = await frames(page, { steps: wheelSteps, pixels: READING_PIXELS, jump: READING_PIXELS });
    const one = (name: string, values: number[], most: number): Finding => ({
      measure: `${name}, ${of}`,
      value: median(values),
      unit: "ms",
      bar: atMost(most),
      spread: spread(values, 0),
    });
    return [
      {
        ...one("first rows", rows, 300),
        note: "from the start of the navigation, the page's own loading included",
      },
      { ...one("filter by state", filtered, 100), note: "until every row that is shown is of that state" },
      {
        ...one("scroll frames p95", rushed, 20),
        value: percentile(rushed, 0.95),
        note: `${rushed.length} frames, median ${median(rushed).toFixed(1)} ms; a whole screen a step, six jumps`,
      },
      {
        ...one("scroll frames p95 at a pace that draws every row", read, 20),
        value: percentile(read, 0.95),
        note: `${read.length} frames, median ${median(read).toFixed(1)} ms; 5 rows a step`,
      },
    ];
  } finally {
    await browser.close();
    await host.stop();
  }
}

/** A night as fast as it can be: runs of 20 ms, 50 at once; the bytes that one window's event stream gets. */
async function measureStream(base: string, pictures: number): Promise<Finding> {
  const server = await startServer({ runMs: 20, mode: "advice" });
  const settings = benchSettings(base, server.url);
  await writePictures(settings.intake.folder, pictures);
  const env = { IKOMIA_URL: server.url, IKOMIA_TOKEN: "bench" };
  const host = await startHost({ dataFile: join(base, "fast.db"), home: base, env });
  try {
    const call = await openCaller(host);
    const limits = { ...settings.limits, concurrency: 10 };
    const exchange = await fetch(host.link, { redirect: "manual" });
    const cookie = (exchange.headers.get("set-cookie") ?? "").split(";")[0] ?? "";
    const stopping = new AbortController();
    const stream = await fetch(new URL("/api/events", host.link), {
      headers: { cookie },
      signal: stopping.signal,
    });
    const { batchId } = await call("batch:create", { settings: { ...settings, limits } });
    let bytes = 0;
    const reading = (async () => {
      for await (const chunk of (stream.body ?? []) as AsyncIterable<Uint8Array>) bytes += chunk.length;
    })().catch(() => undefined);
    await call("batch:start", { batchId });
    const done = async (): Promise<number> => (await call("batch:get", { batchId })).card.ledger.done;
    while ((await done()) === 0) await new Promise((resolve) => setTimeout(resolve, 50));
    const [from, before] = [performance.now(), bytes];
    while ((await done()) < pictures && performance.now() - from < 60_000)
      await new Promise((resolve) => setTimeout(resolve, 200));
    const seconds = (performance.now() - from) / 1000;
    const finished = await done();
    stopping.abort();
    await reading;
    return {
      measure: "event stream of one window during a fast night",
      value: (bytes - before) / seconds / 1000,
      unit: "KB/s",
      bar: atMost(100),
      note: `${(finished / seconds).toFixed(0)} images/s for ${seconds.toFixed(0)} s`,
    };
  } finally {
    await host.stop();
    await server.stop();
  }
}

async function run({ quick }: { quick: boolean }): Promise<Finding[]> {
  if (!existsSync(join(OUT, "renderer/index.html"))) {
    skipLoudly("The window is not measured: it is not built. Run `npm run build` first.");
    return [];
  }
  const stream = await inOwnFolder((base) => measureStream(base, (quick ? QUICK : WHOLE).pictures));
  if (!existsSync(CHROMIUM)) {
    skipLoudly(
      `The window is not measured: there is no ${CHROMIUM} (NIGHTRUN_CHROMIUM names another Chromium).`,
    );
    return [stream];
  }
  return [...(await inOwnFolder((base) => measureWindow(base, quick ? QUICK : WHOLE))), stream];
}

/** The real page over a real host and a filled data file. */
export const windowMillion: Measure = {
  name: "window-million",
  what: "First rows, filter, scrolling and event stream of the window over a million images.",
  quick: true,
  run,
};
