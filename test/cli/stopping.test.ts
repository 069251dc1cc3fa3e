import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { jsonLines, openRig, picture, type Ended, type Rig, type Running } from "./rig.ts";

const NAMES = ["a.jpg", "b.jpg", "c.jpg", "d.jpg"];

/** A run of four pictures of which the simulator holds the first two. */
async function heldRun(rig: Rig, ...args: string[]): Promise<Running> {
  await rig.draw(...NAMES);
  rig.simulator.control.hold();
  const running = rig.start(["run", "--concurrency", "2", ...args]);
  // Asked for: then their run ids are on the disk, and no outcome is unknown.
  await rig.simulator.control.until(
    (stats) => Object.values(stats.runs).filter((run) => run.gets > 0).length === 2,
  );
  return running;
}

async function statesOf(rig: Rig): Promise<Record<string, number>> {
  const states: Record<string, number> = {};
  for (const { state } of jsonLines((await rig.run(["images", "--json"])).stdout))
    states[state as string] = (states[state as string] ?? 0) + 1;
  return states;
}

/** The same command again: everything gets done, with one submission for each picture in all. */
async function expectResumed(rig: Rig): Promise<void> {
  rig.simulator.control.release();
  const again = await rig.run(["run", "--concurrency", "2"]);
  expect(again.stderr).toContain("4 done = 4 seen. Nothing is unaccounted for.");
  expect(again.code).toBe(0);
  expect(rig.simulator.control.stats().requests.put).toBe(4);
  const third = await rig.run(["run", "--concurrency", "2"]);
  expect([third.code, rig.simulator.control.stats().requests.put]).toEqual([0, 4]);
}

describe.concurrent("Ctrl-C", () => {
  test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
    "once (%s): nothing more is submitted, what is paid for is collected, and what waits is said",
    async (signal) => {
      await using rig = await openRig();
      const running = await heldRun(rig);
      running.child.kill(signal);
      await running.said("collected for up to 10 s");
      rig.simulator.control.release();
      const ended = await running.ended;
      expect(ended.code).toBe(3);
      expect(ended.stderr).toContain("2 done · 2 waiting = 4 seen");
      expect(ended.stderr).toMatch(
        /^nightrun: Stopped\. 2 images wait in the data file; the same command resumes\.$/m,
      );
      expect(rig.simulator.control.stats().requests.put).toBe(2);
      if (signal === "SIGINT") await expectResumed(rig);
    },
  );

  test("twice: it ends at once, and nothing is lost", async () => {
    await using rig = await openRig();
    const running = await heldRun(rig);
    running.child.kill("SIGINT");
    await running.said("collected for up to 10 s");
    running.child.kill("SIGINT");
    expect((await running.ended).code).toBe(3);
    expect(await statesOf(rig)).toEqual({ "in-flight": 2, waiting: 2 });
    await expectResumed(rig);
  });

  test("once, when a run does not come to its end: its result is collected by the next command", async () => {
    await using rig = await openRig();
    const running = await heldRun(rig);
    running.child.kill("SIGINT");
    const ended = await running.ended;
    expect(ended.code).toBe(3);
    expect(ended.stderr).toContain("4 images wait in the data file");
    await expectResumed(rig);
  });

  test("while the deployment is asked for the first time: it ends at once, with exit code 3", async () => {
    await using rig = await openRig();
    await rig.draw("a.jpg");
    rig.simulator.control.script({ on: "token", fault: { kind: "stall" }, times: "always" });
    const running = rig.start(["run"]);
    await rig.simulator.control.until((stats) => stats.requests.token > 0);
    running.child.kill("SIGINT");
    const ended = await running.ended;
    expect(ended).toEqual({
      code: 3,
      stdout: "",
      stderr: "nightrun: Stopped before anything was submitted.\n",
    });
  });

  test("ends a command that only looks, at once", async () => {
    await using rig = await openRig();
    rig.simulator.control.script({ on: "workflow", fault: { kind: "stall" }, times: "always" });
    const running = rig.start(["workflow"]);
    await rig.simulator.control.until((stats) => stats.requests.workflow > 0);
    running.child.kill("SIGINT");
    expect((await running.ended).code).toBe(3);
  });
});

describe.concurrent("whoever reads what a run writes", () => {
  test("may go away from its events (| head): it stops as with Ctrl-C, and nothing is lost", async () => {
    await using rig = await openRig();
    await rig.draw("e.jpg", "f.jpg", "g.jpg", "h.jpg");
    const running = await heldRun(rig, "--json");
    await running.said('"event":"started"');
    running.child.stdout.destroy();
    // The two that are held end now, and their events meet nobody; the others take their time.
    rig.simulator.control.change({ latency: { minMs: 3000, maxMs: 3000 } });
    rig.simulator.control.release();
    await running.said("collected for up to 10 s");
    const ended = await running.ended;
    expect(ended.code).toBe(3);
    expect(ended.stderr).toContain("wait in the data file; the same command resumes.");
    expect(rig.simulator.control.stats().requests.put).toBeLessThan(8);
    rig.simulator.control.change({ latency: { minMs: 0, maxMs: 0 } });
    expect((await rig.run(["run"])).stderr).toContain("8 done = 8 seen");
    expect(rig.simulator.control.stats().requests.put).toBe(8);
  });
  test("may go away from its progress: the night goes on without", async () => {
    await using rig = await openRig();
    const running = await heldRun(rig);
    running.child.stderr.destroy();
    rig.simulator.control.release();
    expect((await running.ended).code).toBe(0);
    expect(await statesOf(rig)).toEqual({ done: 4 });
  });
});

describe.concurrent("limits", () => {
  test("--max-runs stops with exit code 3, and a larger number goes on", async () => {
    await using rig = await openRig();
    await rig.draw(...NAMES);
    const ended = await rig.run(["run", "--max-runs", "3"]);
    expect(ended.code).toBe(3);
    expect(ended.stderr).toMatch(/limit of runs is reached.*--max-runs.*1 image waits/);
    const same = await rig.run(["run", "--max-runs", "3"]);
    expect([same.code, rig.simulator.control.stats().requests.put]).toEqual([3, 3]);
    const more = await rig.run(["run", "--max-runs", "4"]);
    expect([more.code, rig.simulator.control.stats().requests.put]).toEqual([0, 4]);
  });

  test("--on-uncertain hold ends with exit code 3, and retry --state uncertain sends it again", async () => {
    await using rig = await openRig();
    await rig.draw(...NAMES);
    rig.simulator.control.script({ on: "put", fault: { kind: "reset-after" } });
    const ended = await rig.run(["run", "--on-uncertain", "hold"]);
    expect(ended.stderr).toContain("3 done · 1 uncertain = 4 seen");
    expect(ended.stderr).toMatch(/^nightrun: 1 image is held .*`nightrun retry --state uncertain`/m);
    expect(ended.code).toBe(3);
    const again = await rig.run(["run", "--on-uncertain", "hold"]);
    expect([again.code, rig.simulator.control.stats().requests.put]).toEqual([3, 4]);
    const retried = await rig.run(["retry", "--state", "uncertain"]);
    expect(retried.stdout).toContain("1 image waits again: 1 new run");
    expect((await rig.run(["run", "--on-uncertain", "hold"])).code).toBe(0);
    expect(rig.simulator.control.stats().requests.put).toBe(5);
  });

  test("--give-up-after ends an outage that lasts too long, with exit code 3", async () => {
    await using rig = await openRig();
    const running = await heldRun(rig, "--give-up-after", "1s");
    rig.simulator.control.change({ outage: "reset" });
    const ended = await running.ended;
    expect(ended.stderr).toMatch(/Gave up waiting\. 4 images wait/);
    expect(ended.code).toBe(3);
    rig.simulator.control.change({ outage: null });
    await expectResumed(rig);
  });
});

describe.concurrent("--watch", () => {
  async function stopped(running: Running): Promise<Ended> {
    running.child.kill("SIGTERM");
    return running.ended;
  }
  test("takes up new files as they come, and ends on SIGTERM with 0 when nothing waits", async () => {
    await using rig = await openRig();
    await rig.draw("a.jpg");
    const running = rig.start(["run", "--watch", "--json"]);
    await running.said('"path":"a.jpg"');
    // As a camera does it: under another name first.
    await writeFile(join(rig.pictures, "b.jpg.part"), await picture("b.jpg"));
    await rename(join(rig.pictures, "b.jpg.part"), join(rig.pictures, "b.jpg"));
    await running.said('"path":"b.jpg"');
    const ended = await stopped(running);
    expect(ended.code).toBe(0);
    expect(jsonLines(ended.stdout).at(-1)).toMatchObject({
      event: "ended",
      exitCode: 0,
      ledger: { seen: 2, done: 2 },
    });
  });
  test("ends on SIGTERM with 3 when something waits", async () => {
    await using rig = await openRig();
    const running = await heldRun(rig, "--watch");
    const ended = stopped(running);
    await running.said("collected for up to 10 s");
    rig.simulator.control.release();
    expect((await ended).code).toBe(3);
  });
});
