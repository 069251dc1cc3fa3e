import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  electronArguments,
  hasDisplay,
  installElectron,
  planStart,
  runToEnd,
  startProblem,
  type Ended,
  type StartParts,
} from "../../electron/shell/start.ts";

const parts = (given: Partial<StartParts>): StartParts => ({
  env: { DISPLAY: ":0" },
  platform: "linux",
  electron: async () => "/electron",
  install: async () => null,
  ...given,
});

describe("npm start", () => {
  test("opens the desktop app where Electron is", async () => {
    const install = (): never => {
      throw new Error("There is nothing to download");
    };
    expect(await planStart(parts({ install }))).toEqual({ kind: "desktop", electron: "/electron" });
  });

  test("downloads Electron where it is missing", async () => {
    let isThere = false;
    const plan = await planStart(
      parts({
        electron: async () => (isThere ? "/electron" : null),
        install: async () => {
          isThere = true;
          return null;
        },
      }),
    );
    expect(plan).toEqual({ kind: "desktop", electron: "/electron" });
  });

  test("opens the browser when Electron cannot be downloaded, and says why", async () => {
    const plan = await planStart(parts({ electron: async () => null, install: async () => "ENOTFOUND" }));
    expect(plan).toEqual({ kind: "browser", why: "Electron could not be downloaded (ENOTFOUND)" });
  });

  test("downloads nothing where there is no display", async () => {
    const plan = await planStart(
      parts({
        env: {},
        electron: () => Promise.reject(new Error("Nobody may look")),
        install: () => Promise.reject(new Error("Nobody may download")),
      }),
    );
    expect(plan).toEqual({ kind: "browser", why: "There is no display" });
  });

  test.each([
    [{}, "linux", false],
    [{ DISPLAY: "" }, "linux", false],
    [{ DISPLAY: ":0" }, "linux", true],
    [{ WAYLAND_DISPLAY: "wayland-0" }, "linux", true],
    [{}, "win32", true],
    [{}, "darwin", true],
  ] as const)("%o on %s has a display: %s", (env, platform, expected) => {
    expect(hasDisplay(env, platform)).toBe(expected);
  });

  test("keeps Chromium's sandbox for everybody but root", () => {
    expect(electronArguments("/app", [], 1000)).toEqual(["/app"]);
    expect(electronArguments("/app", ["/scans"], -1)).toEqual(["/app", "/scans"]);
    expect(electronArguments("/app", [], 0)).toEqual(["--no-sandbox", "/app"]);
  });
});

describe("Electron that does not come up", () => {
  const ended = (given: Partial<Ended>): Ended => ({
    code: null,
    signal: null,
    error: null,
    afterMs: 900,
    wasAsked: false,
    ...given,
  });

  test.each([
    ["its sandbox is forbidden", { signal: "SIGTRAP" }, "it ended with SIGTRAP"],
    ["a library is missing", { code: 127 }, "a library of the system is missing"],
    ["its display is gone", { code: 1 }, "it ended with code 1"],
    ["its file cannot be run", { error: "EACCES" }, "EACCES"],
    ["another one was shown instead", { code: 0 }, null],
    ["the data file is unusable, which it told", { code: 4 }, null],
    ["it fell over much later", { signal: "SIGSEGV", afterMs: 60_000 }, null],
    ["Ctrl-C ended it", { signal: "SIGINT", wasAsked: true }, null],
  ] as const)("because %s", (_why, given, expected) => {
    expect(startProblem(ended(given))).toBe(expected);
  });

  test("is told by how its process ended", async () => {
    expect(
      startProblem(await runToEnd(process.execPath, ["-e", "process.kill(process.pid, 'SIGTRAP')"])),
    ).toBe("it ended with SIGTRAP");
    expect(startProblem(await runToEnd(join(tmpdir(), "no-such-electron"), []))).toBe("ENOENT");
    expect(startProblem(await runToEnd(process.execPath, ["-e", "0"]))).toBeNull();
  });
});

describe("downloading Electron", () => {
  const program = async (text: string): Promise<string> => {
    const file = join(await mkdtemp(join(tmpdir(), "nightrun-install-")), "install.cjs");
    await writeFile(file, text);
    return file;
  };

  test("is done when its program ends well", async () => {
    expect(await installElectron(await program("process.exit(0)"))).toBeNull();
  });

  test("tells the code of what went wrong in a word", async () => {
    const text = 'console.error(new Error("getaddrinfo ENOTFOUND github.com").stack); process.exit(1)';
    expect(await installElectron(await program(text))).toBe("ENOTFOUND");
  });

  test("that is not answered says so", async () => {
    const text = 'console.error(new TypeError("fetch failed").stack); process.exit(1)';
    expect(await installElectron(await program(text))).toBe("its server does not answer");
  });

  test("is given up after its time", async () => {
    expect(await installElectron(await program("setInterval(() => 0, 1000)"), 200)).toBe(
      "nothing came within 0.2 s",
    );
  });
});
