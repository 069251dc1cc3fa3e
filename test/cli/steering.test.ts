import { readFile, stat } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { jsonLines, openRig, type Rig } from "./rig.ts";

const NAMES = ["a.jpg", "b.jpg", "c.jpg"];

async function pictures(rig: Rig): Promise<void> {
  await rig.draw(...NAMES);
}

describe.concurrent("while a run goes on", () => {
  test("pause stops submitting, status says so, and resume goes on", async () => {
    await using rig = await openRig();
    await pictures(rig);
    const { control } = rig.simulator;
    control.hold();
    const running = rig.start(["run", "--watch", "--concurrency", "1"]);
    await control.until((stats) => stats.accepted === 1);
    const paused = await rig.run(["pause"]);
    expect(paused).toEqual({
      code: 0,
      stdout: "",
      stderr: "Paused. Results of runs already submitted are still collected.\n",
    });
    control.release();
    await control.until((stats) => stats.taken === 1);
    const [status] = jsonLines((await rig.run(["status", "--json"])).stdout);
    expect(status).toMatchObject({ paused: true, runs: 1 });
    expect((await rig.run(["status"])).stdout).toContain("paused");
    expect(control.stats().requests.put).toBe(1);
    expect((await rig.run(["resume"])).code).toBe(0);
    await control.until((stats) => stats.taken === 3);
    running.child.kill("SIGTERM");
    expect((await running.ended).code).toBe(0);
  });

  test("retry reaches the process that writes: the failed image is run again at once", async () => {
    await using rig = await openRig();
    await pictures(rig);
    const { control } = rig.simulator;
    control.script({ on: "put", fault: { kind: "status", status: 422, body: '{"detail":"no"}' } });
    const running = rig.start(["run", "--watch", "--json"]);
    await running.said('"state":"failed"');
    await control.until((stats) => stats.taken === 2);
    const retried = await rig.run(["retry", "--reason", "refused-input", "--json"]);
    expect(JSON.parse(retried.stdout)).toEqual({ images: 1, runs: 1 });
    await control.until((stats) => stats.taken === 3);
    running.child.kill("SIGTERM");
    const ended = await running.ended;
    expect(ended.code).toBe(0);
    expect(jsonLines(ended.stdout).at(-1)).toMatchObject({ event: "ended", ledger: { done: 3, seen: 3 } });
  });

  test("a second run over the same data file is refused with exit code 4, and the first is not affected", async () => {
    await using rig = await openRig();
    await pictures(rig);
    const { control } = rig.simulator;
    control.hold();
    const first = rig.start(["run"]);
    await control.until((stats) => stats.accepted > 0);
    const second = await rig.run(["run"]);
    expect(second.stderr).toMatch(/^nightrun: Another Nightrun works with the data file .*--data\.\n$/);
    expect([second.code, second.stdout]).toEqual([4, ""]);
    control.release();
    const ended = await first.ended;
    expect(ended.stderr).toContain("3 done = 3 seen");
    expect(ended.code).toBe(0);
    expect(control.stats().requests.put).toBe(3);
  });

  test("only its owner can read where the running process listens", async () => {
    await using rig = await openRig();
    await pictures(rig);
    rig.simulator.control.hold();
    const running = rig.start(["run"]);
    await rig.simulator.control.until((stats) => stats.accepted > 0);
    expect((await stat(`${rig.data}.control`)).mode & 0o777).toBe(0o600);
    expect((await stat(rig.data)).mode & 0o777).toBe(0o600);
    expect(await readFile(`${rig.data}.control`, "utf8")).not.toContain(rig.simulator.token);
    rig.simulator.control.release();
    expect((await running.ended).code).toBe(0);
  });
});

describe.concurrent("when no run goes on", () => {
  test("pause is kept: the next run ends with exit code 3 and says how to go on", async () => {
    await using rig = await openRig();
    await pictures(rig);
    expect((await rig.run(["run", "--include", "a.jpg"])).code).toBe(0);
    expect((await rig.run(["pause", rig.pictures])).code).toBe(0);
    const ended = await rig.run(["run"]);
    expect(ended.code).toBe(3);
    expect(ended.stderr).toMatch(/`nightrun resume` goes on.*2 images wait/);
    expect((await rig.run(["resume", "pictures"])).code).toBe(0);
    expect((await rig.run(["run"])).code).toBe(0);
    expect(rig.simulator.control.stats().requests.put).toBe(3);
  });

  test("retry marks what failed, by reason and path, and says how many runs that is; the next run takes it", async () => {
    await using rig = await openRig();
    await pictures(rig);
    const refusal = { kind: "status", status: 422, body: '{"detail":"no"}' } as const;
    rig.simulator.control.script({ on: "put", fault: refusal, times: 3 });
    expect((await rig.run(["run"])).code).toBe(1);
    const one = await rig.run(["retry", "--path", "b.jp", "--reason", "refused-input"]);
    expect(one).toEqual({
      code: 0,
      stderr: "",
      stdout: "1 image waits again: 1 new run when `nightrun run` takes them.\n",
    });
    const none = await rig.run(["retry", "--state", "failed", "--reason", "truncated", "--json"]);
    expect(JSON.parse(none.stdout)).toEqual({ images: 0, runs: 0 });
    expect((await rig.run(["run"])).code).toBe(1);
    expect((await rig.run(["retry"])).stdout).toContain("2 images wait again: 2 new runs");
    expect((await rig.run(["run"])).code).toBe(0);
    expect(rig.simulator.control.stats().requests.put).toBe(6);
  });
});
