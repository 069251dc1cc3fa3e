import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { CHEAP_OUTPUT, openRig, start, type Rig, type Running } from "./rig.ts";

const CLI = join(import.meta.dirname, "../../electron/cli/cli.ts");
const hasTerminal = process.platform === "linux" && spawnSync("script", ["--version"]).status === 0;
if (!hasTerminal) console.warn("SKIPPED: the progress bar on a terminal (needs util-linux's script)");

/** `run` on a terminal of its own; what the terminal shows comes on stdout. */
function onTerminal(rig: Rig): Running {
  const line = `"${process.execPath}" "${CLI}" run "${rig.pictures}" --data "${rig.data}" --output ${CHEAP_OUTPUT} --concurrency 1`;
  return start([], {
    env: { ...rig.env, TERM: "xterm" },
    cwd: rig.place,
    through: ["sh", "-c", `exec script -qefc '${line}' /dev/null`],
  });
}

describe.runIf(hasTerminal)("on a terminal", () => {
  test("a bar shows counts, and goes when the ledger line comes", async () => {
    await using rig = await openRig();
    await rig.draw("a.jpg", "b.jpg", "c.jpg");
    rig.simulator.control.hold();
    const running = onTerminal(rig);
    await running.said(/ 0% {2}0 of 3 .*1 in flight/);
    await rig.simulator.control.until(({ held }) => held === 1);
    rig.simulator.control.release(1);
    await running.said(/ 33% {2}1 of 3 /);
    rig.simulator.control.release();
    const { code, stdout } = await running.ended;
    expect(code).toBe(0);
    expect(stdout).toContain("3 done = 3 seen. Nothing is unaccounted for.");
    // No bar before it is known over what, and the cursor comes back.
    expect(stdout).not.toContain("of 0");
    expect(stdout.lastIndexOf("\u001b[?25h")).toBeGreaterThan(stdout.lastIndexOf("\u001b[?25l"));
  });

  test("Ctrl-C twice gives the cursor back", async () => {
    await using rig = await openRig();
    await rig.draw("a.jpg");
    rig.simulator.control.hold();
    const running = onTerminal(rig);
    await running.said(/1 in flight/);
    const pid = childOf(running.child.pid ?? 0);
    process.kill(pid, "SIGINT");
    await running.said("collected for up to 10 s");
    process.kill(pid, "SIGINT");
    const { code, stdout } = await running.ended;
    expect(code).toBe(3);
    expect(stdout.lastIndexOf("\u001b[?25h")).toBeGreaterThan(stdout.lastIndexOf("\u001b[?25l"));
  });
});

/** The command that `script` started, below its shell if it kept one. */
function childOf(pid: number): number {
  const found = spawnSync("ps", ["-o", "pid=", "--ppid", String(pid)], { encoding: "utf8" });
  const child = Number(found.stdout.trim().split("\n")[0]);
  return child === 0 ? pid : childOf(child);
}
