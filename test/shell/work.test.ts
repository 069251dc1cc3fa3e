import { describe, expect, test } from "vitest";
import { GATE_KINDS, GATES_FOR_A_PERSON } from "../../electron/contract/gate.ts";
import { summarize } from "../../electron/shell/night-work.ts";
import { createNoticeKeeper } from "../../electron/shell/notifications.ts";
import { barOf, createFailureBadge } from "../../electron/shell/progress.ts";
import { trayMenu, trayTip } from "../../electron/shell/tray.ts";
import { card, gate } from "./support/cards.ts";

describe("the machine has to stay awake", () => {
  test.each([
    ["nothing at all", [], false],
    ["a batch that was never started", [card({ waiting: 5 }, { activity: "idle" })], false],
    ["a batch with images that wait", [card({ waiting: 5 })], true],
    ["a batch whose images are all done", [card({ done: 5 }, { activity: "finished" })], false],
    ["a watched folder where everything is done", [card({ done: 5 })], false],
    [
      "a paused batch with results to come",
      [card({ inFlight: 1, waiting: 4 }, { activity: "paused" })],
      true,
    ],
    ["a paused batch without", [card({ waiting: 4 }, { activity: "paused" })], false],
    ["an outage, which ends by itself", [card({ waiting: 4 }, { gates: [gate("unreachable")] })], true],
    ["a sign-in that a person has to do", [card({ waiting: 4 }, { gates: [gate("sign-in")] })], false],
    [
      "a reached limit with results to come",
      [card({ waiting: 4, inFlight: 1 }, { gates: [gate("run-limit")] })],
      true,
    ],
    ["two batches of which one works", [card({ done: 1 }), card({ uncertain: 1 }, { id: 2 })], true],
  ])("with %s: %s", (_what, cards, expected) => {
    expect(summarize(cards).isMoving).toBe(expected);
  });
});

describe("the bar in the task bar", () => {
  test.each([
    ["nothing", [], -1, "none"],
    ["a finished batch", [card({ done: 5 }, { activity: "finished" })], -1, "none"],
    ["a batch that still looks through its folder", [card({}, { walking: true })], 2, "indeterminate"],
    ["a quarter of the images", [card({ done: 1, waiting: 3 })], 0.25, "normal"],
    ["failures, which are ended too", [card({ done: 1, failed: 1, waiting: 2 })], 0.5, "normal"],
    ["a paused batch", [card({ done: 1, waiting: 3 }, { activity: "paused" })], 0.25, "paused"],
    ["an outage", [card({ done: 1, waiting: 3 }, { gates: [gate("unreachable")] })], 0.25, "paused"],
    ["a needed sign-in", [card({ done: 1, waiting: 3 }, { gates: [gate("sign-in")] })], 0.25, "error"],
    ["a low battery", [card({ done: 1, waiting: 3 }, { gates: [gate("battery-low")] })], 0.25, "paused"],
  ])("shows %s", (_what, cards, fraction, mode) => {
    expect(barOf(summarize(cards))).toEqual({ fraction, mode });
  });
});

describe("the badge", () => {
  test("counts failures that nobody has looked at", () => {
    const badge = createFailureBadge();
    expect(badge.count([card({ failed: 3 })])).toBe(0);
    expect(badge.count([card({ failed: 5 })])).toBe(2);
    badge.seen([card({ failed: 5 })]);
    expect(badge.count([card({ failed: 5 })])).toBe(0);
    expect(badge.count([card({ failed: 6 }), card({ failed: 9 }, { id: 2 })])).toBe(1);
  });

  test("counts anew after a retry took failures away", () => {
    const badge = createFailureBadge();
    badge.seen([card({ failed: 5 })]);
    expect(badge.count([card({ waiting: 5 })])).toBe(0);
    expect(badge.count([card({ failed: 2, waiting: 3 })])).toBe(2);
  });
});

describe("the tray says", () => {
  test.each([
    ["Nightrun: nothing runs", [], false],
    ["Nightrun: running, 8,412 of 13,560, 4 failed", [card({ done: 8408, failed: 4, waiting: 5148 })], false],
    ["Nightrun: waits for you, 1 of 3", [card({ done: 1, waiting: 2 }, { gates: [gate("sign-in")] })], false],
    ["Nightrun: holding, 1 of 3", [card({ done: 1, waiting: 2 }, { gates: [gate("unreachable")] })], false],
    ["Nightrun: paused, 1 of 3", [card({ done: 1, waiting: 2 }, { activity: "paused" })], false],
    ["Nightrun: paused, collecting, 1 of 3", [card({ done: 1, inFlight: 2 }, { activity: "paused" })], false],
    ["Nightrun: everything done, 3 of 3", [card({ done: 3 })], false],
    ["Nightrun: looking through the folder", [card({}, { walking: true })], false],
    ["Nightrun: only looking, another Nightrun writes the data file", [card({ waiting: 3 })], true],
  ])("%s", (expected, cards, isReadOnly) => {
    expect(trayTip(cards, isReadOnly)).toBe(expected);
    expect(trayTip(cards, isReadOnly).length).toBeLessThanOrEqual(127);
  });

  const actions = {
    open: () => undefined,
    pauseAll: () => undefined,
    resumeAll: () => undefined,
    quit: () => undefined,
  };
  const labels = (cards: Parameters<typeof trayMenu>[0], isReadOnly = false): string[] =>
    trayMenu(cards, actions, isReadOnly).flatMap((item) =>
      item.label === undefined ? [] : [`${item.label}${item.enabled === false ? " (off)" : ""}`],
    );

  test("and offers what can be done now", () => {
    expect(
      labels([
        card({ done: 1, waiting: 3 }),
        card({ waiting: 2 }, { id: 2, name: "Wells & co", activity: "paused" }),
      ]),
    ).toEqual([
      "Running, 1 of 6 (off)",
      "Herbarium  25 %",
      "Wells && co  0 %, paused",
      "Open Nightrun",
      "Pause all",
      "Resume all",
      "Quit",
    ]);
    expect(labels([])).toEqual([
      "Nothing runs (off)",
      "Open Nightrun",
      "Pause all (off)",
      "Resume all (off)",
      "Quit",
    ]);
    expect(labels([card({ waiting: 3 })], true)).toContain("Pause all (off)");
  });

  test("and never grows beyond a screen", () => {
    const many = Array.from({ length: 50 }, (_, id) =>
      card({ waiting: 1 }, { id: id + 1, name: "x".repeat(300) }),
    );
    expect(trayMenu(many, actions, false).length).toBeLessThan(20);
    for (const label of labels(many)) expect(label.length).toBeLessThan(80);
  });
});

describe("a notification", () => {
  const start = (): { at: { now: number }; keeper: ReturnType<typeof createNoticeKeeper> } => {
    const at = { now: 1_000_000 };
    return { at, keeper: createNoticeKeeper(() => at.now) };
  };

  test("tells the end of a batch, once", () => {
    const { keeper } = start();
    expect(keeper.take([card({ waiting: 3 })])).toEqual([]);
    const ended = card({ done: 3 }, { activity: "finished" });
    expect(keeper.take([ended])).toEqual([
      { title: "Herbarium is done", body: "3 done of 3.", batchId: 1, hash: "#/batch/1/night" },
    ]);
    expect(keeper.take([ended])).toEqual([]);
  });

  test("leads to the failures when there are some", () => {
    const { keeper } = start();
    keeper.take([card({ waiting: 3 })]);
    expect(keeper.take([card({ done: 1200, failed: 1, missing: 1 }, { activity: "finished" })])).toEqual([
      {
        title: "Herbarium ended; some images need a look",
        body: "1,200 done, 1 failed, 1 missing of 1,202.",
        batchId: 1,
        hash: "#/batch/1/failures",
      },
    ]);
  });

  test("says nothing about a batch that was finished when the program started", () => {
    const { keeper } = start();
    expect(keeper.take([card({ done: 3 }, { activity: "finished" })])).toEqual([]);
  });

  test("says nothing about a batch that a person paused", () => {
    const { keeper } = start();
    keeper.take([card({ waiting: 3 })]);
    expect(keeper.take([card({ done: 3 }, { activity: "paused", gates: [gate("paused")] })])).toEqual([]);
  });

  test.each(GATE_KINDS)("of the gate %s comes once, and only if it needs a person", (kind) => {
    const { keeper, at } = start();
    const closed = card({ waiting: 12_331 }, { gates: [gate(kind)] });
    const first = keeper.take([closed]);
    const isForPerson = GATES_FOR_A_PERSON.has(kind) && kind !== "paused";
    expect(first).toHaveLength(isForPerson ? 1 : 0);
    if (isForPerson) expect(first[0]?.body).toContain("12,331 images wait; none is lost.");
    for (let image = 0; image < 100; image += 1) {
      at.now += 100;
      expect(keeper.take([closed])).toEqual([]);
    }
  });

  test("of a gate that flickers comes once, and again when it comes back much later", () => {
    const { keeper, at } = start();
    const closed = card(
      { waiting: 1 },
      { gates: [gate("sign-in", { reason: "token-rejected", status: 401, service: "scale" })] },
    );
    expect(keeper.take([closed])[0]).toMatchObject({ title: "Herbarium: sign in again" });
    keeper.take([card({ waiting: 1 })]);
    at.now += 60_000;
    expect(keeper.take([closed])).toEqual([]);
    keeper.take([card({ waiting: 1 })]);
    at.now += 3_600_000;
    expect(keeper.take([closed])).toHaveLength(1);
  });
});
