import { beforeEach, expect, test, vi } from "vitest";
import type { Transport } from "../../electron/contract/api.ts";
import { CALL_NAMES, EVENT_NAMES } from "../../electron/contract/api.ts";
import { FOLDER_DROPPED } from "../../electron/contract/desktop.ts";

const asked: [string, unknown][] = [];
const listeners = new Map<string, (event: unknown, payload: unknown) => void>();
let exposed: Record<string, unknown> = {};
const pageListeners = new Map<string, (event: unknown) => void>();

vi.mock("electron", () => ({
  contextBridge: { exposeInMainWorld: (key: string, value: unknown) => (exposed = { [key]: value }) },
  ipcRenderer: {
    invoke: (name: string, input: unknown) => {
      asked.push([name, input]);
      return Promise.resolve({ ok: true, value: {} });
    },
    on: (name: string, listener: never) => listeners.set(name, listener),
    removeListener: (name: string) => listeners.delete(name),
  },
  webUtils: { getPathForFile: (file: { path: string }) => file.path },
}));
vi.stubGlobal("addEventListener", (type: string, listener: never) => pageListeners.set(type, listener));
await import("../../electron/preload/preload.ts");

const bridge = (): Transport => exposed.nightrun as Transport;

beforeEach(() => {
  asked.length = 0;
  listeners.clear();
});

test("gives the page two functions under one name, and nothing else", () => {
  expect(Object.keys(exposed)).toEqual(["nightrun"]);
  expect(Object.keys(bridge()).sort()).toEqual(["call", "on"]);
});

test("passes every call and event of the contract", async () => {
  for (const name of CALL_NAMES) await bridge().call(name, {});
  expect(asked.map(([name]) => name)).toEqual([...CALL_NAMES]);
  for (const name of EVENT_NAMES) bridge().on(name, () => undefined);
  expect([...listeners.keys()]).toEqual([...EVENT_NAMES]);
});

test.each([
  "",
  "__proto__",
  "constructor",
  "toString",
  "ELECTRON_BROWSER_REQUIRE",
  FOLDER_DROPPED,
  "app:State",
])('refuses the name "%s"', (name) => {
  expect(() => (bridge().call as (name: string, input: unknown) => unknown)(name, {})).toThrow();
  expect(() => bridge().on(name as never, () => undefined)).toThrow();
  expect(asked).toEqual([]);
  expect(listeners.size).toBe(0);
});

test("gives a listener the event's data alone, and stops when asked to", () => {
  const got: unknown[][] = [];
  const stop = bridge().on("batches:changed", (...given: unknown[]) => void got.push(given));
  listeners.get("batches:changed")?.({ sender: "the channel itself" }, { batches: [] });
  expect(got).toEqual([[{ batches: [] }]]);
  stop();
  expect(listeners.size).toBe(0);
});

test("keeps a dropped file from replacing the page, and tells where it lies", () => {
  let prevented = 0;
  const drop = (files: unknown[]): void =>
    pageListeners.get("drop")?.({ preventDefault: () => (prevented += 1), dataTransfer: { files } });
  drop([{ path: "/scans/mai" }, { path: "/scans/juni" }]);
  drop([{ path: "" }]);
  drop([]);
  expect(prevented).toBe(3);
  expect(asked).toEqual([[FOLDER_DROPPED, { path: "/scans/mai" }]]);
});
