import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startSimulator } from "../../../electron/simulator/server.ts";
import { liveThrough, PLAIN, type Outage } from "../support/outage-night.ts";
import { createNotebook, type Runner, type Size, type Verdict } from "../support/runner.ts";

const MINUTE_MS = 60_000;

/** The server's program ends, and is started again at its old address with its old runs. */
function stopped(name: string, lengthMs: number, speed: number, stateFile: string): Outage {
  return {
    name,
    lengthMs,
    speed,
    onTheirWay: { kind: "stall" },
    hanging: 0,
    begin: (simulator) => simulator.close(),
    end: (simulator) =>
      startSimulator({ ...PLAIN, stateFile, port: Number(new URL(simulator.url).port), longPollMs: 200 }),
  };
}

async function run({ short }: Size): Promise<Verdict> {
  const book = createNotebook();
  const folder = mkdtempSync(join(tmpdir(), "nightrun-outage-"));
  const lives: [string, number, number][] = [
    ["10 min", 10 * MINUTE_MS, short ? 120 : 60],
    ...(short ? [] : [["2 h", 120 * MINUTE_MS, 360] as [string, number, number]]),
  ];
  try {
    for (const [name, lengthMs, speed] of lives) {
      const stateFile = join(folder, `${String(lengthMs)}.json`);
      await liveThrough(book, stopped(name, lengthMs, speed, stateFile), { stateFile });
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return book.verdict();
}

export const runner: Runner = {
  promise:
    "P14: a server that refuses connections for 10 minutes or 2 hours fails no image, gets at most 40 requests in any 10 minutes, and the first submission within 30 s of its return with the window of before.",
  inShortForm: false,
  limitS: { short: 140, full: 150 },
  run,
  controls: [
    {
      name: "gate",
      without: "the gate that closes while the server is gone",
      patches: [
        {
          file: "electron/engine/dispatch/trouble.ts",
          find: 'gates.close("unreachable", failure, clock.now() + delay);',
          replace: "",
        },
      ],
    },
    {
      name: "steady-looks",
      without: "the limit on the time between two looks",
      patches: [
        {
          file: "electron/engine/deployment/retry.ts",
          find: "Math.min(LONGEST_PROBE_MS, PROBE_STEP_MS * (Math.max(0, n) + 1))",
          replace: "PROBE_STEP_MS * 2 ** n",
        },
      ],
    },
    {
      name: "window",
      without: "the window's care for its size when connections break",
      patches: [
        {
          file: "electron/engine/dispatch/submit.ts",
          find: 'if (outcome.failure?.reason !== "unreachable") dispatch',
          replace: "dispatch",
        },
        {
          file: "electron/engine/dispatch/trouble.ts",
          find: "window.restore();",
          replace: "",
        },
      ],
    },
  ],
};
