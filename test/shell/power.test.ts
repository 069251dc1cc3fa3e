import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { EventEmitter } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  isLinuxOnBattery,
  isOnBattery,
  readLinuxBattery,
  readPmset,
  readWindowsBattery,
} from "../../electron/shell/battery.ts";
import { summarize } from "../../electron/shell/night-work.ts";
import { batteryHolds, createPowerKeeper, type PowerOptions } from "../../electron/shell/power.ts";
import { card } from "./support/cards.ts";

describe("the battery rule", () => {
  test.each([
    [{ onBattery: false, percent: 5, floorPercent: 20 }, false, false],
    [{ onBattery: true, percent: 5, floorPercent: null }, false, false],
    [{ onBattery: true, percent: null, floorPercent: 20 }, false, false],
    [{ onBattery: true, percent: 19, floorPercent: 20 }, false, true],
    [{ onBattery: true, percent: 20, floorPercent: 20 }, false, false],
    [{ onBattery: true, percent: 21, floorPercent: 20 }, true, true],
    [{ onBattery: true, percent: 23, floorPercent: 20 }, true, false],
    [{ onBattery: false, percent: 5, floorPercent: 20 }, true, false],
  ])("for %o, while it holds %s, says %s", (state, holdsNow, expected) => {
    expect(batteryHolds(state, holdsNow)).toBe(expected);
  });
});

describe("the level of the battery", () => {
  test.each([
    [
      "Now drawing from 'Battery Power'\n -InternalBattery-0 (id=1)\t87%; discharging; 4:10 remaining present: true",
      87,
    ],
    [
      "Now drawing from 'AC Power'\n -InternalBattery-0 (id=1)\t100%; charged; 0:00 remaining present: true",
      100,
    ],
    ["Now drawing from 'AC Power'\n", null],
    ["", null],
  ])("on a Mac is read from %j", (text, expected) => {
    expect(readPmset(text)).toBe(expected);
  });

  test.each([
    ["64\r\n", 64],
    ["12\r\n80\r\n", 80],
    ["", null],
    ["Get-CimInstance : not found", null],
  ])("on Windows is read from %j", (text, expected) => {
    expect(readWindowsBattery(text)).toBe(expected);
  });

  test("on Linux is that of the machine, not of its mouse", async () => {
    const folder = await mkdtemp(join(tmpdir(), "nightrun-supplies-"));
    const supply = async (name: string, files: Record<string, string>): Promise<void> => {
      await mkdir(join(folder, name));
      for (const [file, text] of Object.entries(files))
        await writeFile(join(folder, name, file), `${text}\n`);
    };
    expect(await readLinuxBattery(folder)).toBeNull();
    expect(await isLinuxOnBattery(folder)).toBe(false);
    await supply("AC", { type: "Mains", online: "0" });
    await supply("hid-mouse", { type: "Battery", scope: "Device", capacity: "99", status: "Discharging" });
    expect(await readLinuxBattery(folder)).toBeNull();
    expect(await isLinuxOnBattery(folder)).toBe(false);
    await supply("BAT0", { type: "Battery", capacity: "42", status: "Discharging" });
    await supply("BAT1", { type: "Battery", capacity: "broken", status: "Not charging" });
    expect(await readLinuxBattery(folder)).toBe(42);
    expect(await isLinuxOnBattery(folder)).toBe(true);
    await writeFile(join(folder, "AC", "online"), "1\n");
    expect(await isLinuxOnBattery(folder)).toBe(false);
    expect(await readLinuxBattery(join(folder, "none"))).toBeNull();
  });
});

describe("running on the battery", () => {
  test.each(["darwin", "win32"] as const)("is what Electron says on %s", async (platform) => {
    expect(await isOnBattery(platform, { onBatteryPower: true })).toBe(true);
    expect(await isOnBattery(platform, { onBatteryPower: false })).toBe(false);
  });

  test("on Linux is read from the system: Electron knows nothing there", async () => {
    expect(await isOnBattery("linux", { onBatteryPower: true })).toBe(await isLinuxOnBattery());
  });
});

describe("the power keeper", () => {
  function rig(): {
    monitor: EventEmitter & { onBatteryPower: boolean };
    blocks: Set<number>;
    held: (number | null)[];
    woken: number[];
    level: { percent: number | null; floor: number | null; asked: number };
    keeper: ReturnType<typeof createPowerKeeper>;
  } {
    const monitor = Object.assign(new EventEmitter(), { onBatteryPower: false });
    const blocks = new Set<number>();
    const held: (number | null)[] = [];
    const woken: number[] = [];
    const level = { percent: 50 as number | null, floor: 20 as number | null, asked: 0 };
    let lastId = 0;
    const keeper = createPowerKeeper({
      blocker: {
        start: (type) => {
          expect(type).toBe("prevent-app-suspension");
          blocks.add(++lastId);
          return lastId;
        },
        stop: (id) => blocks.delete(id),
        isStarted: (id) => blocks.has(id),
      },
      monitor: monitor as unknown as PowerOptions["monitor"],
      onBattery: async () => monitor.onBatteryPower,
      percent: async () => {
        level.asked += 1;
        return level.percent;
      },
      floorPercent: () => level.floor,
      hold: (percent) => held.push(percent),
      onWake: () => woken.push(1),
      onShutdown: () => woken.push(2),
    });
    return { monitor, blocks, held, woken, level, keeper };
  }
  const working = summarize([card({ waiting: 3 })]);
  const resting = summarize([card({ done: 3 })]);

  test("keeps the machine awake exactly while something moves", () => {
    const { keeper, blocks } = rig();
    keeper.update(resting);
    expect(blocks.size).toBe(0);
    keeper.update(working);
    keeper.update(working);
    expect(blocks.size).toBe(1);
    keeper.update(resting);
    expect(blocks.size).toBe(0);
    keeper.update(working);
    keeper.stop();
    keeper.update(working);
    expect(blocks.size).toBe(0);
  });

  test("holds submitting below the level, and lets it go on with the mains", async () => {
    const { keeper, monitor, held, level } = rig();
    monitor.onBatteryPower = true;
    level.percent = 15;
    await keeper.checkBattery();
    await keeper.checkBattery();
    expect(held).toEqual([15]);
    monitor.onBatteryPower = false;
    await keeper.checkBattery();
    expect(held).toEqual([15, null]);
    keeper.stop();
  });

  test("asks for the level only on battery, and only if a level is set", async () => {
    const { keeper, monitor, level } = rig();
    await keeper.checkBattery();
    monitor.onBatteryPower = true;
    level.floor = null;
    await keeper.checkBattery();
    expect(level.asked).toBe(0);
    level.floor = 20;
    await keeper.checkBattery();
    expect(level.asked).toBe(1);
    keeper.stop();
  });

  test("tells that the machine woke up, and that it goes down", () => {
    const { keeper, monitor, woken } = rig();
    monitor.emit("resume");
    monitor.emit("shutdown");
    expect(woken).toEqual([1, 2]);
    let delayed = 0;
    monitor.emit("shutdown", { preventDefault: () => (delayed += 1) });
    expect([woken.length, delayed]).toEqual([3, 1]);
    keeper.stop();
  });
});
