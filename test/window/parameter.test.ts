import { expect, test } from "vitest";
import { checkValue, guessKind } from "../../src/lib/parameter.ts";

test.each([
  ["cuda", "True", "flag"],
  ["cuda", "false", "flag"],
  ["useGrid", "0", "flag"],
  ["use_grid", "1", "flag"],
  ["iterations", "1", "whole"],
  ["used_cells", "1", "whole"],
  ["min_area", "80", "whole"],
  ["clipLimit", "4.000000", "number"],
  ["rate", "1e-4", "number"],
  ["classes", '["leaf"]', "json"],
  ["classes", "['leaf']", "text"],
  ["model_name", "yolov8m", "text"],
  ["prompt", "", "text"],
] as const)("the default of %s = %s makes a control for a %s", (name, value, kind) => {
  expect(guessKind(name, value).kind).toBe(kind);
});

test("a flag keeps the form of its default", () => {
  expect(guessKind("cuda", "False")).toEqual({ kind: "flag", on: "True", off: "False" });
  expect(guessKind("useGrid", "1")).toEqual({ kind: "flag", on: "1", off: "0" });
});

test("a value that the task could not read is refused before it is sent", () => {
  expect(checkValue({ kind: "whole" }, "3.5")).toBe("whole-number");
  expect(checkValue({ kind: "number" }, "3,5")).toBe("a-number");
  expect(checkValue({ kind: "json" }, "{")).toBe("bad-json");
  expect(checkValue({ kind: "number" }, "3")).toBeNull();
  expect(checkValue({ kind: "text" }, "")).toBeNull();
});
