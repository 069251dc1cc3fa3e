import { expect, test, vi } from "vitest";
import type { Failure } from "../../electron/contract/failure.ts";
import { createClient } from "../../src/lib/client.ts";
import { createHttpTransport } from "../../src/lib/transport.ts";

/** `drawn-pictures.ts` answers these addresses as a host would. */
const HOST = new URL("/fixture-host/", location.href).href;

test("a call carries its input and the header that no foreign page can send", async () => {
  const client = createClient(createHttpTransport(HOST));
  const answer = await client.ask("batch:rename", { batchId: 7, name: "Wells" });
  expect(answer).toEqual({
    ok: true,
    value: { method: "POST", header: "1", type: "application/json", body: { batchId: 7, name: "Wells" } },
  });
});

test("a failure inside the answer and one around it come out as the same kind of value", async () => {
  const client = createClient(createHttpTransport(HOST));
  const failure = { reason: "unknown-batch", wanted: "9" };
  expect(await client.ask("batch:get", { batchId: 9 })).toEqual({ ok: false, failure });
  expect(await client.ask("batch:start", { batchId: 9 })).toEqual({ ok: false, failure });
});

test("a page without its cookie is told to open the link again", async () => {
  const answer = await createClient(createHttpTransport(HOST)).ask("settings:get", {});
  expect(JSON.stringify(answer)).toContain("not signed in");
});

test("a host that does not answer, or answers something else, is a failure and no exception", async () => {
  const nobody = createClient(createHttpTransport("http://127.0.0.1:9/"));
  expect(await nobody.ask("app:state", {})).toMatchObject({ ok: false, failure: { reason: "unreachable" } });
  const strange = createClient(createHttpTransport(HOST));
  expect(await strange.ask("app:state", {})).toMatchObject({ ok: false, failure: { reason: "internal" } });
});

test("events arrive, and after a short break the listener is told to load anew, without an alarm", async () => {
  const transport = createHttpTransport(HOST);
  const seen: string[] = [];
  const stops = [
    transport.on("event:added", ({ event }) => seen.push(event.sentence)),
    transport.on("engine:changed", ({ running }) => seen.push(running ? "back" : "away")),
  ];
  await vi.waitFor(() => {
    expect(seen.slice(0, 3)).toEqual(["Hello.", "back", "Hello."]);
  }, 10_000);
  for (const stop of stops) stop();
});

test("a host that stays away is told", async () => {
  const transport = createHttpTransport("http://127.0.0.1:9/");
  const away = await new Promise<{ running: boolean; failure: Failure | null }>((resolve) => {
    transport.on("engine:changed", resolve);
  });
  expect(away).toMatchObject({ running: false, failure: { reason: "unreachable", host: "127.0.0.1:9" } });
});
