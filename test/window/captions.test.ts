import { expect, test } from "vitest";
import { apart } from "../../src/lib/overlay/captions.ts";

test("captions that would lie on an earlier one are left out", () => {
  const first = { x: 10, y: 10, text: "red 64 %" };
  const onIt = { x: 40, y: 20, text: "orange 74 %" };
  const below = { x: 10, y: 28, text: "white 75 %" };
  const beside = { x: 120, y: 10, text: "green 63 %" };
  expect(apart([first, onIt, below, beside])).toEqual([first, below, beside]);
  expect(apart([onIt, first])).toEqual([onIt]);
});
