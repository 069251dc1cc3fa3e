import fc from "fast-check";
import { EventEmitter } from "node:events";
import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BrowserWindow } from "electron";
import { describe, expect, test, vi } from "vitest";
import { placeWindow, readWindowState, SMALLEST } from "../../electron/shell/window-state.ts";
import { createMainWindow, createReviver, windowOptions } from "../../electron/shell/window.ts";

const look = {
  preload: "/app/out/preload/preload.cjs",
  icon: "/app/icon.png",
  isDark: true,
  isPackaged: true,
};
const laptop = { x: 0, y: 25, width: 1440, height: 875 };
const beside = { x: 1440, y: 0, width: 1920, height: 1080 };

describe("the window's options", () => {
  const options = windowOptions(placeWindow(null, [laptop]), look);
  test.each([
    ["sandbox", true],
    ["contextIsolation", true],
    ["nodeIntegration", false],
    ["nodeIntegrationInWorker", false],
    ["nodeIntegrationInSubFrames", false],
    ["webSecurity", true],
    ["allowRunningInsecureContent", false],
    ["experimentalFeatures", false],
    ["webviewTag", false],
    ["navigateOnDragDrop", false],
    ["devTools", false],
    ["preload", look.preload],
  ] as const)("%s is %s", (name, value) => {
    expect(options.webPreferences?.[name]).toBe(value);
  });

  test("name nothing else that widens what a page may do", () => {
    for (const name of ["enableBlinkFeatures", "additionalArguments", "session", "partition", "offscreen"])
      expect(Object.keys(options.webPreferences ?? {})).not.toContain(name);
  });

  test("let developers look inside while nothing is packaged", () => {
    const open = windowOptions(placeWindow(null, [laptop]), { ...look, isPackaged: false });
    expect(open.webPreferences?.devTools).toBe(true);
  });
});

describe("the window's place", () => {
  const kept = (
    x: number,
    y: number,
    width = 1000,
    height = 700,
    isMaximized = false,
  ): ReturnType<typeof readWindowState> => ({
    bounds: { x, y, width, height },
    isMaximized,
  });

  test.each([
    ["never kept", null, { x: 80, y: 63, width: 1280, height: 800 }],
    ["kept on the first screen", kept(100, 100), { x: 100, y: 100, width: 1000, height: 700 }],
    ["kept on the second screen", kept(1600, 50), { x: 1600, y: 50, width: 1000, height: 700 }],
    ["kept on a screen that is gone", kept(5000, 50), { x: 220, y: 113, width: 1000, height: 700 }],
    ["half out to the right", kept(3000, 50), { x: 2360, y: 50, width: 1000, height: 700 }],
    ["larger than the screen", kept(0, 25, 9000, 9000), { x: 0, y: 25, width: 1440, height: 875 }],
    ["too small to use", kept(10, 30, 5, 5), { x: 360, y: 223, width: 720, height: 480 }],
  ])("%s", (_what, state, bounds) => {
    expect(placeWindow(state, [laptop, beside]).bounds).toEqual(bounds);
  });

  test("stays maximised", () => {
    expect(placeWindow(kept(100, 100, 1000, 700, true), [laptop]).isMaximized).toBe(true);
  });

  test("is always on a screen, whatever was kept", () => {
    const number = fc.integer({ min: -99_999, max: 99_999 });
    fc.assert(
      fc.property(number, number, number, number, (x, y, width, height) => {
        const { bounds } = placeWindow(kept(x, y, width, height), [laptop, beside]);
        const holds = [laptop, beside].some(
          (area) =>
            bounds.x >= area.x &&
            bounds.y >= area.y &&
            bounds.x + bounds.width <= area.x + area.width &&
            bounds.y + bounds.height <= area.y + area.height,
        );
        expect(holds).toBe(true);
        expect(bounds.width).toBeGreaterThanOrEqual(SMALLEST.width);
      }),
    );
  });

  test.each([
    "",
    "null",
    "[]",
    "{}",
    '{"bounds":{"x":"1"}}',
    '{"bounds":{"x":1e9,"y":0,"width":1,"height":1}}',
    "{",
  ])("is the usual one for a kept text of %j", (text) => expect(readWindowState(text)).toBeNull());
});

/** As much of a BrowserWindow as the shell touches. */
class StandInWindow extends EventEmitter {
  readonly loaded: string[] = [];
  readonly sent: unknown[][] = [];
  isShown = false;
  isGone = false;
  readonly webContents = {
    id: 7,
    loadURL: async (address: string) => void this.loaded.push(address),
    send: (...given: unknown[]) => void this.sent.push(given),
  };
  getNormalBounds = () => ({ x: 10, y: 20, width: 900, height: 600 });
  isMaximized = () => false;
  isMinimized = () => false;
  isDestroyed = () => this.isGone;
  maximize = () => undefined;
  restore = () => undefined;
  focus = () => undefined;
  show = () => (this.isShown = true);
  hide = () => (this.isShown = false);
  close(): void {
    const event = { isPrevented: false, preventDefault: () => void (event.isPrevented = true) };
    this.emit("close", event);
    if (!event.isPrevented) this.destroy();
  }
  destroy(): void {
    this.isGone = true;
    this.emit("closed");
  }
}

describe("the one window", () => {
  async function rig(): Promise<{
    made: StandInWindow[];
    keeps: { running: boolean };
    hidden: number[];
    stateFile: string;
    window: ReturnType<typeof createMainWindow>;
  }> {
    const made: StandInWindow[] = [];
    const keeps = { running: true };
    const hidden: number[] = [];
    const stateFile = join(await mkdtemp(join(tmpdir(), "nightrun-window-")), "window.json");
    const window = createMainWindow({
      make: () => {
        const next = new StandInWindow();
        made.push(next);
        return next as unknown as BrowserWindow;
      },
      look: () => look,
      screens: () => [laptop],
      stateFile,
      keepsRunning: () => keeps.running,
      onMade: () => undefined,
      onSeen: () => undefined,
      onHidden: () => hidden.push(1),
    });
    return { made, keeps, hidden, stateFile, window };
  }

  test("loads the page and nothing else", async () => {
    const { made, window } = await rig();
    await window.show(null);
    await window.show("#/new?folder=%2Fscans");
    await window.show(null);
    expect(made).toHaveLength(1);
    expect(made[0]?.loaded).toEqual(["app://ui/index.html", "app://ui/index.html#/new?folder=%2Fscans"]);
    expect(made[0]?.isShown).toBe(true);
    expect(window.contentsId()).toBe(7);
  });

  test("is made once, also when it is asked for twice at once", async () => {
    const { made, window } = await rig();
    await Promise.all([window.show(null), window.show("#/settings")]);
    expect(made).toHaveLength(1);
  });

  test("hides while there is work, and comes back", async () => {
    const { made, window, hidden } = await rig();
    await window.show(null);
    made[0]?.close();
    expect(made[0]?.isGone).toBe(false);
    expect(hidden).toEqual([1]);
    await window.show(null);
    expect(made[0]?.isShown).toBe(true);
  });

  test("goes when there is none, is nobody's any more, and can be made again", async () => {
    const { made, window, keeps } = await rig();
    await window.show(null);
    keeps.running = false;
    made[0]?.close();
    expect(window.contentsId()).toBeNull();
    window.send("batches:changed", { batches: [] });
    await window.show(null);
    expect(made).toHaveLength(2);
    expect(made[0]?.sent).toEqual([]);
  });

  test("keeps its place", async () => {
    const { made, window, stateFile } = await rig();
    await window.show(null);
    made[0]?.close();
    await vi.waitFor(async () =>
      expect(JSON.parse(await readFile(stateFile, "utf8"))).toEqual({
        bounds: { x: 10, y: 20, width: 900, height: 600 },
        isMaximized: false,
      }),
    );
  });

  test("can be made later when it could not be made at first", async () => {
    let tries = 0;
    const window = createMainWindow({
      make: () => {
        tries += 1;
        if (tries === 1) throw new Error("There is no display");
        return new StandInWindow() as unknown as BrowserWindow;
      },
      look: () => look,
      screens: () => [laptop],
      stateFile: join(tmpdir(), "nightrun-no-such-state.json"),
      keepsRunning: () => false,
      onMade: () => undefined,
      onSeen: () => undefined,
      onHidden: () => undefined,
    });
    await expect(window.show(null)).rejects.toThrow("There is no display");
    await window.show(null);
    expect(window.contentsId()).toBe(7);
  });

  test("loads its page again when it fell over, but not in a circle", () => {
    const at = { now: 0 };
    const mayRevive = createReviver(() => at.now);
    expect([mayRevive(), mayRevive(), mayRevive(), mayRevive()]).toEqual([true, true, true, false]);
    at.now = 60_000;
    expect(mayRevive()).toBe(true);
  });

  test("is passed events by name", async () => {
    const { made, window } = await rig();
    await window.show(null);
    window.send("batches:changed", { batches: [] });
    expect(made[0]?.sent).toEqual([["batches:changed", { batches: [] }]]);
  });
});
