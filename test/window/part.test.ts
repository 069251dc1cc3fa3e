import { expect, test } from "vitest";
import { render } from "vitest-browser-svelte";
import Part from "../../src/components/Part.svelte";

test("a part of the page that cannot be loaded says so and offers to load the page anew", async () => {
  const screen = await render(Part, {
    load: () => Promise.reject(new TypeError("Failed to fetch dynamically imported module")),
    with: {},
  });
  await expect.poll(() => screen.container.innerText).toContain("could not be loaded");
  await expect.element(screen.getByRole("button", { name: "Try again" })).toBeVisible();
});
