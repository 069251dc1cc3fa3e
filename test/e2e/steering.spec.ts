import { settingsAt, startBatch } from "./support/batch.ts";
import { expect, signInTo, test } from "./support/window.ts";

test("a pause stops submitting and still collects; going on finishes the night", async ({
  place,
  serve,
  simulate,
  open,
  callerOf,
}) => {
  const simulator = await simulate({ latency: { minMs: 0, maxMs: 1 } });
  simulator.control.hold();
  const host = await serve({ env: signInTo(simulator) });
  await startBatch(await callerOf(host), place, {
    settings: settingsAt(place, simulator, 2),
    pictures: 6,
  });
  const page = await open(host, "#/batch/1/night");
  await expect(page.getByRole("link", { name: /2 in flight/ })).toBeVisible();

  await page.getByRole("button", { name: "Pause", exact: true }).click();
  await expect(page.getByText(/^Paused since .* Results of 2 runs already under way/)).toBeVisible();
  simulator.control.release();
  await expect(page.getByText("2 of 6")).toBeVisible();
  await expect(page.getByText(/Nothing is under way\. 4 images wait; none is lost\./)).toBeVisible();
  expect(simulator.control.stats().requests.put).toBe(2);

  await page.getByRole("button", { name: "Go on" }).click();
  await expect(page.getByText("All done.")).toBeVisible();
  await expect(page.getByRole("link", { name: /6 done/ })).toBeVisible();
});

test("failures stand together by their cause, and a retry tells its runs before it makes them", async ({
  place,
  serve,
  simulate,
  open,
  callerOf,
}) => {
  const simulator = await simulate({ latency: { minMs: 0, maxMs: 1 }, faults: { "run-520": 1 } });
  const host = await serve({ env: signInTo(simulator) });
  await startBatch(await callerOf(host), place, { settings: settingsAt(place, simulator), pictures: 3 });
  const page = await open(host, "#/batch/1/failures");

  const group = page.locator("section.group");
  await expect(group).toHaveCount(1);
  await expect(group.getByText("3 images")).toBeVisible();
  await expect(group.getByText(/Injected failure of the workflow/)).toBeVisible();
  await expect(group.getByRole("link", { name: /000\d\.png/ })).toHaveCount(3);
  const before = simulator.control.stats().requests.put;

  simulator.control.change({ faults: {} });
  await group.getByRole("button", { name: "Retry these 3" }).click();
  const question = page.getByRole("alertdialog", { name: "Retry these images?" });
  await expect(question.getByText(/3 images are taken up again: 3 new runs are paid for\./)).toBeVisible();
  expect(simulator.control.stats().requests.put).toBe(before);
  await question.getByRole("button", { name: "Retry with 3 runs" }).click();

  await expect(page.getByText("3 images wait again.")).toBeVisible();
  await expect(page.getByText("Nothing failed")).toBeVisible();
  await page.getByRole("link", { name: "Night", exact: true }).click();
  await expect(page.getByRole("link", { name: /3 done/ })).toBeVisible();
  expect(simulator.control.stats().requests.put).toBe(before + 3);
});
