import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  looksLikeHtml,
  NO_ADVICE,
  readErrorDetail,
  readPendingAnswer,
  readRunAnswer,
} from "../../electron/engine/deployment/wire.ts";

const RUN_ID = "0b3f2c9e-0000-4000-8000-000000000001";

describe("the answer to a submission", () => {
  it("is a run id in quotes, from old and serverless deployments", () => {
    expect(readRunAnswer(`"${RUN_ID}"`)).toEqual({ ok: true, value: { uuid: RUN_ID, advice: NO_ADVICE } });
    expect(readRunAnswer(` "${RUN_ID.toUpperCase()}"\n`)).toMatchObject({
      value: { uuid: RUN_ID.toUpperCase() },
    });
  });

  it("is an object with advice, from others", () => {
    const text = JSON.stringify({
      uuid: RUN_ID,
      state: "PENDING",
      eta: [1200, null],
      next_poll_in: 800,
      next_poll_long: true,
      more: 1,
    });
    expect(readRunAnswer(text)).toEqual({
      ok: true,
      value: { uuid: RUN_ID, advice: { state: "PENDING", etaMs: [1200, null], nextPollMs: 800, long: true } },
    });
  });

  it.each([
    [{ uuid: RUN_ID }],
    [{ uuid: RUN_ID, state: 7, eta: "soon", next_poll_in: -1, next_poll_long: "yes" }],
    [{ uuid: RUN_ID, state: null, eta: [1, 2, 3], next_poll_in: null, next_poll_long: null }],
  ])("keeps the run id when the advice is odd: %j", (answer) => {
    expect(readRunAnswer(JSON.stringify(answer))).toEqual({
      ok: true,
      value: { uuid: RUN_ID, advice: NO_ADVICE },
    });
  });

  it.each([
    "",
    "null",
    "42",
    "[]",
    "{}",
    RUN_ID,
    `'${RUN_ID}'`,
    `"${RUN_ID} "`,
    `"${RUN_ID}x"`,
    `["${RUN_ID}"]`,
    `{"uuid":"../../etc"}`,
    `{"id":"${RUN_ID}"}`,
    `"${RUN_ID}" "${RUN_ID}"`,
    "<!doctype html><title>Sign in</title>",
    `"${"x".repeat(70_000)}"`,
    `${" ".repeat(70_000)}"${RUN_ID}"`,
  ])("is nothing else (case %#)", (text) => {
    expect(readRunAnswer(text)).toMatchObject({
      ok: false,
      failure: { reason: "unexpected-response", status: 200 },
    });
  });

  it("only ever yields run ids that are UUIDs", () => {
    const pieces = fc.oneof(
      fc.json(),
      fc.string(),
      fc.uuid().map((id) => JSON.stringify(id)),
    );
    fc.assert(
      fc.property(pieces, (text) => {
        const answer = readRunAnswer(text);
        if (answer.ok) expect(answer.value.uuid).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i);
      }),
      { numRuns: 2000 },
    );
  });

  it("takes every UUID, in any letter case", () => {
    const anyCase = fc.tuple(fc.uuid(), fc.boolean()).map(([id, upper]) => (upper ? id.toUpperCase() : id));
    fc.assert(
      fc.property(anyCase, (id) => {
        expect(readRunAnswer(JSON.stringify(id))).toMatchObject({ ok: true, value: { uuid: id } });
        expect(readRunAnswer(JSON.stringify({ uuid: id }))).toMatchObject({ ok: true, value: { uuid: id } });
      }),
    );
  });
});

describe('the answer "not yet"', () => {
  it("is null, or advice", () => {
    expect(readPendingAnswer("null")).toEqual({ ok: true, value: NO_ADVICE });
    expect(readPendingAnswer('{"state":"STARTED","eta":[0,0],"next_poll_in":50}')).toEqual({
      ok: true,
      value: { state: "STARTED", etaMs: [0, 0], nextPollMs: 50, long: false },
    });
  });

  it.each(["", "[]", '"null"', "0", "true", "<html>"])("is not %j", (text) => {
    expect(readPendingAnswer(text)).toMatchObject({ ok: false, failure: { status: 202 } });
  });
});

describe("the words of an error", () => {
  it.each([
    ['{"message":"CUDA out of memory"}', "CUDA out of memory"],
    ['{"detail":"No"}', "No"],
    [
      '{"detail":[{"loc":["body","outputs",0,"task_name"],"msg":"field required","type":"x"},{"msg":"odd"}]}',
      "body.outputs.0.task_name: field required; odd",
    ],
    ['{"errors":[{"code":"not_found","messages":["Not found."],"metadata":null}]}', "Not found."],
    ["<html><title>502 Bad Gateway</title></html>", 'a web page, "502 Bad Gateway"'],
    ["  <!DOCTYPE html><p>hello", "a web page"],
    ["plain\r\n\ttext \u001b[31mred", "plain text [31mred"],
    ["", ""],
  ])("%s", (text, words) => {
    expect(readErrorDetail(text)).toBe(words);
  });

  it("are few", () => {
    const many = JSON.stringify({ detail: Array.from({ length: 50 }, (_, i) => ({ loc: [i], msg: "no" })) });
    expect(readErrorDetail(many)).toMatch(/and 45 more$/);
    expect(readErrorDetail("x".repeat(60_000)).length).toBeLessThan(600);
  });
});

it("a web page is told from JSON by how it begins", () => {
  expect(["<html>", " <!DOCTYPE x>", "<?xml ?>", "<body>"].map(looksLikeHtml)).toEqual([
    true,
    true,
    true,
    true,
  ]);
  expect(['"<html>"', "[]", "", "< 3"].map(looksLikeHtml)).toEqual([false, false, false, false]);
});
