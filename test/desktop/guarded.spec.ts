import { expect, test } from "@playwright/test";
import { readFile } from "node:fs/promises";
import { IS_ROOT, startApp, type DesktopApp } from "./app.ts";

let desktop: DesktopApp;
test.beforeAll(async () => {
  desktop = await startApp();
});
test.afterAll(async () => {
  await desktop.close();
});

/** Pages are asked in their own words: these programs know nothing of a browser's types. */
const inPage = <T>(text: string): Promise<T> => desktop.page.evaluate<T>(`(async () => { ${text} })()`);

test("only the packaged page is shown", async () => {
  expect(desktop.page.url()).toMatch(/^app:\/\/ui\/index\.html/);
  await expect(desktop.page).toHaveTitle("Nightrun");
  expect(await desktop.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().length)).toBe(1);
});

test("S2: the page has nothing of Node", async () => {
  const types = await inPage<string[]>(
    "return [typeof require, typeof process, typeof module, typeof Buffer, typeof global];",
  );
  expect(types).toEqual(["undefined", "undefined", "undefined", "undefined", "undefined"]);
});

test("S3: what the page does to its own built-ins does not reach the bridge", async () => {
  const refused = await inPage<boolean>(`
    const has = Set.prototype.has;
    Set.prototype.has = () => true;
    try { await window.nightrun.call("evil:call", {}); return false; }
    catch { return true; }
    finally { Set.prototype.has = has; }
  `);
  expect(refused).toBe(true);
});

test("S4: the page's process is sandboxed", async () => {
  test.skip(IS_ROOT, "Chromium has no sandbox for root");
  test.skip(process.platform !== "linux", "read from /proc");
  const pid = await desktop.app.evaluate(({ BrowserWindow }) =>
    BrowserWindow.getAllWindows()[0]?.webContents.getOSProcessId(),
  );
  expect(await readFile(`/proc/${String(pid)}/status`, "utf8")).toMatch(/^Seccomp:\s+2$/m);
  expect(await readFile(`/proc/${String(pid)}/cmdline`, "utf8")).not.toContain("--no-sandbox");
});

test("S5: the page is granted nothing", async () => {
  const answers = await inPage<Record<string, string>>(`
    const name = (error) => error.name ?? "code " + error.code;
    const refused = (ask) => Promise.resolve().then(ask).then(() => "granted", name);
    return {
      notifications: await Notification.requestPermission(),
      position: await new Promise((resolve) => navigator.geolocation.getCurrentPosition(() => resolve("granted"), (e) => resolve("code " + e.code))),
      clipboard: await refused(() => navigator.clipboard.readText()),
      midi: await refused(() => navigator.requestMIDIAccess({ sysex: true })),
      camera: await refused(() => navigator.mediaDevices.getUserMedia({ video: true })),
      screen: await refused(() => navigator.mediaDevices.getDisplayMedia({ video: true })),
    };
  `);
  expect(answers.notifications).toBe("denied");
  expect(answers.position).toBe("code 1");
  for (const [what, answer] of Object.entries(answers)) expect(answer, what).not.toBe("granted");
});

test("S7: no code runs that was not shipped, and nothing is reached from the page", async () => {
  const found = await inPage<{ ran: boolean; blocked: Record<string, boolean>; violations: number }>(`
    let violations = 0;
    document.addEventListener("securitypolicyviolation", () => (violations += 1));
    const throws = (act) => { try { act(); return false; } catch { return true; } };
    const script = document.createElement("script");
    const blocked = {
      html: throws(() => document.body.insertAdjacentHTML("beforeend", "<img src=x onerror='window.evil=1'>")),
      evaluation: throws(() => (0, eval)("window.evil=1")),
      compiled: throws(() => new Function("window.evil=1")()),
      timer: throws(() => setTimeout("window.evil=1")),
      script: throws(() => { script.text = "window.evil=1"; document.head.append(script); }),
      network: await fetch("https://example.com/").then(() => false, () => true),
      picture: await new Promise((resolve) => {
        const image = new Image();
        image.onload = () => resolve(false);
        image.onerror = () => resolve(true);
        image.src = "https://example.com/x.png";
      }),
    };
    await new Promise((resolve) => setTimeout(resolve, 200));
    return { ran: window.evil !== undefined, blocked, violations };
  `);
  expect(found.ran).toBe(false);
  expect(Object.entries(found.blocked).filter(([, isBlocked]) => !isBlocked)).toEqual([]);
  expect(found.violations).toBeGreaterThan(0);
});

test("S9: the page leads nowhere else", async () => {
  const opened = await inPage<boolean>(`
    const click = (href, target) => {
      const link = document.createElement("a");
      link.href = href;
      link.target = target;
      document.body.append(link);
      link.click();
      link.dispatchEvent(new MouseEvent("auxclick", { button: 1, bubbles: true }));
      link.remove();
    };
    const made = window.open("https://example.com/");
    click("https://example.com/", "");
    click("https://example.com/", "_blank");
    click("file:///etc/passwd", "");
    click("javascript:window.evil=2", "");
    location.href = "https://example.com/";
    await new Promise((resolve) => setTimeout(resolve, 500));
    return made !== null || window.evil === 2;
  `);
  expect(opened).toBe(false);
  expect(desktop.page.url()).toMatch(/^app:\/\/ui\/index\.html/);
  expect(await desktop.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().length)).toBe(1);
});

test("S13: the bridge is two functions and nothing else", async () => {
  const found = await inPage<{ bridge: string[]; leaks: string[]; unknown: boolean }>(`
    const unknown = (() => { try { window.nightrun.on("evil:event", () => 0); return false; } catch { return true; } })();
    return {
      bridge: Object.keys(window.nightrun).sort(),
      leaks: Object.getOwnPropertyNames(window).filter((name) => /electron|ipc|^require$|^process$|^Buffer$/i.test(name)),
      unknown,
    };
  `);
  expect(found).toEqual({ bridge: ["call", "on"], leaks: [], unknown: true });
});

test("the page's scheme serves nothing that was not shipped", async () => {
  const statuses = await desktop.app.evaluate(async ({ net }) => {
    const ask = (address: string): Promise<number> => net.fetch(address).then(({ status }) => status);
    return [
      await ask("app://ui/index.html"),
      await ask("app://ui/..%2fpackage.json"),
      await ask("app://ui/%5c..%5cpackage.json"),
      await ask("app://ui/preview/1/97"),
      await ask("app://ui/none.js"),
    ];
  });
  expect(statuses).toEqual([200, 400, 400, 400, 404]);
});
