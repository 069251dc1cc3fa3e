import { expect, test } from "vitest";
import { timeLabels } from "../../src/lib/night-chart.ts";

const labels = (ticks: number[], stepSeconds: number): string[] =>
  timeLabels(null, ticks, null, null, stepSeconds);

test("ticks that are closer than a minute tell their seconds, so that no two read the same", () => {
  const close = labels([0, 10, 20, 30, 40, 50, 60], 10);
  expect(new Set(close).size).toBe(7);
  expect(close[1]).toMatch(/^\d\d:\d\d:10$/);
  expect(labels([0, 3600, 7200], 3600)[0]).toMatch(/^\d\d:\d\d$/);
});
