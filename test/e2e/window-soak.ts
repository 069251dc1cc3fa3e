import { settingsAt, startBatch } from "./support/batch.ts";
import { expect, signInTo, test } from "./support/window.ts";

/** `npm run test:window-soak`: how long the page is watched; another number is for trying it. */
const MINUTES = Number(process.env.NIGHTRUN_SOAK_MINUTES ?? 10);
const SAMPLES = 20;
const PICTURES = 400;
/** What caches may still take after the page has warmed up. */
const MOST_GROWTH_BYTES = 6_000_000;

test("the page's memory stays flat over minutes of updates", async ({
  place,
  serve,
  simulate,
  open,
  callerOf,
  context,
}) => {
  const simulator = await simulate({ latency: { minMs: 20, maxMs: 80 } });
  const host = await serve({ env: signInTo(simulator) });
  const call = await callerOf(host);
  await startBatch(call, place, { settings: settingsAt(place, simulator, 4), pictures: PICTURES });
  const page = await open(host, "#/batch/1/night");
  const devtools = await context.newCDPSession(page);
  const views = ["night", "images", "images?image=3", "failures", "night"];
  const heaps: number[] = [];
  const stepMs = (MINUTES * 60_000) / SAMPLES;

  for (let sample = 0; sample < SAMPLES; sample += 1) {
    await page.goto(new URL(`/#/batch/1/${views[sample % views.length] ?? "night"}`, host.link).href);
    // Updates never end: what is done is asked for again under other settings.
    const { settings } = await call("batch:get", { batchId: 1 });
    const value = String(2 * sample + 3);
    const parameters = [{ taskName: "ocv_blur", taskIndex: 0, name: "kSizeWidth", value }];
    await call("batch:update", {
      batchId: 1,
      settings: { ...settings, decision: { ...settings.decision, parameters } },
    });
    await page.waitForTimeout(stepMs);
    await page.goto(new URL("/#/batch/1/night", host.link).href);
    await devtools.send("HeapProfiler.collectGarbage");
    const { usedSize } = await devtools.send("Runtime.getHeapUsage");
    heaps.push(usedSize);
    console.log(`${sample + 1}/${SAMPLES}: ${(usedSize / 1e6).toFixed(1)} MB`);
  }
  // The first third warms up; then the least of each third must not climb.
  const third = Math.floor(SAMPLES / 3);
  const warm = Math.min(...heaps.slice(third, 2 * third));
  const late = Math.min(...heaps.slice(2 * third));
  expect(late - warm).toBeLessThan(MOST_GROWTH_BYTES);
});
