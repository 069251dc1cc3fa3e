import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Failure } from "../../electron/contract/failure.ts";
import { writePictures } from "../support/pictures.ts";
import { openStand, type WindowStand } from "./window-stand.ts";

async function readyStand(): Promise<WindowStand> {
  const stand = await openStand({ simulator: { longPollMs: 100 } });
  await writePictures(stand.folder, 2);
  await stand.value("deployment:test", { deployment: "simulator" });
  return stand;
}

/** The reason why a trial failed; null when it did not. */
async function tried(stand: WindowStand): Promise<Failure["reason"] | null> {
  const answer = await stand.call("batch:try-image", { settings: stand.settings(), path: null });
  if (!answer.ok) return answer.failure.reason;
  return answer.value.ok ? null : answer.value.failure.reason;
}

test("small troubles of the deployment are waited out while a person tries an image", async () => {
  const stand = await readyStand();
  const { control } = stand.simulator;
  control.script({ on: "put", fault: { kind: "status", status: 401 } });
  expect(await tried(stand)).toBeNull();
  control.script({ on: "results", fault: { kind: "status", status: 403 } });
  expect(await tried(stand)).toBeNull();
  control.script({ on: "put", fault: { kind: "status", status: 429, headers: { "retry-after": "0" } } });
  expect(await tried(stand)).toBeNull();
  control.script({ on: "results", fault: { kind: "status", status: 503, headers: { "retry-after": "0" } } });
  expect(await tried(stand)).toBeNull();
});

test("what cannot be waited out is told as it is", async () => {
  const stand = await readyStand();
  const { control } = stand.simulator;
  const expected: [Parameters<typeof control.script>[0], Failure["reason"]][] = [
    [
      { on: "put", fault: { kind: "run-error", status: 520, message: "CUDA out of memory" } },
      "workflow-error",
    ],
    [
      { on: "put", fault: { kind: "status", status: 422, body: '{"detail":"no such task"}' } },
      "refused-input",
    ],
    [{ on: "put", fault: { kind: "reset-after" } }, "outcome-unknown"],
    [{ on: "results", fault: { kind: "cut", afterBytes: 5, framing: "length" } }, "result-lost"],
    [{ on: "results", fault: { kind: "odd", result: "not-json" } }, "unexpected-result"],
  ];
  for (const [fault, reason] of expected) {
    control.script(fault);
    expect(await tried(stand), JSON.stringify(fault)).toBe(reason);
  }
  control.script({ on: "put", fault: { kind: "status", status: 401 }, times: 2 });
  expect(await tried(stand)).toBe("sign-in-refused");
  expect(stand.problems).toEqual([]);
});

test("the first complete picture of the folder is tried, and a folder without one says so", async () => {
  const stand = await openStand();
  expect(await tried(stand)).toBe("no-images");
  await writeFile(join(stand.folder, "a.jpg"), "no picture");
  expect(await tried(stand)).toBe("unsupported-format");
  await writePictures(stand.folder, 1);
  const trial = await stand.value("batch:try-image", { settings: stand.settings(), path: null });
  expect(trial.path).toBe("0001.png");
});

test("a trial ends with its window's host, and never more than two go on", async () => {
  const stand = await readyStand();
  stand.simulator.control.hold();
  const going = [tried(stand), tried(stand)];
  await stand.simulator.control.until((stats) => stats.accepted === 2);
  expect(await tried(stand)).toBe("usage");
  await stand.service.close();
  expect(await Promise.all(going)).toEqual(["run-timeout", "run-timeout"]);
});
