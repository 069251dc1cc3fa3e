import { expect, test } from "vitest";
import {
  formatBytes,
  formatCountdown,
  formatDuration,
  formatPercent,
  formatRate,
  formatTime,
  splitPath,
} from "../../src/lib/format.ts";

test("durations read as a person says them", () => {
  expect([320, 3200, 61_000, 60_000, 11_520_000, 187_200_000].map(formatDuration)).toEqual([
    "320 ms",
    "3.2 s",
    "1 min 1 s",
    "1 min",
    "3 h 12 min",
    "2 d 4 h",
  ]);
});

test("a countdown never shows less than is left", () => {
  expect([0, 400, 40_000, 119_000, 121_000].map(formatCountdown)).toEqual([
    "0 s",
    "1 s",
    "40 s",
    "119 s",
    "3 min",
  ]);
});

test("a hundred percent is told only when nothing is left", () => {
  expect(formatPercent(13_559, 13_560)).toBe("99 %");
  expect(formatPercent(13_560, 13_560)).toBe("100 %");
  expect(formatPercent(0, 0)).toBe("0 %");
});

test("bytes and rates carry one decimal where it says something", () => {
  expect([999, 1_500, 24_300_000, 2_000_000_000].map(formatBytes)).toEqual([
    "999 B",
    "1.5 kB",
    "24.3 MB",
    "2 GB",
  ]);
  expect([3.24, 31.4].map(formatRate)).toEqual(["3.2", "31"]);
});

test("a time of another day says its day", () => {
  const now = new Date(2026, 10, 23, 8, 0).getTime();
  expect(formatTime(new Date(2026, 10, 23, 5, 40).getTime(), now)).toBe("05:40");
  expect(formatTime(new Date(2026, 10, 22, 23, 15).getTime(), now)).toBe("22 Nov, 23:15");
});

test("a path gives way in its middle, on every system", () => {
  expect(splitPath("drawer 001/sheet 1.tif")).toEqual({ head: "drawer 001", tail: "/sheet 1.tif" });
  expect(splitPath("D:\\scans\\a.tif")).toEqual({ head: "D:\\scans", tail: "\\a.tif" });
  expect(splitPath("IMG_2042 (1) edited.jpg")).toEqual({ head: "", tail: "IMG_2042 (1) edited.jpg" });
});
