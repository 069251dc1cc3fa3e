import axe from "axe-core";
import { expect, test } from "vitest";
import { openWindow } from "./support/page.ts";
import type { Scenario } from "./support/fixture-engine.ts";

/** Every view with a text that shows that it is there. */
const VIEWS: { name: string; hash: string; scenario: Scenario; shows: string }[] = [
  { name: "Night", hash: "#/batch/1/night", scenario: "night", shows: "What happened" },
  {
    name: "Night without its server",
    hash: "#/batch/4/night",
    scenario: "gates",
    shows: "Server not reachable",
  },
  { name: "Night signed out", hash: "#/batch/5/night", scenario: "gates", shows: "Sign in again" },
  {
    name: "Night with a full disk",
    hash: "#/batch/6/night",
    scenario: "gates",
    shows: "The disk is almost full",
  },
  { name: "Night without images", hash: "#/batch/7/night", scenario: "gates", shows: "No images found yet" },
  { name: "Night paused", hash: "#/batch/3/night", scenario: "night", shows: "Paused since" },
  { name: "Images", hash: "#/batch/1/images", scenario: "night", shows: "sheet 0000003.tif" },
  {
    name: "Images with a result",
    hash: "#/batch/1/images?image=10000001",
    scenario: "night",
    shows: "5 of 5 objects shown",
  },
  {
    name: "Images with tables",
    hash: "#/batch/1/images?image=10000007",
    scenario: "night",
    shows: "histogram of 64 bins",
  },
  {
    name: "Images without a match",
    hash: "#/batch/1/images?search=zebra",
    scenario: "night",
    shows: "No image matches",
  },
  { name: "Failures", hash: "#/batch/1/failures", scenario: "night", shows: "Workflow failed" },
  { name: "Failures, none", hash: "#/batch/8/failures", scenario: "gates", shows: "Nothing failed" },
  { name: "Setup", hash: "#/batch/1/setup", scenario: "night", shows: "min_area" },
  { name: "New batch", hash: "#/new", scenario: "night", shows: "Choose the folder" },
  { name: "Settings", hash: "#/settings", scenario: "night", shows: "Appearance" },
  { name: "no batch", hash: "#/", scenario: "empty", shows: "Nothing to run yet" },
  { name: "a data file that is damaged", hash: "#/", scenario: "broken", shows: "is damaged" },
];

for (const theme of ["dark", "light"] as const) {
  for (const view of VIEWS) {
    test(`${view.name} has no accessibility violation and no console error, ${theme}`, async () => {
      const { faults } = await openWindow(view.hash, { theme, scenario: view.scenario });
      await expect.poll(() => document.body.innerText, { timeout: 4000 }).toContain(view.shows);
      const { violations } = await axe.run(document.body, { resultTypes: ["violations"] });
      const told = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" | ")}`);
      expect(told).toEqual([]);
      expect(faults).toEqual([]);
    });
  }
}
