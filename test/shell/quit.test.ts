import { describe, expect, test } from "vitest";
import { summarize } from "../../electron/shell/night-work.ts";
import {
  COLLECT_ON_QUIT_MS,
  createQuitter,
  keepsRunning,
  quitQuestion,
  type QuitOptions,
} from "../../electron/shell/quit.ts";
import { card } from "./support/cards.ts";

const nothing = summarize([]);
const working = summarize([card({ waiting: 1200, inFlight: 3 })]);

describe("closing the window", () => {
  test.each([
    ["with nothing under way ends the program", nothing, false, "linux", false, false],
    ["while something runs keeps it", working, false, "linux", false, true],
    ["while something runs keeps it", working, false, "win32", false, true],
    [
      "while a folder is watched keeps it",
      summarize([card({ done: 3 }, { activity: "finished" })]),
      true,
      "linux",
      false,
      true,
    ],
    ["on a Mac always keeps it", nothing, false, "darwin", false, true],
    ["when quitting was asked for keeps nothing", working, true, "darwin", true, false],
  ] as const)("%s", (_what, work, watches, platform, isQuitting, expected) => {
    expect(keepsRunning(work, watches, platform, isQuitting)).toBe(expected);
  });
});

describe("the question before quitting", () => {
  test("is not asked when nothing is under way", () => {
    expect(quitQuestion(nothing)).toBeNull();
    expect(quitQuestion(summarize([card({ waiting: 9 }, { activity: "paused" })]))).toBeNull();
  });

  test("says what is under way and that nothing is lost", () => {
    expect(quitQuestion(working)?.detail).toBe(
      "3 runs are being computed; results are collected for up to 10 s, and the others at the next start. 1,200 images wait. Nothing is lost: the next start goes on.",
    );
    expect(quitQuestion(summarize([card({ waiting: 1 })]))?.detail).toBe(
      "1 image waits. Nothing is lost: the next start goes on.",
    );
  });
});

describe("quitting", () => {
  function rig(given: Partial<QuitOptions> = {}): {
    log: string[];
    quitter: ReturnType<typeof createQuitter>;
  } {
    const log: string[] = [];
    const quitter = createQuitter({
      work: () => working,
      ask: async () => {
        log.push("asked");
        return true;
      },
      onDraining: () => log.push("window gone"),
      drain: async (deadlineMs) => void log.push(`drained ${deadlineMs}`),
      exit: () => log.push("exit"),
      ...given,
    });
    return { log, quitter };
  }

  test("asks, collects, ends", async () => {
    const { log, quitter } = rig();
    await quitter.quit();
    expect(log).toEqual(["asked", "window gone", `drained ${COLLECT_ON_QUIT_MS}`, "exit"]);
    expect(quitter.isQuitting).toBe(true);
  });

  test("changes nothing when the person keeps it running", async () => {
    const { log, quitter } = rig({ ask: async () => false });
    await quitter.quit();
    expect(log).toEqual([]);
    expect(quitter.isQuitting).toBe(false);
  });

  test("asks nobody when nothing is under way", async () => {
    const { log, quitter } = rig({ work: () => nothing });
    await quitter.quit();
    expect(log).not.toContain("asked");
    expect(log.at(-1)).toBe("exit");
  });

  test("asks only once at a time", async () => {
    let answer: (isWanted: boolean) => void = () => undefined;
    let asked = 0;
    const { quitter, log } = rig({
      ask: () => {
        asked += 1;
        return new Promise((resolve) => (answer = resolve));
      },
    });
    const first = quitter.quit();
    await quitter.quit();
    expect(asked).toBe(1);
    answer(true);
    await first;
    expect(log.at(-1)).toBe("exit");
  });

  test("asks nobody when the system goes down, and takes little time", async () => {
    const { log, quitter } = rig();
    await quitter.quitNow(0);
    expect(log).toEqual(["window gone", "drained 0", "exit"]);
  });

  test("ends at once when it is asked for again while collecting", async () => {
    let drained: () => void = () => undefined;
    let first: Promise<void> = Promise.resolve();
    const { log, quitter } = await new Promise<ReturnType<typeof rig>>((resolve) => {
      const made = rig({
        drain: () => {
          resolve(made);
          return new Promise((done) => (drained = done));
        },
      });
      first = made.quitter.quit();
    });
    await quitter.quit();
    expect(log).toEqual(["asked", "window gone", "exit"]);
    drained();
    await first;
  });

  test("ends also when collecting falls over", async () => {
    const { log, quitter } = rig({ drain: () => Promise.reject(new Error("the disk is gone")) });
    await expect(quitter.quit()).rejects.toThrow("the disk is gone");
    expect(log.at(-1)).toBe("exit");
  });
});
