import { AxeBuilder } from "@axe-core/playwright";
import { settingsAt, startBatch } from "./support/batch.ts";
import { expect, signInTo, test } from "./support/window.ts";

/** `doneId`: an image with a result; which ones fail depends on the order in which they are sent. */
const viewsOf = (doneId: number): { hash: string; shows: string }[] => [
  { hash: "#/batch/1/night", shows: "What happened" },
  { hash: `#/batch/1/images?image=${doneId}`, shows: "image_facts" },
  { hash: "#/batch/1/failures", shows: "Injected failure" },
  { hash: "#/batch/1/setup", shows: "Tasks and parameters" },
  { hash: "#/new", shows: "Nothing is sent before you start" },
  { hash: "#/settings", shows: "Appearance" },
];

for (const theme of ["dark", "light"] as const) {
  test(`no view of a real night has an accessibility violation, ${theme}`, async ({
    place,
    serve,
    simulate,
    open,
    callerOf,
  }) => {
    const simulator = await simulate({ latency: { minMs: 0, maxMs: 1 } });
    const host = await serve({ env: signInTo(simulator) });
    const call = await callerOf(host);
    await call("settings:save", { ...(await call("settings:get", {})), theme });
    simulator.control.script({
      on: "put",
      fault: { kind: "run-error", status: 520, message: "Injected failure" },
      skip: 2,
      times: "always",
    });
    await startBatch(call, place, { settings: settingsAt(place, simulator), pictures: 5 });
    const page = await open(host);
    await expect(page.getByText(/failed/).first()).toBeVisible();
    const scope = {
      batchId: 1,
      states: ["done" as const],
      reason: null,
      search: "",
      label: null,
      imageIds: null,
    };
    const findDone = async (): Promise<number> => {
      const query = { scope, sort: "path" as const, descending: false, after: null, limit: 1 };
      return (await call("images:page", query)).rows[0]?.id ?? 0;
    };
    await expect.poll(findDone).toBeGreaterThan(0);
    for (const { hash, shows } of viewsOf(await findDone())) {
      await page.goto(new URL(`/${hash}`, host.link).href);
      await expect(page.getByText(shows).first()).toBeVisible();
      const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze();
      const told = violations.map(
        ({ id, nodes }) => `${hash} ${id}: ${nodes.map((node) => node.html).join(" | ")}`,
      );
      expect(told).toEqual([]);
    }
    await page
      .getByRole("link", { name: "Night", exact: true })
      .or(page.locator("a.batch").first())
      .first()
      .click();
    await page.getByRole("button", { name: "Try one" }).click();
    await expect(page.getByRole("dialog")).toBeVisible();
    const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze();
    expect(violations.map(({ id }) => id)).toEqual([]);
  });
}
