import { describe, expect, test } from "vitest";
import { type OutputCounts, readAnswer } from "../../electron/engine/results/answer.ts";
import { MAX_DEPTH } from "../../electron/engine/results/json-guard.ts";
import { bytesOf, fixture, readOne, request } from "./support/fixtures.ts";

const detection = fixture("object-detection");
const image = fixture("image");

function places(body: unknown, requested: Parameters<typeof readAnswer>[1], counts?: OutputCounts) {
  const answer = readAnswer(bytesOf(body), requested, counts);
  if (!answer.ok) return answer.failure.what;
  return answer.value.map((output) => `${output.taskName}#${output.taskIndex}:${output.outputIndex}`);
}

describe("the place of each result", () => {
  test.each([
    ["a plain array", [image, detection]],
    ["the advice form", { eta: [0, 0], results: [image, detection], state: "SUCCESS" }],
  ])("follows the order of the request in %s", (_form, body) => {
    expect(places(body, [request("a", 0, 0), request("b", 2, 1)])).toEqual(["a#0:0", "b#2:1"]);
  });

  test("of a task whose outputs are all asked for is counted from 0, in place", () => {
    const requested = [request("a", 0, null), request("b", 0, 1)];
    expect(places([image, detection, detection], requested, () => 2)).toEqual(["a#0:0", "a#0:1", "b#0:1"]);
  });

  test("is what is left, for one task of unknown size", () => {
    const requested = [request("x", 0, 3), request("a", 0, null), request("b", 0, 1)];
    expect(places([image, image, detection, detection], requested)).toEqual([
      "x#0:3",
      "a#0:0",
      "a#0:1",
      "b#0:1",
    ]);
  });

  test("is shared equally by several of the same task", () => {
    const requested = [request("a", 0, null), request("a", 1, null)];
    expect(places([image, detection, image, detection], requested)).toEqual([
      "a#0:0",
      "a#0:1",
      "a#1:0",
      "a#1:1",
    ]);
    expect(places([image, detection, image], requested)).toBe(
      "nothing tells which of the 3 results belong to which task",
    );
  });

  test("cannot be told for two different tasks of unknown size", () => {
    const requested = [request("a", 0, null), request("b", 0, null)];
    expect(places([image, detection, image, detection], requested)).toContain("nothing tells which");
  });

  test.each([
    [[image], [request("a"), request("b")], "1 result came where 2 were asked for"],
    [[image, image], [request("a")], "2 results came where 1 was asked for"],
    [[], [request("a")], "0 results came where 1 was asked for"],
    [[], [request("a", 0, null)], "0 results came where at least 1 were asked for"],
    [[image], [request("a", 0, 0), request("b", 0, null)], "1 result came where at least 2 were asked for"],
  ])("%# is a failure when the number is wrong", (body, requested, words) => {
    expect(places(body, requested)).toBe(words);
  });

  test("is a failure when a task has another number of outputs than its workflow says", () => {
    expect(places([image], [request("a", 0, null)], () => 2)).toBe("1 result came where 2 were asked for");
  });
});

describe("bytes that are no answer", () => {
  const nested = (open: string, close: string, levels: number): string =>
    open.repeat(levels) + close.repeat(levels);

  test.each([
    ["nothing", Buffer.alloc(0), "it is empty"],
    ["null", "null", "it is not a list of results"],
    ["a number", "42", "it is not a list of results"],
    ["NaN", "[NaN]", "it is not complete, valid JSON"],
    ["a text", '"6f1c"', "it is not a list of results"],
    ["an HTML page", "<html>Sign in</html>", "it is not complete, valid JSON"],
    ["one result without a list", '{"image":"AA"}', 'it is an object without "results"'],
    ["an inherited name", '{"toString":[]}', 'it is an object without "results"'],
    ["results that are no list", '{"results":null}', '"results" is not a list'],
    ["invalid UTF-8", Buffer.from([0x5b, 0x22, 0xff, 0xfe, 0x22, 0x5d]), "it is not UTF-8 text"],
    ["a lone continuation byte", Buffer.from([0x5b, 0x80, 0x5d]), "it is not UTF-8 text"],
    ["deep lists", nested("[", "]", 5_000_000), "it is nested more than 100 levels deep"],
    [
      "deep objects",
      nested('{"a":', "}", 1_000_000).replace("}", "1}"),
      "it is nested more than 100 levels deep",
    ],
    ["depth without an end", '[{"a":'.repeat(3_000_000), "it is nested more than 100 levels deep"],
    ["an endless list", `[${"1,".repeat(8_000_001)}1]`, "it holds more than 8000000 values"],
    ["an endless list of lists", `[${"[],".repeat(5_000_000)}1]`, "it holds more than 8000000 values"],
  ])("%s: fails in words", (_what, body, words) => {
    expect(readAnswer(typeof body === "string" ? Buffer.from(body) : body, [request("a")])).toEqual({
      ok: false,
      failure: { what: words },
    });
  });

  test("an answer cut at any byte fails, and never throws", () => {
    const body = bytesOf({ results: [fixture("data-dict"), fixture("keypoints")], state: "SUCCESS" });
    const requested = [request("a"), request("b")];
    for (let length = 0; length < body.length; length += 1) {
      expect(readAnswer(body.subarray(0, length), requested).ok).toBe(false);
    }
    expect(readAnswer(body, requested).ok).toBe(true);
  });

  test("brackets and quotes inside texts do not count as depth", () => {
    const tricky = {
      DATA_DICT: {
        text: `${"[{".repeat(500)}\\"`,
        [`${"[".repeat(300)}"`]: "\\\\",
        end: "x".repeat(400) + '"[',
      },
    };
    expect(readOne(tricky).raw).toEqual(tricky);
  });

  test("brackets after an escaped quote do not count as depth, in short texts and long ones", () => {
    for (const before of ["", "a", "x".repeat(60)]) {
      const value = { DATA_DICT: Array.from({ length: 200 }, () => `${before}\\"[[[[`) };
      expect(readOne(value).raw).toEqual(value);
    }
  });

  test("long texts with backslashes before their end are skipped to the right quote", () => {
    for (const backslashes of [0, 1, 2, 3, 4, 5]) {
      for (const length of [0, 40, 46, 47, 48, 49, 60, 300]) {
        const text = "y".repeat(length) + "\\".repeat(backslashes);
        const value = { DATA_DICT: { [text]: text, text: `${text}"${text}`, deep: [[text]] } };
        expect(readOne(value).raw).toEqual(value);
      }
    }
  });

  test(`exactly ${MAX_DEPTH} levels are read`, () => {
    const inner = MAX_DEPTH - 2;
    const body = `[{"DATA_DICT":${"[".repeat(inner)}${"]".repeat(inner)}}]`;
    expect(readAnswer(Buffer.from(body), [request("a")]).ok).toBe(true);
    expect(readAnswer(Buffer.from(body.replace("[]", "[[]]")), [request("a")]).ok).toBe(false);
  });

  test("a byte order mark before the answer is no error", () => {
    expect(readAnswer(Buffer.from(`\uFEFF${JSON.stringify([image])}`), [request("a")]).ok).toBe(true);
  });

  test("bytes in a view of a larger buffer are read in their own bounds", () => {
    const body = bytesOf([image]);
    const larger = new Uint8Array(body.length + 20).fill(0x5b);
    larger.set(body, 10);
    expect(readAnswer(larger.subarray(10, 10 + body.length), [request("a")]).ok).toBe(true);
  });
});

describe("keys that are traps", () => {
  const trap =
    '[{"DATA_DICT":{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"x":1}}]';

  test("__proto__ stays an ordinary key and pollutes nothing", () => {
    const answer = readAnswer(Buffer.from(trap), [request("a")]);
    if (!answer.ok) throw new Error(answer.failure.what);
    expect(JSON.stringify([answer.value[0]?.raw])).toBe(trap);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    const { data } = answer.value[0]?.output as { data: object };
    expect(Object.getPrototypeOf(data)).toBe(Object.prototype);
    expect(Object.keys(data)).toEqual(["__proto__", "constructor", "x"]);
  });

  test("a picture under __proto__ is taken out and pollutes nothing", () => {
    const picture = JSON.stringify(image.image);
    const body = `[{"DATA_DICT":{"__proto__":${picture}}},{"__proto__":${picture}},{"image":{"__proto__":${picture}}}]`;
    const answer = readAnswer(Buffer.from(body), [request("a", 0, null)]);
    if (!answer.ok) throw new Error(answer.failure.what);
    expect(answer.value.map((output) => output.pictures.map((found) => found.suffix))).toEqual([
      [".a-0.0.__proto__.jpg"],
      [".a-0.1.jpg"],
      [".a-0.2.__proto__.jpg"],
    ]);
    expect(JSON.stringify(answer.value[0]?.raw)).toBe(
      '{"DATA_DICT":{"__proto__":{"file":".a-0.0.__proto__.jpg"}}}',
    );
    expect(Object.getPrototypeOf(answer.value[1]?.raw)).toBe(Object.prototype);
    expect(({} as { file?: unknown }).file).toBeUndefined();
  });

  test("of a key that comes twice the last counts, as everywhere in JSON", () => {
    const answer = readAnswer(Buffer.from('[{"DATA_DICT":1,"DATA_DICT":2}]'), [request("a")]);
    expect(answer.ok && answer.value[0]?.output).toEqual({ type: "DATA_DICT", data: 2 });
  });

  test("of several keys the first is the type", () => {
    const read = readOne({ ...detection, image: "AA" });
    expect(read.output.type).toBe("OBJECT_DETECTION");
    expect(Object.keys(read.raw as object)).toEqual(["OBJECT_DETECTION", "image"]);
  });
});
