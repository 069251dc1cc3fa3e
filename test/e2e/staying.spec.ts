import { settingsAt, startBatch } from "./support/batch.ts";
import { expect, signInTo, test } from "./support/window.ts";

test("a reload in the middle keeps the place, the filter and the open result", async ({
  place,
  serve,
  open,
  callerOf,
}) => {
  const host = await serve();
  await startBatch(await callerOf(host), place, { pictures: 5 });
  const page = await open(host, "#/batch/1/night");
  await expect(page.getByText("All done.")).toBeVisible();
  await page.getByRole("link", { name: "Images", exact: true }).click();
  await page.getByRole("navigation", { name: "Filter by state" }).getByRole("link", { name: /done/ }).click();
  await page.getByRole("searchbox").fill("0003");
  await expect(page.getByRole("row")).toHaveCount(2);
  await page.getByRole("row", { name: /0003\.png/ }).click();
  const panel = page.getByRole("complementary", { name: "Result" });
  await expect(panel.getByRole("heading", { name: "0003.png" })).toBeVisible();
  const { hash } = new URL(page.url());

  await page.reload();
  await expect(panel.getByRole("heading", { name: "0003.png" })).toBeVisible();
  await expect(page.getByRole("searchbox")).toHaveValue("0003");
  await expect(page.getByRole("row")).toHaveCount(2);
  expect(new URL(page.url()).hash).toBe(hash);
});

test("a half-filled new batch survives a reload", async ({ place, serve, open }) => {
  const page = await open(await serve(), "#/new");
  await page.getByLabel("Folder with the images").fill(place.pictures);
  await page.getByLabel("Folder with the images").blur();
  await expect(page.getByText("Ready to start.")).toBeVisible();
  await page.reload();
  await expect(page.getByLabel("Folder with the images")).toHaveValue(place.pictures);
});

test("two windows show the same night, and what one does the other tells", async ({
  place,
  serve,
  simulate,
  open,
  callerOf,
}) => {
  const simulator = await simulate({ latency: { minMs: 0, maxMs: 1 } });
  simulator.control.hold();
  const host = await serve({ env: signInTo(simulator) });
  await startBatch(await callerOf(host), place, { settings: settingsAt(place, simulator, 2), pictures: 4 });
  const first = await open(host, "#/batch/1/night");
  const second = await open(host, "#/batch/1/night");
  await expect(second.getByRole("link", { name: /2 in flight/ })).toBeVisible();

  await first.getByRole("button", { name: "Pause", exact: true }).click();
  await expect(second.getByText(/^Paused since/)).toBeVisible();
  await second.getByRole("button", { name: "Go on" }).click();
  simulator.control.release();
  for (const page of [first, second]) await expect(page.getByText("All done.")).toBeVisible();

  await first.getByRole("button", { name: "More actions" }).click();
  await first.getByRole("menuitem", { name: "Rename…" }).click();
  await first.getByRole("dialog").getByLabel("Name").fill("Oak leaves");
  await first.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  await expect(second.getByRole("heading", { name: "Oak leaves" })).toBeVisible();
});

test("the page says that the engine is gone, and comes back when it was started again", async ({
  place,
  faults,
  serve,
  simulate,
  open,
  callerOf,
}) => {
  faults.expect(/ERR_CONNECTION|ERR_INCOMPLETE|ERR_EMPTY|40[13]|Failed to load/);
  const simulator = await simulate({ latency: { minMs: 0, maxMs: 1 } });
  simulator.control.hold();
  const host = await serve({ env: signInTo(simulator) });
  await startBatch(await callerOf(host), place, { settings: settingsAt(place, simulator, 2), pictures: 4 });
  const page = await open(host, "#/batch/1/night");
  await expect(page.getByRole("link", { name: /2 in flight/ })).toBeVisible();

  await host.kill();
  await expect(page.getByText("Nightrun's engine does not answer.")).toBeVisible();
  await expect(page.getByRole("link", { name: /2 in flight/ })).toBeVisible();

  const again = await serve({ env: signInTo(simulator), port: host.port });
  await expect(page.getByText(/Open the link that nightrun serve printed/)).toBeVisible();
  simulator.control.release();
  const fresh = await page.context().newPage();
  await fresh.goto(again.link);
  await expect(page.getByText("Nightrun's engine does not answer.")).toBeHidden();
  await expect(page.getByText("All done.")).toBeVisible();
  // Every run that was on its way was found again: none was paid for twice.
  expect(simulator.control.stats().accepted).toBe(4);
});

test("a finished night is the same after a restart: its chart, and no second start", async ({
  place,
  serve,
  open,
  callerOf,
}) => {
  const host = await serve();
  await startBatch(await callerOf(host), place, { pictures: 5 });
  const page = await open(host, "#/batch/1/night");
  await expect(page.getByText("All done.")).toBeVisible();
  await page.close();
  await host.stop();

  const later = await open(await serve(), "#/batch/1/night");
  await expect(later.getByText("All done.")).toBeVisible();
  await expect(later.getByRole("img", { name: /^The night\. 5 images done/ })).toBeVisible();
  await expect(later.getByText(/Started on/)).toHaveCount(1);
});
