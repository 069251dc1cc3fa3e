/**
 * Takes the pictures of the README from a night that really runs: `npm run screenshots`, after `npm run build`.
 * `npm run screenshots -- <folder>` puts them elsewhere.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium, type Page } from "@playwright/test";
import sharp from "sharp";
import type { CallName, Input } from "../../electron/contract/api.ts";
import type { Result } from "../../electron/contract/result.ts";
import { stageNight, type StagedNight } from "./night.ts";

const FOLDER = process.argv[2] ?? fileURLToPath(new URL("../../resources/screenshots", import.meta.url));
const THEMES = ["dark", "light"] as const;

/** Asks the engine; a call that fails by itself throws as one that cannot be made. */
async function ask<N extends CallName>(night: StagedNight, name: N, input: Input<N>): Promise<unknown> {
  let answer: unknown = await night.service.call(name, input);
  while (typeof answer === "object" && answer !== null && "ok" in answer) {
    const result = answer as Result<unknown>;
    if (!result.ok) throw new Error(`${name}: ${JSON.stringify(result.failure)}`);
    answer = result.value;
  }
  return answer;
}

async function start(night: StagedNight, name: string): Promise<void> {
  const settings = night.settings(name);
  const { batchId } = (await ask(night, "batch:create", { settings })) as { batchId: number };
  await ask(night, "batch:start", { batchId });
}

/** Waits until that many results are there, at most two minutes. */
async function untilDone(page: Page, count: number): Promise<void> {
  await page.waitForFunction(
    (wanted) => {
      const text = (globalThis as unknown as { document: { body: { innerText: string } } }).document.body
        .innerText;
      return Number(/([\d,]+) done/.exec(text)?.[1]?.replaceAll(",", "") ?? 0) >= wanted;
    },
    count,
    { timeout: 120_000 },
  );
}

/** Takes the same moment in both themes; few colours keep the files small. */
async function shoot(page: Page, name: string): Promise<void> {
  for (const theme of THEMES) {
    await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
    await page.waitForTimeout(400);
    const png = await page.screenshot({ animations: "disabled", caret: "hide" });
    await sharp(png)
      .png({ palette: true, colours: 192, effort: 8 })
      .toFile(join(FOLDER, `${name}-${theme}.png`));
  }
}

async function tryOne(page: Page, night: StagedNight): Promise<void> {
  await page.goto(new URL("/#/new", page.url()).href);
  await page.getByLabel("Folder with the images").fill(night.folder);
  await page.getByLabel("Folder with the images").blur();
  await page.getByRole("button", { name: "Test", exact: true }).click();
  await page.getByText(/Answers in/).waitFor();
  const task = page
    .locator("section", { has: page.getByRole("heading", { name: "blob_segmentation" }) })
    .last();
  await task.getByRole("checkbox").nth(1).check();
  await page.getByText("Ready to start.").waitFor();
  await page.getByRole("button", { name: "Try one image" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Image", { exact: true }).fill("dishes/dish 01.jpg");
  await dialog.getByRole("button", { name: "Try it" }).click();
  await dialog.getByText(/Took .*Run/).waitFor({ timeout: 60_000 });
  await page.waitForTimeout(1000);
}

const browser = await chromium.launch({
  executablePath: process.env.NIGHTRUN_CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
  ],
});
await mkdir(FOLDER, { recursive: true });
const night = await stageNight();
try {
  await start(night, "Sample scans");
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 }, locale: "en-GB" });
  await page.goto(night.link);
  await page.goto(new URL("/#/batch/1/night", night.link).href);
  await untilDone(page, 90);
  await night.change({ outage: "503" });
  await page.waitForTimeout(9_000);
  await night.change({ outage: null });
  await untilDone(page, 190);
  await shoot(page, "night");
  await page.goto(new URL("/#/batch/1/images?search=roll%200", night.link).href);
  await page
    .getByRole("row", { name: /Papierformen.*done/ })
    .first()
    .click();
  await page.getByText(/objects? shown/).waitFor();
  await page.waitForTimeout(1200);
  await shoot(page, "images");
  await tryOne(page, night);
  await shoot(page, "try-one");
  await page.keyboard.press("Escape");
  await page.goto(new URL("/#/batch/1/failures", night.link).href);
  await page.getByText(/^4 images$/).waitFor({ timeout: 120_000 });
  await page.waitForTimeout(800);
  await shoot(page, "failures");
} finally {
  await browser.close();
  await night.close();
}
