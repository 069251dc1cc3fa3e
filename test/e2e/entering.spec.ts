import { startBatch } from "./support/batch.ts";
import { expect, test } from "./support/window.ts";

test("a window beside another writer only shows, and says so", async ({ place, serve, open, callerOf }) => {
  const writer = await serve();
  await startBatch(await callerOf(writer), place, { pictures: 3 });
  const page = await open(await serve({ readOnly: true }), "#/batch/1/night");

  await expect(page.getByText(/this window only shows it/)).toBeVisible();
  await expect(page.getByText("All done.")).toBeVisible();
  await expect(page.getByRole("button", { name: "Try one" })).toBeDisabled();
  await page.getByRole("button", { name: "More actions" }).click();
  await expect(page.getByRole("menuitem", { name: "Remove…" })).toBeDisabled();
  await expect(page.getByRole("menuitem", { name: "Export batch file" })).toBeEnabled();
  await page.keyboard.press("Escape");
  await page.getByRole("link", { name: "Images", exact: true }).click();
  await page.getByRole("row", { name: /0002\.png/ }).click();
  await expect(page.getByRole("complementary", { name: "Result" }).getByText("image_facts ·")).toBeVisible();
});

test("without the right link there is nothing to see", async ({ serve, page, faults }) => {
  faults.expect(/40[13]/);
  const host = await serve();
  const wrong = new URL(host.link);
  wrong.searchParams.set("token", "x".repeat(43));
  for (const address of [wrong.href, `http://127.0.0.1:${host.port}/`]) {
    const answer = await page.goto(address);
    expect(answer?.status()).toBe(401);
    await expect(page.getByText("Open the link that Nightrun printed when it started.")).toBeVisible();
  }
  await page.goto(host.link);
  await expect(page.getByText("Nothing to run yet")).toBeVisible();
  expect(page.url()).not.toContain("token");
});
