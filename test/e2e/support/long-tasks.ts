import type { Page } from "@playwright/test";

const WATCH = `
globalThis.nightrunTasks = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) globalThis.nightrunTasks.push(Math.round(entry.duration));
}).observe({ type: "longtask" });`;

/** Notes every task of the page's main thread that takes longer than 50 ms; to be called before the page loads. */
export async function watchLongTasks(page: Page): Promise<void> {
  await page.addInitScript({ content: WATCH });
}

/** The longest task since the last question, in milliseconds; 0 = none above 50. */
export async function longestTask(page: Page): Promise<number> {
  const tasks = await page.evaluate<number[]>("globalThis.nightrunTasks.splice(0)");
  return Math.max(0, ...tasks);
}
