import type { PowerMonitor, PowerSaveBlocker } from "electron";
import type { NightWork } from "./night-work.ts";

export interface BatteryState {
  onBattery: boolean;
  /** null = unknown. */
  percent: number | null;
  /** null = the person set no level. */
  floorPercent: number | null;
}

/** So much above the level before submitting goes on, so that it does not flicker around it. */
const MARGIN_PERCENT = 3;

/** Whether submitting has to wait for the mains. An unknown level holds nothing. */
export function batteryHolds(state: BatteryState, holdsNow: boolean): boolean {
  const { onBattery, percent, floorPercent } = state;
  if (!onBattery || percent === null || floorPercent === null) return false;
  return percent < floorPercent + (holdsNow ? MARGIN_PERCENT : 0);
}

export interface PowerOptions {
  blocker: Pick<PowerSaveBlocker, "start" | "stop" | "isStarted">;
  monitor: Pick<PowerMonitor, "on">;
  onBattery: () => Promise<boolean>;
  percent: () => Promise<number | null>;
  floorPercent: () => number | null;
  /** Stops or goes on submitting. */
  hold: (percent: number | null) => void;
  /** The machine woke up: proxies may differ, and closed gates are worth a try. */
  onWake: () => void;
  onShutdown: () => void;
}

/** Keeps the machine awake while something moves, and only then; keeps the battery rule. */
export interface PowerKeeper {
  update(work: NightWork): void;
  /** Looks at the battery now; else it is looked at once a minute while on battery. */
  checkBattery(): Promise<void>;
  stop(): void;
}

const LOOK_EVERY_MS = 60_000;

/** Asks the system to wait a little, where Electron gives an event to ask with: its own types know none. */
function delay(event: unknown): void {
  const { preventDefault } = (event ?? {}) as { preventDefault?: unknown };
  if (typeof preventDefault === "function") preventDefault.call(event);
}

export function createPowerKeeper(options: PowerOptions): PowerKeeper {
  let blockId: number | null = null;
  let isHeld = false;
  let isStopped = false;

  function release(): void {
    if (blockId !== null && options.blocker.isStarted(blockId)) options.blocker.stop(blockId);
    blockId = null;
  }

  async function checkBattery(): Promise<void> {
    const floorPercent = options.floorPercent();
    const asked = floorPercent !== null && (await options.onBattery());
    const percent = asked ? await options.percent() : null;
    // Asking takes a moment: the machine may be back on the mains by now.
    const state = { onBattery: asked && (await options.onBattery()), percent, floorPercent };
    const holds = batteryHolds(state, isHeld);
    if (isStopped || holds === isHeld) return;
    isHeld = holds;
    options.hold(holds ? percent : null);
  }

  const check = (): void => void checkBattery().catch(() => undefined); // An unknown level holds nothing.
  options.monitor.on("on-battery", check);
  options.monitor.on("on-ac", check);
  options.monitor.on("resume", () => {
    check();
    options.onWake();
  });
  options.monitor.on("shutdown", (event?: unknown) => {
    delay(event);
    options.onShutdown();
  });
  const timer = setInterval(check, LOOK_EVERY_MS);
  timer.unref();

  return {
    update(work) {
      if (isStopped || !work.isMoving) release();
      else blockId ??= options.blocker.start("prevent-app-suspension");
    },
    checkBattery,
    stop() {
      isStopped = true;
      clearInterval(timer);
      release();
    },
  };
}
