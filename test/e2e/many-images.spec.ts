import { availableParallelism, loadavg } from "node:os";
import { longestTask, watchLongTasks } from "./support/long-tasks.ts";
import { seedImages } from "./support/seed.ts";
import { expect, test } from "./support/window.ts";

const IMAGES = 100_000;
const FIRST_ROWS_MS = 1000;
const LONGEST_TASK_MS = 100;
/** The machine may do other things meanwhile: the best of these counts, and a crowded machine gets more time. */
const ATTEMPTS = [1, 2, 3];
const crowd = Math.max(1, loadavg()[0]! / availableParallelism());

test("100,000 images: the first rows within a second, and no long task while scrolling and searching", async ({
  place,
  faults,
  serve,
  open,
}) => {
  // The pictures of these rows do not exist.
  faults.expect(/preview|status of 404/);
  seedImages(place, IMAGES);
  const host = await serve();
  const page = await open(host);
  await watchLongTasks(page);
  const rows = page.getByRole("row", { name: /sheet/ });
  const search = page.getByRole("searchbox");

  const firstRows: number[] = [];
  while (firstRows.length < ATTEMPTS.length) {
    await page.goto("about:blank");
    const before = performance.now();
    await page.goto(new URL("/#/batch/1/images", host.link).href);
    await rows.first().waitFor();
    firstRows.push(performance.now() - before);
  }
  await expect(page.getByText("100,000 images", { exact: true })).toBeVisible();

  const scrolling: number[] = [];
  const searching: number[] = [];
  for (const attempt of ATTEMPTS) {
    await search.fill("");
    await expect(page.getByText("100,000 images", { exact: true })).toBeVisible();
    await longestTask(page);
    await page.getByRole("grid").hover();
    for (let step = 0; step < 30; step += 1) await page.mouse.wheel(0, 900 * (step % 3 === 0 ? 40 : 1));
    await expect(rows.nth(5)).toBeInViewport();
    scrolling.push(await longestTask(page));
    await search.pressSequentially(`sheet 00${attempt}777`, { delay: 30 });
    await expect(rows.first()).toContainText(`sheet 00${attempt}777`);
    searching.push(await longestTask(page));
  }
  await search.fill("");
  await expect(page.getByText("100,000 images", { exact: true })).toBeVisible();
  await page.getByRole("grid").press("End");
  await expect(page.getByRole("row", { name: /sheet 0100000\.tif/ })).toBeVisible({ timeout: 30_000 });
  console.log(JSON.stringify({ crowd, firstRows: firstRows.map(Math.round), scrolling, searching }));
  expect(Math.min(...firstRows)).toBeLessThan(FIRST_ROWS_MS * crowd);
  expect(Math.min(...scrolling)).toBeLessThan(LONGEST_TASK_MS * crowd);
  expect(Math.min(...searching)).toBeLessThan(LONGEST_TASK_MS * crowd);
});
