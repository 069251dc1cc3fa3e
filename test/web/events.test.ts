import { PassThrough } from "node:stream";
import type { ServerResponse } from "node:http";
import { expect, test } from "vitest";
import { createEventStreams } from "../../electron/web/event-streams.ts";
import { writePictures } from "../support/pictures.ts";
import { listen } from "./event-client.ts";
import { ask, openStand, until, untilFinished } from "./window-stand.ts";

test("a change reaches every open window within a second", async () => {
  const stand = await openStand();
  const { batchId } = await stand.value("batch:create", { settings: stand.settings() });
  const windows = [await listen(stand), await listen(stand)];
  expect(windows[0]?.type).toContain("text/event-stream");
  const before = performance.now();
  await stand.value("batch:rename", { batchId, name: "renamed" });
  for (const window of windows) {
    const event = await window.next("batches:changed", ({ batches }) => batches[0]?.name === "renamed");
    expect(event.atMs - before).toBeLessThan(1000);
  }
});

test("cards and rows come at most four times a second, however much happens", async () => {
  const stand = await openStand({ simulator: { latency: { minMs: 0, maxMs: 1 }, workers: 64 } });
  await writePictures(stand.folder, 150);
  const { batchId } = await stand.value("batch:create", { settings: stand.settings() });
  const window = await listen(stand);
  await stand.value("batch:start", { batchId });
  await untilFinished(stand, batchId, 150);
  await window.next("batches:changed", ({ batches }) => batches[0]?.activity === "finished");
  for (const name of ["batches:changed", "images:changed"] as const) {
    const times = window.events.filter((event) => event.name === name).map((event) => event.atMs);
    for (const start of times) {
      const inOneSecond = times.filter((at) => at >= start && at < start + 1000).length;
      expect(inOneSecond, name).toBeLessThanOrEqual(5);
    }
  }
});

test("after a whole batch, a window that only listened knows the last state of every image", async () => {
  const stand = await openStand();
  await writePictures(stand.folder, 40);
  const { batchId } = await stand.value("batch:create", { settings: stand.settings() });
  const window = await listen(stand);
  // What happened before this is not told but to be loaded.
  await window.next("images:changed", (data) => data.batchId === batchId && data.more);
  await stand.value("batch:start", { batchId });
  await untilFinished(stand, batchId, 40);
  const states = (): Map<number, string> => {
    const known = new Map<number, string>();
    for (const { name, data } of window.events)
      if (name === "images:changed")
        for (const row of (data as { rows: { id: number; state: string }[] }).rows)
          known.set(row.id, row.state);
    return known;
  };
  await until(
    async () => [...states().values()],
    (list) => list.length === 40 && list.every((state) => state === "done"),
  );
});

test("a window that stops reading holds up no other one", async () => {
  const stand = await openStand();
  await listen(stand, false);
  const quick = await listen(stand);
  const sentence = "x".repeat(60_000);
  const event = { at: 1, kind: "note", sentence, imageId: null, path: null, severity: "info" } as const;
  for (let id = 1; id <= 300; id += 1) {
    stand.service.send({ name: "event:added", data: { batchId: 1, event: { ...event, id } } });
    await quick.next("event:added", (data) => data.event.id === id);
  }
});

test("a window that has left four megabytes unread is let go, so that it loads everything anew", async () => {
  const streams = createEventStreams();
  const slow = fakeResponse();
  const quick = fakeResponse().resume();
  streams.add(slow as unknown as ServerResponse);
  streams.add(quick as unknown as ServerResponse);
  for (let n = 0; n < 10; n += 1) {
    streams.send({ name: "batches:changed", data: { batches: [], text: "x".repeat(1e6) } as never });
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect([slow.destroyed, quick.destroyed]).toEqual([true, false]);
  streams.close();
});

/** Takes what is written as a response does, read or not. */
function fakeResponse(): PassThrough {
  const stream = new PassThrough({ highWaterMark: 1 });
  return Object.assign(stream, { writeHead: () => stream, socket: null });
}

test("no more than two dozen windows listen at once", () => {
  const streams = createEventStreams();
  const taken = Array.from({ length: 30 }, () => streams.add(fakeResponse() as unknown as ServerResponse));
  expect(taken.filter(Boolean)).toHaveLength(24);
  streams.close();
});

test("a page is told that the engine stops before its connection ends", async () => {
  const stand = await openStand();
  const window = await listen(stand);
  await stand.server.close();
  await window.ended;
  const told = window.events.find((event) => event.name === "engine:changed");
  expect(told?.data).toEqual({ running: false, failure: null });
});

test("two windows that start the same batch at once make one runner of it", async () => {
  const stand = await openStand();
  await writePictures(stand.folder, 6);
  const { batchId } = await stand.value("batch:create", { settings: stand.settings() });
  const starts = await Promise.all([1, 2, 3].map(() => stand.value("batch:start", { batchId })));
  expect(starts.map((card) => card.activity)).toEqual(["running", "running", "running"]);
  await untilFinished(stand, batchId, 6);
  const { images } = stand.simulator.control.stats();
  expect(Object.values(images).every((image) => image.accepted === 1)).toBe(true);
  const { events } = await stand.value("batch:events", { batchId, before: null, limit: 50 });
  expect(events.filter((event) => event.kind === "run-started")).toHaveLength(1);
});

test("a batch that one window starts while another pauses it is started and paused, not half of each", async () => {
  const stand = await openStand();
  await writePictures(stand.folder, 3);
  const { batchId } = await stand.value("batch:create", { settings: stand.settings() });
  const starting = stand.value("batch:start", { batchId });
  const pausing = stand.value("batch:pause", { batchId });
  await Promise.all([starting, pausing]);
  const { card } = await stand.value("batch:get", { batchId });
  expect(card.activity).toBe("paused");
  expect(card.gates.map((gate) => gate.kind)).toEqual(["paused"]);
});

test("a stream of events is for reading: asking for its head alone opens none", async () => {
  const stand = await openStand();
  const headers = { cookie: await stand.cookie() };
  expect((await ask(stand.server.port, "/api/events", { method: "HEAD", headers })).status).toBe(405);
});
