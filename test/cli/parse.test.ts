import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  parseCount,
  parseDuration,
  parseInput,
  parseOutput,
  parseParameter,
  parseRate,
} from "../../electron/cli/parse.ts";

describe("durations", () => {
  test.each([
    ["6s", 6000],
    ["10m", 600_000],
    ["10min", 600_000],
    ["2h", 7_200_000],
    ["1.5h", 5_400_000],
    ["1500ms", 1500],
    ["1d", 86_400_000],
    ["1s", 1000],
    ["365d", 365 * 86_400_000],
    [" 6s ", 6000],
  ])("%s is understood", (text, ms) => {
    expect(parseDuration(text, "--run-timeout")).toEqual({ ok: true, value: ms });
  });
  test.each(["", "6", "s", "-6s", "6 s", "6S", "1h30m", "1e3s", "0s", "999ms", "366d", "Infinitys", ".5h"])(
    "%j is refused with the flag and an example",
    (text) => {
      const parsed = parseDuration(text, "--run-timeout");
      expect(parsed).toMatchObject({ ok: false, failure: { reason: "usage" } });
      expect(JSON.stringify(parsed)).toContain("--run-timeout");
    },
  );
  test("no text gives a time that a timer cannot take", () => {
    fc.assert(
      fc.property(fc.float(), fc.constantFrom("ms", "s", "m", "h", "d", "w"), (amount, unit) => {
        const parsed = parseDuration(`${amount}${unit}`, "--x");
        return !parsed.ok || (parsed.value >= 1000 && Number.isSafeInteger(parsed.value));
      }),
    );
  });
});

describe("rates", () => {
  test.each([
    ["2/s", { count: 2, windowMs: 1000 }],
    ["30/min", { count: 30, windowMs: 60_000 }],
    ["30/m", { count: 30, windowMs: 60_000 }],
    ["500/h", { count: 500, windowMs: 3_600_000 }],
  ])("%s is understood", (text, value) => {
    expect(parseRate(text)).toEqual({ ok: true, value });
  });
  test.each(["", "5", "0/s", "-1/s", "1.5/s", "5/d", "5 / s", "5/sec", "s", "1000001/h"])(
    "%j is refused",
    (text) => {
      expect(parseRate(text)).toMatchObject({ ok: false, failure: { reason: "usage" } });
    },
  );
});

test.each([
  ["1", 1],
  ["1000", 1000],
  [" 7 ", 7],
])("the count %j is understood", (text, value) => {
  expect(parseCount(text, "--concurrency", 1, 1000)).toEqual({ ok: true, value });
});
test.each(["", "0", "1001", "-1", "1.0", "1e2", "0x10", "many", "1 2"])(
  "the count %j is refused with its bounds",
  (text) => {
    const parsed = parseCount(text, "--concurrency", 1, 1000);
    expect(JSON.stringify(parsed)).toContain("from 1 to 1000");
  },
);

describe("outputs", () => {
  test.each([
    ["infer_yolo_v8", ["infer_yolo_v8", 0, null]],
    ["infer_yolo_v8#1", ["infer_yolo_v8", 1, null]],
    ["infer_yolo_v8:2", ["infer_yolo_v8", 0, 2]],
    ["infer_yolo_v8#0:1", ["infer_yolo_v8", 0, 1]],
    ["my task.v2#10:0", ["my task.v2", 10, 0]],
  ])("%s is understood", (text, [taskName, taskIndex, outputIndex]) => {
    expect(parseOutput(text)).toEqual({ ok: true, value: { taskName, taskIndex, outputIndex } });
  });
  test.each(["", "#1", ":1", "a#", "a:", "a#b", "a:b", "a:1#0", "a#-1", "a#1000", "a=1"])(
    "%j is refused",
    (text) => {
      expect(parseOutput(text)).toMatchObject({ ok: false, failure: { reason: "usage" } });
    },
  );
});

describe("parameters", () => {
  test.each([
    ["infer_yolo_v8.conf_thres=0.4", "infer_yolo_v8", 0, "conf_thres", "0.4"],
    ["infer_yolo_v8#1.conf_thres=0.4", "infer_yolo_v8", 1, "conf_thres", "0.4"],
    ["task.name=", "task", 0, "name", ""],
    ["task.name=a=b", "task", 0, "name", "a=b"],
    ["task.name= two words\nand lines ", "task", 0, "name", " two words\nand lines "],
    ["task.nested.name=1", "task", 0, "nested.name", "1"],
  ])("%j is understood; the value is taken as it stands", (text, taskName, taskIndex, name, value) => {
    expect(parseParameter(text)).toEqual({ ok: true, value: { taskName, taskIndex, name, value } });
  });
  test.each(["", "task", "task.name", "task=1", ".name=1", "task.=1", "=1", "a#x.b=1"])(
    "%j is refused",
    (text) => {
      expect(parseParameter(text)).toMatchObject({ ok: false, failure: { reason: "usage" } });
    },
  );
});

test.each(['{"DATA_DICT":{"plate":7}}', '{"TEXT":"x"}'])("the input %s is understood", (text) => {
  expect(parseInput(text)).toEqual({ ok: true, value: JSON.parse(text) as unknown });
});
test.each(["", "{", "7", "[]", "{}", '{"A":1,"B":2}', '"text"', "null"])(
  "the input %j is refused",
  (text) => {
    const parsed = parseInput(text);
    expect(JSON.stringify(parsed)).toContain("DATA_DICT");
    expect(parsed.ok).toBe(false);
  },
);
