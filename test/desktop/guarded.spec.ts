import { expect, test } from "@playwright/test";
import { readFile } from "node:fs/promises";
import { startApp, type DesktopApp } from "./app.ts";
import { asExpression, FOREIGN_CODE, LEAKS, PERMISSIONS, TYPES_OF_NODE, type Blocked } from "./in-page.ts";
import { whyNoSandbox } from "./sandbox.ts";

let desktop: DesktopApp;
test.beforeAll(async () => {
  desktop = await startApp();
});
test.afterAll(async () => {
  await desktop.close();
});

const inPage = <T>(body: string): Promise<T> => desktop.page.evaluate<T>(asExpression(body));

test("only the packaged page is shown", async () => {
  expect(desktop.page.url()).toMatch(/^app:\/\/ui\/index\.html/);
  await expect(desktop.page).toHaveTitle("Nightrun");
  expect(await desktop.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().length)).toBe(1);
});

test("S2: the page has nothing of Node", async () => {
  const types = await inPage<string[]>(TYPES_OF_NODE);
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
  const why = whyNoSandbox();
  test.skip(why !== null, why ?? "");
  test.skip(process.platform !== "linux", "read from /proc");
  const pid = await desktop.app.evaluate(({ BrowserWindow }) =>
    BrowserWindow.getAllWindows()[0]?.webContents.getOSProcessId(),
  );
  expect(await readFile(`/proc/${String(pid)}/status`, "utf8")).toMatch(/^Seccomp:\s+2$/m);
  expect(await readFile(`/proc/${String(pid)}/cmdline`, "utf8")).not.toContain("--no-sandbox");
});

test("S5: the page is granted nothing", async () => {
  const answers = await inPage<Record<string, string>>(PERMISSIONS);
  expect(answers.notifications).toBe("denied");
  expect(answers.position).toBe("code 1");
  for (const [what, answer] of Object.entries(answers)) expect(answer, what).not.toBe("granted");
});

test("S7: no code runs that was not shipped, and nothing is reached from the page", async () => {
  const found = await inPage<Blocked>(FOREIGN_CODE);
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
    // A file that is dropped would replace the page: the bridge keeps it from that. This one has no path to tell of.
    const data = new DataTransfer();
    data.items.add(new File(["<p>dropped</p>"], "dropped.html", { type: "text/html" }));
    const drop = new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true });
    const isTaken = document.body.dispatchEvent(drop);
    await new Promise((resolve) => setTimeout(resolve, 500));
    return isTaken || made !== null || window.evil === 2;
  `);
  expect(opened).toBe(false);
  expect(desktop.page.url()).toMatch(/^app:\/\/ui\/index\.html/);
  expect(await desktop.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().length)).toBe(1);
});

test("S13: the bridge is two functions and nothing else", async () => {
  const found = await inPage<{ bridge: string[]; kinds: string[]; refuses: boolean }>(`
    const refuses = (act) => { try { act(); return false; } catch { return true; } };
    return {
      bridge: Object.keys(window.nightrun).sort(),
      kinds: Object.values(window.nightrun).map((part) => typeof part),
      refuses:
        refuses(() => window.nightrun.on("evil:event", () => 0)) &&
        refuses(() => window.nightrun.call("desktop:folder-dropped", { path: "/" })),
    };
  `);
  expect(found).toEqual({ bridge: ["call", "on"], kinds: ["function", "function"], refuses: true });
  expect(await inPage<string[]>(LEAKS)).toEqual([]);
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
