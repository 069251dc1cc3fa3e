import { cp, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "./support/window.ts";

const SAMPLES = fileURLToPath(new URL("../../resources/samples", import.meta.url));
const TAKEN = ["IMG_2042.jpg", "IMG_2042 (1).jpg", "workshop/gauge inlet.jpg", "herbarium/fern.webp"];

function widthOf(image: unknown): number {
  return (image as { naturalWidth: number }).naturalWidth;
}

test("a first night: folder, tasks, one image tried, started, finished and exported", async ({
  place,
  serve,
  open,
}) => {
  for (const path of TAKEN) await cp(join(SAMPLES, path), join(place.pictures, path), { recursive: true });
  const page = await open(await serve());

  await page.getByRole("link", { name: "Set up the first batch" }).click();
  await page.getByRole("button", { name: "Choose…" }).first().click();
  const picker = page.getByRole("dialog", { name: "Choose a folder" });
  await expect(picker.getByText(place.home, { exact: true })).toBeVisible();
  await picker.getByRole("button", { name: "scans" }).click();
  await expect(picker.getByText("2 images here")).toBeVisible();
  await picker.getByRole("button", { name: "Choose this folder" }).click();
  await expect(page.getByLabel("Folder with the images")).toHaveValue(place.pictures);

  await expect(page.getByLabel("Endpoint URL")).toHaveValue("simulator");
  await page.getByRole("button", { name: "Test", exact: true }).click();
  await expect(page.getByText(/Answers in .* with \d+ tasks\./)).toBeVisible();

  // The form is made from what the deployment tells.
  const task = page.locator("section", { has: page.getByRole("heading", { name: "blob_detection" }) }).last();
  await task.getByRole("checkbox").nth(1).check();
  await task.getByText(/parameters, all defaults/).click();
  const area = task.getByLabel("min_area", { exact: true });
  await area.fill("12");
  await expect(task.getByText("1 parameter changed")).toBeVisible();
  await page.getByRole("button", { name: /^Reset to .*: min_area$/ }).click();
  await expect(task.getByText(/parameters, all defaults/)).toBeVisible();
  await expect(page.getByText("Ready to start.")).toBeVisible();

  await page.getByRole("button", { name: "Try one image" }).click();
  const trial = page.getByRole("dialog", { name: "Try one image" });
  await trial.getByLabel("Image", { exact: true }).fill("workshop/gauge inlet.jpg");
  await trial.getByRole("button", { name: "Try it" }).click();
  await expect(trial.getByText(/Took .*\. Run /)).toBeVisible({ timeout: 30_000 });
  await expect(trial.locator("svg .shape, svg polygon, svg rect, svg path").first()).toBeVisible();
  const picture = trial.getByRole("application").locator("img");
  await expect.poll(() => picture.evaluate(widthOf)).toBeGreaterThan(100);
  await trial.getByRole("tab", { name: "Raw" }).click();
  await expect(trial.getByText("OBJECT_DETECTION").first()).toBeVisible();
  await trial.getByRole("button", { name: "Close", exact: true }).click();

  await page.getByRole("button", { name: "Start the night" }).click();
  await expect(page.getByText("All done.")).toBeVisible({ timeout: 45_000 });
  await expect(page.getByText("4 of 4")).toBeVisible();
  await expect(page.getByRole("img", { name: /^The night\. 4 images done/ })).toBeVisible();

  await page.getByRole("link", { name: "Images", exact: true }).click();
  await page.getByRole("row", { name: /gauge inlet/ }).click();
  const panel = page.getByRole("complementary", { name: "Result" });
  await expect(panel.getByText(/of \d+ objects? shown/)).toBeVisible();

  await page.getByRole("button", { name: "More actions" }).click();
  await page.getByRole("menuitem", { name: "Write results as JSON Lines" }).click();
  await expect(page.getByText(/4 images written to /)).toBeVisible();
  const written = (await readdir(place.results)).filter((name) => name.endsWith(".jsonl"));
  expect(written).toHaveLength(1);
  const lines = (await readFile(join(place.results, written[0] ?? ""), "utf8")).trim().split("\n");
  expect(lines.map((line) => (JSON.parse(line) as { state: string }).state)).toEqual(TAKEN.map(() => "done"));
});
