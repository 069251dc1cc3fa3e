import { cannotHaveNetwork, setNetwork } from "../support/network-namespace.ts";
import { isInside, proveInside } from "../support/namespace.ts";
import { liveThrough, ON_THEIR_WAY, type Outage } from "../support/outage-night.ts";
import { createNotebook, type Runner, type Size, type Verdict } from "../support/runner.ts";

const MINUTE_MS = 60_000;

/** The network of engine and server goes down; both live on. */
function unplugged(name: string, lengthMs: number, speed: number): Outage {
  return {
    name,
    lengthMs,
    speed,
    onTheirWay: { kind: "delay", ms: 200 },
    hanging: ON_THEIR_WAY,
    begin() {
      setNetwork("down");
      return Promise.resolve();
    },
    end(simulator) {
      simulator.control.resetStats();
      setNetwork("up");
      return Promise.resolve(simulator);
    },
  };
}

async function run(size: Size): Promise<Verdict> {
  if (!isInside("network")) return proveInside("network", "network-down", size);
  const book = createNotebook();
  setNetwork("up");
  await liveThrough(book, unplugged("10 min", 10 * MINUTE_MS, size.short ? 120 : 60), {});
  if (!size.short) await liveThrough(book, unplugged("2 h", 120 * MINUTE_MS, 360), {});
  return book.verdict();
}

export const runner: Runner = {
  promise:
    "P14, F2: a network that is down for 10 minutes or 2 hours fails no image, is tried at most 40 times in any 10 minutes, and the first submission goes within 30 s of its return with the window of before.",
  inShortForm: false,
  limitS: { short: 100, full: 150 },
  cannotRun: cannotHaveNetwork,
  run,
  controls: [
    {
      name: "gate",
      without: "the gate that closes while the server cannot be reached",
      patches: [
        {
          file: "electron/engine/dispatch/trouble.ts",
          find: 'gates.close("unreachable", failure, clock.now() + delay);',
          replace: "",
        },
      ],
    },
  ],
};
