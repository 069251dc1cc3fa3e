import { startBatch } from "./support/batch.ts";
import { expect, test } from "./support/window.ts";

test("a night can be walked through with the keyboard alone", async ({ place, serve, open, callerOf }) => {
  const host = await serve();
  await startBatch(await callerOf(host), place, { pictures: 30 });
  const page = await open(host, "#/batch/1/night");
  await expect(page.getByText("All done.")).toBeVisible();
  const { keyboard } = page;

  await keyboard.press("Tab");
  await expect(page.getByRole("button", { name: "Skip to content" })).toBeFocused();
  await keyboard.press("Enter");
  await expect(page.getByRole("main")).toBeFocused();
  const images = page.getByRole("link", { name: "Images", exact: true });
  for (let n = 0; n < 12 && !(await images.evaluate(isFocused)); n += 1) await keyboard.press("Tab");
  await expect(images).toBeFocused();
  await keyboard.press("Enter");

  const grid = page.getByRole("grid");
  await expect(grid).toBeVisible();
  await keyboard.press("/");
  await expect(page.getByRole("searchbox")).toBeFocused();
  await keyboard.type("02");
  await expect(page.getByText("11 images", { exact: true })).toBeVisible();
  await keyboard.press("Escape");
  await expect(grid).toBeFocused();
  await keyboard.press("ArrowDown");
  await keyboard.press("ArrowDown");
  await expect(grid).toHaveAttribute("aria-activedescendant", "image-row-2");
  await keyboard.press("Enter");
  const panel = page.getByRole("complementary", { name: "Result" });
  await expect(panel.getByRole("heading", { name: "0021.png" })).toBeVisible();
  await keyboard.press("ArrowDown");
  await expect(panel.getByRole("heading", { name: "0022.png" })).toBeVisible();
  await keyboard.press("End");
  await expect(panel.getByRole("heading", { name: "0029.png" })).toBeVisible();
  await expect(page.locator("#image-row-10")).toBeInViewport();
  await keyboard.press(" ");
  await expect(page.getByText("1 image selected")).toBeVisible();
  await keyboard.press("r");
  await expect(page.getByRole("alertdialog").getByText(/None of these images can be retried/)).toBeVisible();
  await keyboard.press("Escape");
  await keyboard.press("Escape");
  await expect(panel).toBeHidden();
  await keyboard.press("Escape");
  await expect(page.getByText("11 images", { exact: true })).toBeVisible();
});

function isFocused(element: unknown): boolean {
  return (element as { matches(selector: string): boolean }).matches(":focus");
}
