import { describe, expect, test } from "vitest";
import type { BatchCard } from "../../electron/contract/api.ts";
import { openCardBook } from "../../electron/shell/card-book.ts";
import { diagnosticsText } from "../../electron/shell/diagnostics.ts";
import { createFace } from "../../electron/shell/face.ts";
import { menuTemplate } from "../../electron/shell/menu.ts";
import { createNoticeKeeper } from "../../electron/shell/notifications.ts";
import { createFailureBadge } from "../../electron/shell/progress.ts";
import { card, gate } from "./support/cards.ts";

describe("what is shown outside the window", () => {
  function rig(): { said: string[]; looked: { at: boolean }; face: ReturnType<typeof createFace> } {
    const said: string[] = [];
    const looked = { at: false };
    const face = createFace({
      badge: createFailureBadge(),
      notices: createNoticeKeeper(() => 0),
      isReadOnly: false,
      isLookedAt: () => looked.at,
      showBar: ({ fraction, mode }) => said.push(`bar ${fraction} ${mode}`),
      showBadge: (failures) => said.push(`badge ${failures}`),
      showTray: (tip) => said.push(tip),
      showMenu: () => said.push("menu"),
      notify: ({ title }) => said.push(`notice ${title}`),
      onWork: () => undefined,
    });
    return { said, looked, face };
  }

  test("is touched only when it changes", () => {
    const { said, face } = rig();
    face.update([card({ done: 1, waiting: 3 })]);
    expect(said).toEqual(["bar 0.25 normal", "badge 0", "Nightrun: running, 1 of 4", "menu"]);
    said.length = 0;
    face.update([card({ done: 1, waiting: 3 }, { imagesPerMinute: 12 })]);
    expect(said).toEqual([]);
    face.update([card({ done: 1, failed: 1, waiting: 2 })]);
    expect(said).toEqual(["bar 0.5 normal", "badge 1", "Nightrun: running, 2 of 4, 1 failed"]);
  });

  test("is quiet while a person looks at the window", () => {
    const { said, looked, face } = rig();
    looked.at = true;
    face.update([card({ waiting: 2 })]);
    face.update([card({ done: 1, failed: 1 }, { activity: "finished" })]);
    expect(said.filter((text) => text.startsWith("notice") || text === "badge 1")).toEqual([]);
    looked.at = false;
    face.update([card({ waiting: 2 }, { gates: [gate("sign-in")] })]);
    expect(said.at(-1)).toBe("notice Herbarium: sign in again");
  });

  test("forgets failures that were looked at", () => {
    const { said, face } = rig();
    face.update([card({ waiting: 2 })]);
    face.update([card({ failed: 2 })]);
    expect(said).toContain("badge 2");
    face.seen([card({ failed: 2 })]);
    expect(said.at(-1)).toBe("badge 0");
  });

  test("is shown again by a window that comes back", () => {
    const { said, face } = rig();
    face.update([card({ done: 1, waiting: 3 })]);
    said.length = 0;
    face.seen([card({ done: 1, waiting: 3 })]);
    expect(said).toEqual(["bar 0.25 normal", "badge 0"]);
  });
});

describe("the card book", () => {
  const service = {
    call: async () => ({
      ok: true as const,
      value: { batches: [card({ waiting: 1 }), card({ waiting: 1 }, { id: 2 })] },
    }),
  };

  test("knows every batch from the start, takes newer cards, and forgets what was removed", async () => {
    const book = await openCardBook(service);
    expect(book.cards().map(({ id }) => id)).toEqual([1, 2]);
    expect(book.take({ name: "batches:changed", data: { batches: [card({ done: 1 })] } })).toBe(true);
    expect(book.take({ name: "engine:changed", data: { running: true, failure: null } })).toBe(false);
    expect(book.cards()[0]?.ledger.done).toBe(1);
    const refused = {
      ok: true,
      value: { ok: false, failure: { reason: "unknown-batch", wanted: "2" } },
    } as const;
    expect(book.answered("batch:remove", { batchId: 2 }, refused)).toBe(false);
    const removed = { ok: true, value: { ok: true, value: {} } } as const;
    expect(book.answered("batch:get", { batchId: 2 }, removed)).toBe(false);
    expect(book.answered("batch:remove", { batchId: 2 }, removed)).toBe(true);
    expect(book.cards().map(({ id }) => id)).toEqual([1]);
  });
});

describe("the menu", () => {
  const opened: (string | null)[] = [];
  const nothing = (): void => undefined;
  const actions = {
    open: (hash: string | null) => void opened.push(hash),
    openFolder: nothing,
    openLogs: nothing,
    copyDiagnostics: nothing,
    showAbout: nothing,
    openSite: nothing,
    quit: nothing,
  };
  const items = (template: Electron.MenuItemConstructorOptions[]): Electron.MenuItemConstructorOptions[] =>
    template.flatMap((item) => [item, ...(Array.isArray(item.submenu) ? items(item.submenu) : [])]);
  const made = (platform: NodeJS.Platform, cards: BatchCard[] = [], isPackaged = true, isReadOnly = false) =>
    items(menuTemplate({ platform, isPackaged, cards, isReadOnly }, actions));

  test.each(["linux", "win32", "darwin"] as const)(
    "on %s has everything once, with shortcuts that do not clash",
    (platform) => {
      const all = made(platform, [card(), card({}, { id: 2, name: "Wells & co" })]);
      for (const label of [
        "New batch",
        "Open folder…",
        "Recent batches",
        "Open logs",
        "Copy diagnostics",
        "About Nightrun",
      ])
        expect(
          all.filter((item) => item.label === label),
          label,
        ).toHaveLength(1);
      expect(all.some((item) => item.label?.startsWith("Quit"))).toBe(true);
      const keys = all.flatMap((item) => item.accelerator ?? []);
      expect(new Set(keys).size).toBe(keys.length);
    },
  );

  test("lists the newest batches first, and leads to them", () => {
    const all = made("linux", [card(), card({}, { id: 2, name: "Wells & co" })]);
    const recent = all.find((item) => item.label === "Recent batches")
      ?.submenu as Electron.MenuItemConstructorOptions[];
    expect(recent.map(({ label }) => label)).toEqual(["Wells && co", "Herbarium"]);
    recent[0]?.click?.({} as never, undefined, {});
    expect(opened).toEqual(["#/batch/2/night"]);
  });

  test("has no developer tools in the package", () => {
    expect(made("linux").some((item) => item.role === "toggleDevTools")).toBe(false);
    expect(made("linux", [], false).some((item) => item.role === "toggleDevTools")).toBe(true);
  });

  test("offers nothing that changes where another Nightrun writes", () => {
    const off = made("linux", [], true, true).filter((item) => item.enabled === false);
    expect(off.map(({ label }) => label)).toEqual(["New batch", "Open folder…", "Recent batches"]);
  });
});

describe("diagnostics", () => {
  const input = {
    version: "0.1.0",
    versions: { electron: "45.4.1", chrome: "152", node: "24.18.1" },
    platform: "linux",
    arch: "x64",
    dataFile: "/home/ada/.local/share/nightrun/nightrun.db",
    freeBytes: 5_000_000_000,
    cards: [
      card(
        { done: 2, waiting: 1 },
        {
          folder: "/home/ada/secret project",
          resultsFolder: "/home/ada/secret project-results",
          gates: [gate("sign-in", { reason: "token-rejected", status: 401, service: "s" })],
        },
      ),
    ],
    logTail: "",
    home: "/home/ada",
    secrets: ["CANARY_0123456789"],
  };

  test("tell versions, counts and gates", () => {
    const text = diagnosticsText(input);
    expect(text).toContain("Electron 45.4.1, Chromium 152, Node 24.18.1");
    expect(text).toContain("Data file ~/.local/share/nightrun/nightrun.db");
    expect(text).toContain(
      "seen 3 = done 2 + failed 0 + skipped 0 + missing 0 + waiting 1 + in flight 0 + uncertain 0",
    );
    expect(text).toContain("gates: sign-in (token-rejected)");
  });

  test.each([
    "sent with CANARY_0123456789 to the service",
    "Authorization: Bearer CANARY_bearer_token",
    "jwt eyJDQU5BUllfand0.eyJDQU5BUllfand0.CANARY_sig",
    "proxy http://ada:CANARY_password@cache:3128",
    "read /home/ada/secret project/CANARY.jpg".replace("CANARY", "photo"),
  ])("hold nothing private of %j", (logTail) => {
    const text = diagnosticsText({ ...input, logTail });
    expect(text).not.toMatch(/CANARY|eyJDQU5|ada|secret project|Herbarium/);
  });

  test("are short enough to send", () => {
    expect(diagnosticsText({ ...input, logTail: "x".repeat(5_000_000) }).length).toBeLessThan(25_000);
  });
});
