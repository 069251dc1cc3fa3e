import { expect, test, vi } from "vitest";
import { fail, succeed } from "../../electron/contract/result.ts";
import type { Client } from "../../src/lib/client.ts";
import { askEarly } from "../../src/lib/early.ts";

/** Answers every call with how many there were before it; the first `failing` of them fail. */
function countingClient(failing = 0): { client: Client; calls: () => number } {
  let calls = 0;
  const client = {
    ask: () => {
      calls += 1;
      const failure = { reason: "unreachable", host: "here", code: "no answer" } as const;
      return Promise.resolve(calls <= failing ? fail(failure) : succeed(calls));
    },
    on: () => () => undefined,
  } as unknown as Client;
  return { client, calls: () => calls };
}

test("the first who asks the same gets the answer that was asked for before, the next a new one", async () => {
  const { client, calls } = countingClient();
  const early = askEarly(client, "image:get", { imageId: 7 });
  expect(calls()).toBe(1);
  expect(await early.ask("image:get", { imageId: 8 })).toEqual(succeed(2));
  expect(await early.ask("image:get", { imageId: 7 })).toEqual(succeed(1));
  expect(await early.ask("image:get", { imageId: 7 })).toEqual(succeed(3));
});

test("an early failure is not handed on: the engine may answer by now", async () => {
  const early = askEarly(countingClient(1).client, "image:get", { imageId: 7 });
  expect(await early.ask("image:get", { imageId: 7 })).toEqual(succeed(2));
});

test("an answer of some time ago is not handed on", async () => {
  const now = vi.spyOn(performance, "now").mockReturnValue(0);
  const early = askEarly(countingClient().client, "image:get", { imageId: 7 });
  now.mockReturnValue(5000);
  expect(await early.ask("image:get", { imageId: 7 })).toEqual(succeed(2));
  now.mockRestore();
});
