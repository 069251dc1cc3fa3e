import { describe, expect, test } from "vitest";
import { exportImage } from "../../electron/contract/export.ts";
import { resultJson, type ResultJsonParts } from "../../electron/engine/results/result-json.ts";
import { packJson, unpackJson } from "../../electron/engine/results/compress.ts";
import { fixture, readOne } from "./support/fixtures.ts";

function parts(...names: string[]): ResultJsonParts {
  const outputs = names.map((name) => readOne(fixture(name)));
  const runs = [
    {
      runId: "r1",
      state: "DONE" as const,
      submittedAt: "2026-01-31T22:00:00.000Z",
      finishedAt: null,
      reason: null,
    },
  ];
  return {
    path: "a/p.jpg",
    sha256: "ab",
    bytes: 3,
    runId: "r1",
    runs,
    revision: 2,
    deployment: "simulator",
    outputs,
  };
}

describe("the JSON beside an image", () => {
  test("is the line of the jsonl export, then deployment and revision", () => {
    const given = parts("image", "object-detection");
    const read = JSON.parse(resultJson(given)) as Record<string, unknown>;
    expect(Object.keys(read).join()).toBe(
      "path,sha256,bytes,state,reason,runId,runs,outputs,files,deployment,revision",
    );
    const { deployment, revision, ...line } = read;
    expect([deployment, revision]).toEqual(["simulator", 2]);
    const expected = exportImage({
      path: "a/p.jpg",
      sha256: "ab",
      bytes: 3,
      state: "done",
      reason: null,
      runId: "r1",
      runs: [...given.runs!],
      outputs: given.outputs.map((output) => output.raw),
      files: ["a/p.jpg.json", "a/p.jpg.infer-0.1.jpg"],
    });
    expect(JSON.stringify(line)).toBe(JSON.stringify(expected));
  });

  test("is the same text for the same parts, and holds every value as it came", () => {
    const trap = readOne(
      JSON.parse('{"DATA_DICT":{"__proto__":[1],"b":[[],{},-0.5,1e21,"\\u2028\\n"],"a":null,"toJSON":1}}'),
    );
    const given = { ...parts(), outputs: [trap] };
    expect(resultJson(given)).toBe(resultJson(structuredClone(given)));
    const { outputs } = JSON.parse(resultJson(given)) as { outputs: unknown[] };
    expect(JSON.stringify(outputs[0])).toBe(JSON.stringify(trap.raw));
  });

  test("is readable: a point is one line, no line is needlessly long", () => {
    const text = resultJson(parts("instance-segmentation", "output-graphics"));
    expect(text).toContain('\n            "box": { "height": 40, "width": 60, "x": 10, "y": 20 },\n');
    expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThanOrEqual(120);
    expect(text.endsWith("}\n")).toBe(true);
  });
});

describe("JSON for the database", () => {
  test.each([null, 0, "", "é💥", [], {}, { a: [1, { b: null }] }])("%j comes back as it was", (value) => {
    expect(packJson(value).encoding).toBe("text");
    expect(unpackJson(packJson(value))).toEqual(value);
  });

  test("is packed when it is long, and comes back with its keys in order", () => {
    const value = { outputs: Array.from({ length: 500 }, (_, i) => ({ y: i, x: "é" })) };
    const packed = packJson(value);
    expect(packed.encoding).toBe("deflate");
    expect(packed.data.length).toBeLessThan(JSON.stringify(value).length / 4);
    expect(JSON.stringify(unpackJson(packed))).toBe(JSON.stringify(value));
    expect(unpackJson({ ...packed, data: new Uint8Array(packed.data as Buffer) })).toEqual(value);
  });

  test("nothing is packed as null, and damage is not taken for a value", () => {
    expect(unpackJson(packJson(undefined))).toBeNull();
    expect(() => unpackJson({ encoding: "deflate", data: Buffer.from("no") })).toThrow();
    expect(() => unpackJson({ encoding: "deflate", data: "text" })).toThrow("Internal error");
  });
});
