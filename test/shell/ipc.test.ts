import { beforeEach, describe, expect, test, vi } from "vitest";
import { CALL_NAMES, type Envelope, type Handlers } from "../../electron/contract/api.ts";
import { FOLDER_DROPPED } from "../../electron/contract/desktop.ts";
import { createDispatcher } from "../../electron/engine/handlers/dispatcher.ts";
import { CallRefused, ONLY_LOOKING } from "../../electron/engine/handlers/context.ts";
import type { Failure } from "../../electron/contract/failure.ts";

/** A ten-line stand-in for Electron's side of the channels. */
const channels = new Map<string, (event: unknown, input: unknown) => Promise<Envelope<unknown>>>();
vi.mock("electron", () => ({
  ipcMain: {
    handle: (name: string, listener: never) => channels.set(name, listener),
    removeHandler: (name: string) => channels.delete(name),
  },
}));
const { bindIpc, IPC_CHANNELS, MOST_CALLS_AT_ONCE } = await import("../../electron/shell/ipc.ts");

const WINDOW = 7;
const topFrame = { parent: null, detached: false, url: "app://ui/index.html#/batch/3" };
const ours = { sender: { id: WINDOW }, senderFrame: topFrame };

const foreign: Record<string, unknown> = {
  "another window": { sender: { id: 8 }, senderFrame: topFrame },
  "a frame inside the page": { ...ours, senderFrame: { ...topFrame, parent: topFrame } },
  "a frame that is gone": { ...ours, senderFrame: null },
  "a detached frame": { ...ours, senderFrame: { ...topFrame, detached: true } },
  "a frame whose parts throw": {
    sender: { id: WINDOW },
    get senderFrame() {
      throw new Error("Render frame was disposed");
    },
  },
  ...Object.fromEntries(
    [
      "https://example.com/",
      "app://ui.evil/index.html",
      "app://evil/ui/",
      "app://user@ui/index.html",
      "app:///index.html",
      "file:///index.html",
      "data:text/html,app://ui/",
      "about:blank",
      "http://app//ui/",
      "",
    ].map((url) => [`a page at "${url}"`, { ...ours, senderFrame: { ...topFrame, url } }]),
  ),
};

const parsed = (text: string): unknown => JSON.parse(text);
const nested = (depth: number): unknown => (depth === 0 ? 1 : { a: nested(depth - 1) });
const bad: Record<string, unknown> = {
  nothing: undefined,
  null: null,
  "a number": 12,
  "a text": "batchId",
  "a list": [{ batchId: 1 }],
  "a key of its own": { extra: 1 },
  "100 MB of text": { batchId: "x".repeat(100_000_000), settings: "", text: "" },
  "a million members": { batchId: Array.from({ length: 1_000_000 }, () => 1) },
  "a key __proto__": parsed('{"__proto__":{"admin":true}}'),
  "a key __proto__ deeper down": parsed('{"settings":{"a":[{"__proto__":{"admin":true}}]}}'),
  "a deep nest": nested(10_000 / 100),
  "a map": new Map([["batchId", 1]]),
  bytes: new Uint8Array(10),
  "a date": new Date(0),
  "a function": () => 1,
  "a big integer": 1n,
};

let called: string[];
let problems: Failure[];
let release: (() => void)[];
let answerWith: (input: unknown) => unknown;

beforeEach(() => {
  channels.clear();
  called = [];
  problems = [];
  release = [];
  answerWith = () => ({ fine: true });
  const handlers = Object.fromEntries(
    CALL_NAMES.map((name) => [
      name,
      (input: unknown) => {
        called.push(name);
        return answerWith(input);
      },
    ]),
  ) as unknown as Handlers;
  bindIpc({
    call: createDispatcher({ handlers, readOnly: false, onProblem: (failure) => problems.push(failure) }),
    windowId: () => WINDOW,
    onFolderDropped: (path) => called.push(path),
    onProblem: (failure) => problems.push(failure),
  });
});

const call = (name: string, event: unknown, input: unknown): Promise<Envelope<unknown>> => {
  const listener = channels.get(name);
  if (listener === undefined) throw new Error(`There is no channel ${name}`);
  return listener(event, input);
};

describe("the channels", () => {
  test("are those of the contract and the dropped folder, and no other", () => {
    expect([...channels.keys()].sort()).toEqual([...CALL_NAMES, FOLDER_DROPPED].sort());
    expect([...IPC_CHANNELS].sort()).toEqual([...channels.keys()].sort());
  });

  test("can all be closed", () => {
    const close = bindIpc({
      call: () => Promise.reject(new Error("Nothing may come this far")),
      windowId: () => WINDOW,
      onFolderDropped: () => undefined,
      onProblem: () => undefined,
    });
    close();
    expect(channels.size).toBe(0);
  });
});

describe.each([...CALL_NAMES, FOLDER_DROPPED])("%s", (name) => {
  test.each(Object.entries(foreign))("refuses %s and reaches no handler", async (_who, event) => {
    const answer = await call(name, event, {});
    expect(answer.ok).toBe(false);
    expect(called).toEqual([]);
    expect(problems).toHaveLength(1);
  });

  test.each(Object.entries(bad))("refuses %s and reaches no handler", async (_what, input) => {
    const before = process.hrtime.bigint();
    const answer = await call(name, ours, input);
    expect(answer.ok).toBe(false);
    expect(called).toEqual([]);
    expect(Object.hasOwn(Object.prototype, "admin")).toBe(false);
    expect(Number(process.hrtime.bigint() - before) / 1e6).toBeLessThan(2000);
  });
});

test("refuses everybody while there is no window", async () => {
  channels.clear();
  bindIpc({
    call: () => Promise.reject(new Error("Nothing may come this far")),
    windowId: () => null,
    onFolderDropped: () => undefined,
    onProblem: () => undefined,
  });
  expect((await call("app:state", ours, {})).ok).toBe(false);
});

test("passes what the schema read, and answers with an envelope", async () => {
  answerWith = (input) => input;
  expect(await call("batch:get", ours, { batchId: 3 })).toEqual({ ok: true, value: { batchId: 3 } });
  expect(await call(FOLDER_DROPPED, ours, { path: "/scans/mai" })).toEqual({ ok: true, value: {} });
  expect(called).toEqual(["batch:get", "/scans/mai"]);
});

test("a handler that throws gives a failure without its stack, and is reported", async () => {
  answerWith = () => {
    throw new Error("the index of images is missing");
  };
  const answer = await call("batch:get", ours, { batchId: 3 });
  expect(answer).toEqual({
    ok: false,
    failure: { reason: "internal", message: "batch:get: the index of images is missing" },
  });
  expect(problems).toHaveLength(1);
});

test("a handler's refusal arrives as its failure, and is no problem of ours", async () => {
  answerWith = () => {
    throw new CallRefused(ONLY_LOOKING);
  };
  expect(await call("settings:get", ours, {})).toEqual({ ok: false, failure: ONLY_LOOKING });
  expect(problems).toEqual([]);
});

test("lets a window have only so many calls under way", async () => {
  answerWith = () => new Promise<void>((resolve) => release.push(resolve));
  const waiting = Array.from({ length: MOST_CALLS_AT_ONCE }, () => call("batch:get", ours, { batchId: 3 }));
  expect((await call("batch:get", ours, { batchId: 3 })).ok).toBe(false);
  for (const go of release) go();
  expect((await Promise.all(waiting)).every((answer) => answer.ok)).toBe(true);
  answerWith = () => ({});
  expect((await call("batch:get", ours, { batchId: 3 })).ok).toBe(true);
});
