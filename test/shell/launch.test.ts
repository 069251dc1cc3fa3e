import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  cleanEnvironment,
  endWithParent,
  folderAmong,
  HIDDEN,
  ownArguments,
  programHost,
  readLaunch,
  relaunchOptions,
  withoutStdin,
} from "../../electron/shell/launch.ts";
import { autostartEntry, setStartAtLogin, type LoginItemParts } from "../../electron/shell/login-item.ts";

const SIMULATOR = "/opt/Nightrun/resources/app.asar/out/main/simulator.js";

describe("a start", () => {
  test.each([
    [[], { kind: "window", isHidden: false, folder: null }],
    [[HIDDEN], { kind: "window", isHidden: true, folder: null }],
    [["/scans/mai"], { kind: "window", isHidden: false, folder: "/scans/mai" }],
    [["scans"], { kind: "window", isHidden: false, folder: null }],
    [["--no-sandbox", "/scans"], { kind: "window", isHidden: false, folder: "/scans" }],
    [["run", "/scans", "--json"], { kind: "command-line", args: ["run", "/scans", "--json"] }],
    [["--version"], { kind: "command-line", args: ["--version"] }],
    [["status"], { kind: "command-line", args: ["status"] }],
    [[SIMULATOR, "--port", "1"], { kind: "program", file: SIMULATOR, args: ["--port", "1"] }],
    [["/tmp/evil.js"], { kind: "window", isHidden: false, folder: "/tmp/evil.js" }],
    [
      ["/opt/Nightrun/../evil/simulator.js"],
      { kind: "window", isHidden: false, folder: "/opt/Nightrun/../evil/simulator.js" },
    ],
    [["-e", "process.exit()"], { kind: "window", isHidden: false, folder: null }],
  ])("with %j is %o", (args, expected) => {
    expect(readLaunch(args, [SIMULATOR])).toEqual(expected);
  });

  test.each([
    [["/opt/Nightrun/nightrun", "run", "/scans"], true, ["run", "/scans"]],
    [["/electron", "/work/nightrun", "run"], false, ["run"]],
    [["/electron", "--inspect=0", "--remote-debugging-port=0", "/work/nightrun", HIDDEN], false, [HIDDEN]],
    [["/electron"], false, []],
    [["/opt/Nightrun/nightrun", "--no-sandbox", "run", "--no-sandbox"], true, ["run", "--no-sandbox"]],
    [
      ["C:\\Nightrun.exe", "--", "run", "--deployment", "https://a.example"],
      true,
      ["run", "--deployment", "https://a.example"],
    ],
    [["/electron", "--no-sandbox", "/work/nightrun", SIMULATOR, "--x"], false, [SIMULATOR, "--x"]],
    [["/opt/Nightrun/nightrun", "--"], true, []],
  ])("of %j, packaged %s, has the arguments %j", (argv, isPackaged, expected) => {
    expect(ownArguments(argv, isPackaged)).toEqual(expected);
  });

  test("of a second instance is trusted with nothing but a path", () => {
    expect(folderAmong(["--gpu-launcher=evil", "--", "https://evil.example", "a\0b"])).toBeNull();
    expect(folderAmong(["/scans\0/x"])).toBeNull();
    expect(folderAmong(["--flag", "/scans"])).toBe("/scans");
  });

  test("anew is of the AppImage's own file, not of what it was mounted as", () => {
    const argv = ["/tmp/.mount_NightrX/nightrun", "--hidden"];
    expect(relaunchOptions({ APPIMAGE: "/home/ada/Nightrun.AppImage" }, argv)).toEqual({
      execPath: "/home/ada/Nightrun.AppImage",
      args: ["--hidden"],
    });
    expect(relaunchOptions({}, argv)).toEqual({});
  });

  test("takes out of the environment what would weaken it", () => {
    const env: NodeJS.ProcessEnv = {
      NODE_OPTIONS: "--require=/tmp/evil.js",
      NODE_TLS_REJECT_UNAUTHORIZED: "0",
      SSLKEYLOGFILE: "/tmp/keys",
      CHOKIDAR_USEPOLLING: "1",
      CHOKIDAR_INTERVAL: "1",
      HTTPS_PROXY: "http://cache:3128",
    };
    cleanEnvironment(env);
    expect(env).toEqual({ HTTPS_PROXY: "http://cache:3128" });
  });
});

describe("one of our programs in a process of its own", () => {
  test.each([
    [
      { isPackaged: true, hasSandbox: true, platform: "linux" },
      { before: [], hasStdin: true },
    ],
    [
      { isPackaged: false, hasSandbox: true, platform: "darwin" },
      { before: ["/app"], hasStdin: true },
    ],
    // Without it Electron refuses to start for root, in this process as in the first.
    [
      { isPackaged: false, hasSandbox: false, platform: "linux" },
      { before: ["--no-sandbox", "/app"], hasStdin: true },
    ],
    [
      { isPackaged: true, hasSandbox: true, platform: "win32" },
      { before: [], hasStdin: false },
    ],
  ] as const)("of %o is started with %o", (state, expected) => {
    const host = programHost({ ...state, appFolder: "/app" });
    expect(host).toEqual(expected);
    // What starts it and what reads its arguments agree.
    const argv = ["/electron", ...host.before, SIMULATOR, "--port", "1"];
    expect(readLaunch(ownArguments(argv, state.isPackaged), [SIMULATOR])).toEqual({
      kind: "program",
      file: SIMULATOR,
      args: ["--port", "1"],
    });
  });

  test("without an stdin that could end is told so", () => {
    expect(withoutStdin(["--stay-with-parent", "--port", "1"])).toEqual({
      args: ["--port", "1"],
      staysWithParent: true,
    });
    expect(withoutStdin(["--port", "1"])).toEqual({ args: ["--port", "1"], staysWithParent: false });
  });

  test("ends when its parent is gone, and not before", async () => {
    const parent = spawn(process.execPath, ["-e", "process.stdin.resume()"], {
      stdio: ["pipe", "ignore", "ignore"],
    });
    await once(parent, "spawn");
    let isParentGone = false;
    parent.once("exit", () => (isParentGone = true));
    const wasGone = await new Promise<boolean>((resolve) => {
      endWithParent(parent.pid ?? 0, () => resolve(isParentGone));
      parent.stdin.end();
    });
    expect(wasGone).toBe(true);
  });
});

describe("starting at login", () => {
  async function parts(
    given: Partial<LoginItemParts>,
  ): Promise<{ parts: LoginItemParts; set: unknown[]; file: string }> {
    const configFolder = await mkdtemp(join(tmpdir(), "nightrun-config-"));
    const set: unknown[] = [];
    return {
      set,
      file: join(configFolder, "autostart", "nightrun.desktop"),
      parts: {
        platform: "linux",
        isPackaged: true,
        executable: "/home/ada/My Apps/Nightrun 100%.AppImage",
        configFolder,
        setLoginItemSettings: (settings) => set.push(settings),
        ...given,
      },
    };
  }

  test("is an entry without a window on Linux, and can be taken back", async () => {
    const { parts: linux, file, set } = await parts({});
    await setStartAtLogin(true, linux);
    expect(await readFile(file, "utf8")).toContain(
      'Exec="/home/ada/My Apps/Nightrun 100%%.AppImage" --hidden\n',
    );
    await setStartAtLogin(false, linux);
    await setStartAtLogin(false, linux);
    await expect(stat(file)).rejects.toThrow();
    expect(set).toEqual([]);
  });

  test("cannot be made to run anything else by a path", () => {
    expect(autostartEntry('/a"; rm -rf $HOME; `x`\\')).toContain(
      'Exec="/a\\"; rm -rf \\$HOME; \\`x\\`\\\\" --hidden',
    );
  });

  test.each(["win32", "darwin"] as const)("is the system's own setting on %s", async (platform) => {
    const { parts: own, set } = await parts({ platform });
    await setStartAtLogin(true, own);
    await setStartAtLogin(false, own);
    expect(set).toEqual([{ openAtLogin: true, args: [HIDDEN] }, { openAtLogin: false }]);
  });

  test("is never set by a program that is not installed", async () => {
    const { parts: dev, set, file } = await parts({ isPackaged: false });
    await setStartAtLogin(true, dev);
    expect(set).toEqual([]);
    await expect(stat(file)).rejects.toThrow();
  });
});
