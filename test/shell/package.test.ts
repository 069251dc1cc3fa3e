import { extractAll, listPackage } from "@electron/asar";
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readFuses, writeStandInElectron } from "./support/stand-in-electron.ts";

const run = promisify(execFile);
const root = join(import.meta.dirname, "..", "..");
const require = createRequire(import.meta.url);

interface Packing {
  productName: string;
  linux: { executableName: string; syncDesktopName: boolean };
  win: { extraFiles: { from: string; to: string }[] };
}
const { default: config } = (await import(pathToFileURL(join(root, "electron-builder.config.js")).href)) as {
  default: Packing;
};

/** The rehearsal is the same on every system that can pack; Linux stands for all of them. */
describe.skipIf(process.platform !== "linux")("the package", () => {
  let work: string;
  let packed: string;
  let inside: string[];
  let extracted: string;

  beforeAll(async () => {
    work = await mkdtemp(join(tmpdir(), "nightrun-package-"));
    const { version } = require("electron/package.json") as { version: string };
    await stat(join(root, "out", "main", "main.js")).catch(() => {
      throw new Error("There is nothing built to pack: run `npm run build` first");
    });
    await writeStandInElectron(join(work, "electron"), version);
    const args = [
      join(root, "node_modules", "electron-builder", "cli.js"),
      "--dir",
      "--linux",
      `--${process.arch}`,
      "--publish=never",
      "--config=electron-builder.config.js",
      `-c.electronDist=${join(work, "electron")}`,
      `-c.directories.output=${join(work, "dist")}`,
    ];
    await run(process.execPath, args, { cwd: root, timeout: 90_000 });
    packed = join(work, "dist", process.arch === "x64" ? "linux-unpacked" : `linux-${process.arch}-unpacked`);
    const archive = join(packed, "resources", "app.asar");
    inside = listPackage(archive, { isPack: false }).map((name) => name.replaceAll("\\", "/"));
    extracted = join(work, "extracted");
    extractAll(archive, extracted);
  }, 120_000);

  afterAll(async () => {
    await rm(work, { recursive: true, force: true });
  });

  test("has its fuses set so that nobody can run other code with it", async () => {
    expect(readFuses(await readFile(join(packed, "nightrun")))).toEqual({
      runAsNode: false,
      enableCookieEncryption: true,
      enableNodeOptionsEnvironmentVariable: false,
      enableNodeCliInspectArguments: false,
      enableEmbeddedAsarIntegrityValidation: true,
      onlyLoadAppFromAsar: true,
      loadBrowserProcessSpecificV8Snapshot: false,
      grantFileProtocolExtraPrivileges: false,
    });
  });

  test("holds the programs, the bridge, the page and the icons", () => {
    for (const name of [
      "/package.json",
      "/out/main/main.js",
      "/out/main/cli.js",
      "/out/main/simulator.js",
      "/out/main/store-worker.js",
      "/out/main/answer-worker.js",
      "/out/preload/preload.cjs",
      "/out/renderer/index.html",
      "/resources/icons/icon.png",
      "/resources/icons/tray.png",
      "/resources/icons/trayTemplate.png",
    ])
      expect(inside).toContain(name);
  });

  test("is known to a Linux desktop by the name of its entry", async () => {
    const { desktopName } = JSON.parse(await readFile(join(extracted, "package.json"), "utf8")) as {
      desktopName: string;
    };
    expect(desktopName).toBe("nightrun.desktop");
    expect(config.linux).toMatchObject({ executableName: "nightrun", syncDesktopName: true });
  });

  test("has a command for Windows' terminals, which leads to the program that is installed", async () => {
    const [{ from, to } = { from: "", to: "" }] = config.win.extraFiles;
    expect(to).toBe("nightrun.cmd");
    const line = await readFile(join(root, from), "utf8");
    expect(line).toBe(`@"%~dp0${config.productName}.exe" -- %*\r\n`);
  });

  test("holds no sources, no tests, no maps, and nothing of this machine", () => {
    const wrong = inside.filter((name) =>
      /\.(ts|svelte|map|cc|cpp|h|gyp|db|log|env|pem|key)$|\/(test|tests|docs)\/|\/\.(git|ci|npmrc|env)|tokens\.json/.test(
        name,
      ),
    );
    expect(wrong).toEqual([]);
    const tops = new Set(inside.map((name) => name.split("/")[1]));
    expect([...tops].sort()).toEqual(["LICENSE", "node_modules", "out", "package.json", "resources"]);
  });

  test("holds only what the product imports, none of what builds it", () => {
    const packages = new Set(
      inside.filter((name) => name.startsWith("/node_modules/")).map((name) => name.split("/")[2]),
    );
    for (const name of ["better-sqlite3", "chokidar", "p-queue", "sharp", "undici", "zod"])
      expect(packages).toContain(name);
    for (const name of [
      "electron",
      "electron-builder",
      "vite",
      "vitest",
      "svelte",
      "playwright",
      "typescript",
      "nightrun-node-runtime",
    ])
      expect(packages).not.toContain(name);
  });

  test("has the native parts of this system, and of no other, as files of their own", async () => {
    const unpacked = join(packed, "resources", "app.asar.unpacked");
    const all = await readdir(unpacked, { recursive: true });
    const native = all.filter((name) => name.endsWith(".node"));
    expect(native).toContain(`node_modules/better-sqlite3/prebuilds/linux-${process.arch}.node`);
    expect(native.filter((name) => name.includes("better-sqlite3"))).toHaveLength(1);
    expect(
      native.filter((name) => !name.includes("better-sqlite3")).every((name) => name.includes("linux")),
    ).toBe(true);
    expect(all.some((name) => /libvips-cpp.*\.so/.test(name))).toBe(true);
    expect(inside.filter((name) => name.endsWith(".node") && !native.includes(name.slice(1)))).toEqual([]);
  });

  test("is complete: what was packed runs a folder through the simulator", async () => {
    const folder = join(work, "scans");
    await mkdir(folder);
    await cp(join(root, "resources", "samples", "IMG_2041.jpg"), join(folder, "IMG_2041.jpg"));
    const cli = join(extracted, "out", "main", "cli.js");
    const data = join(work, "packed.db");
    const { stdout } = await run(
      process.execPath,
      [cli, "run", folder, "--deployment", "simulator", "--data", data, "--json"],
      { cwd: work, timeout: 60_000 },
    );
    expect(JSON.parse(stdout.trim().split("\n").at(-1) ?? "")).toMatchObject({ event: "ended", exitCode: 0 });
  }, 90_000);

  describe("started as a command", () => {
    beforeAll(async () => {
      const electron = join(extracted, "node_modules", "electron");
      await mkdir(electron, { recursive: true });
      await writeFile(join(electron, "package.json"), '{"name":"electron","main":"index.js"}');
      await writeFile(
        join(electron, "index.js"),
        `exports.app = {
          isPackaged: false,
          commandLine: { hasSwitch: () => false },
          getAppPath: () => ${JSON.stringify(extracted)},
          exit: (code) => process.exit(code),
        };
        require("node:fs").appendFileSync(${JSON.stringify(join(work, "starts.txt"))}, process.argv[2] + "\\n");`,
      );
    });

    test("is the command line, with its exit code, and opens no window", async () => {
      const main = join(extracted, "out", "main", "main.js");
      const { stdout } = await run(process.execPath, [main, "--version"], { cwd: work, timeout: 30_000 });
      expect(stdout.trim()).toMatch(/^\d+\.\d+\.\d+$/);
      const missing = run(process.execPath, [main, "status", "--data", join(work, "none.db")], {
        cwd: work,
        timeout: 30_000,
      });
      await expect(missing).rejects.toMatchObject({ code: expect.any(Number) as number });
    });

    test("runs a folder, with the simulator as another process of itself", async () => {
      const folder = join(work, "more scans");
      await mkdir(folder);
      await cp(join(root, "resources", "samples", "IMG_2041.jpg"), join(folder, "IMG_2041.jpg"));
      const main = join(extracted, "out", "main", "main.js");
      const args = ["run", folder, "--deployment", "simulator", "--data", join(work, "itself.db"), "--json"];
      const { stdout } = await run(process.execPath, [main, ...args], { cwd: work, timeout: 60_000 });
      expect(JSON.parse(stdout.trim().split("\n").at(-1) ?? "")).toMatchObject({ exitCode: 0 });
      const starts = (await readFile(join(work, "starts.txt"), "utf8")).trim().split("\n");
      expect(starts.slice(-2)).toEqual(["run", join(extracted, "out", "main", "simulator.js")]);
    }, 90_000);

    test("is the simulator when it starts itself as one", async () => {
      const main = join(extracted, "out", "main", "main.js");
      const simulator = join(extracted, "out", "main", "simulator.js");
      const child = execFile(process.execPath, [main, simulator, "--stay-with-parent"], { cwd: work });
      const line = await new Promise<string>((resolve) =>
        child.stdout?.once("data", (chunk) => resolve(String(chunk))),
      );
      expect(JSON.parse(line)).toHaveProperty("url");
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.stdin?.end();
      await ended;
    });
  });
});
