import fc from "fast-check";
import { mkdtemp, mkdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import {
  contentSecurityPolicy,
  createAppProtocol,
  readAddress,
  type Pictures,
} from "../../electron/shell/protocol.ts";
import type { PictureAnswer } from "../../electron/engine/previews/previews.ts";

const bytes = new Uint8Array([1, 2, 3]);
const picture: PictureAnswer = { kind: "picture", type: "image/jpeg", bytes, keepMs: 60_000 };
const asked: unknown[][] = [];
const pictures: Pictures = {
  preview: async (id, edge) => {
    asked.push(["preview", id, edge]);
    return id === 404 ? { kind: "none" } : id === 415 ? { kind: "unreadable" } : picture;
  },
  file: async (id, suffix) => {
    asked.push(["file", id, suffix]);
    return suffix === "page.html" ? { ...picture, type: "text/html" } : picture;
  },
  trial: (id, suffix) => {
    asked.push(["trial", id, suffix]);
    return picture;
  },
};

let get: (address: string, method?: string) => Promise<Response>;

beforeAll(async () => {
  const root = await mkdtemp(join(tmpdir(), "nightrun-page-"));
  const folder = join(root, "page");
  await mkdir(join(folder, "assets"), { recursive: true });
  await writeFile(join(root, "secret.js"), "secret");
  await writeFile(join(root, "secret.txt"), "secret");
  await writeFile(join(folder, "index.html"), "<!doctype html>");
  await writeFile(join(folder, "notes.txt"), "not for the page");
  await writeFile(join(folder, "assets", "main-1a2b.js"), "export {}");
  const serve = createAppProtocol({
    folder,
    pictures,
    readFile,
    devServer: null,
    fetch: () => Promise.reject(new Error("There is no network in a packaged app")),
  });
  // Chromium gives addresses as they are after its own parsing; here also those that it would never let through.
  get = (address, method = "GET") => serve({ url: address, method } as unknown as Request);
});

describe("the page", () => {
  test.each([
    ["app://ui/", "text/html; charset=utf-8"],
    ["app://ui/index.html", "text/html; charset=utf-8"],
    ["app://ui/index.html?x=1#/batch/3", "text/html; charset=utf-8"],
    ["app://ui/assets/main-1a2b.js", "text/javascript; charset=utf-8"],
  ])("%s is served as %s", async (address, type) => {
    const answer = await get(address);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toBe(type);
    expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
    expect(answer.headers.get("content-security-policy")).toBe(contentSecurityPolicy(null));
  });

  test.each([
    "app://ui/..%2fsecret.js",
    "app://ui/..%2Fsecret.js",
    "app://ui/assets/..%2f..%2fsecret.js",
    "app://ui/%2e%2e%2fsecret.js",
    "app://ui/%5c..%5csecret.js",
    "app://ui/..%5csecret.js",
    "app://ui/..\\secret.js",
    "app://ui/%5C%5Cserver%5Cshare%5Cx.js",
    "app://ui//etc/passwd.js",
    "app://ui/%2fetc%2fpasswd.js",
    "app://ui/C:/secret.js",
    "app://ui/C%3A%5Csecret.js",
    "app://ui/index.html%00.js",
    "app://ui/main.js%0d%0ax: y",
    "app://ui/main.js::$DATA",
    "app://ui/assets//main-1a2b.js",
    "app://ui/assets/",
    "app://ui/%",
    "app://ui/%ff.js",
    "app://ui/.../main.js",
    `app://ui/${"a".repeat(10_000)}.js`,
    "app://evil/index.html",
    "app://ui.evil/index.html",
    "app://ui:80/index.html",
    "app://user@ui/index.html",
    "app://user:pw@ui/index.html",
    "app:///index.html",
    "app:index.html",
    "https://ui/index.html",
    "file:///etc/passwd",
    "nonsense",
    "",
    "app://ui/preview/1/97",
    "app://ui/preview/1/0480",
    "app://ui/preview/0/96",
    "app://ui/preview/-1/96",
    "app://ui/preview/1e3/96",
    "app://ui/preview/99999999999999999/96",
    "app://ui/preview/1/96/x",
    "app://ui/preview/1",
    "app://ui/file/1",
    "app://ui/file/1/a%2fb",
    "app://ui/file/1/..",
    "app://ui/trial/a%2fb/x",
    "app://ui/trial//x",
  ])("%s is refused", async (address) => {
    asked.length = 0;
    const answer = await get(address);
    expect(await answer.text()).not.toContain("secret");
    expect(answer.status).toBe(400);
    expect(asked).toEqual([]);
  });

  test.each([
    "app://ui/notes.txt",
    "app://ui/assets",
    "app://ui/.js",
    "app://ui/main.cjs",
    "app://ui/gone.js",
  ])("%s is not there", async (address) => {
    expect((await get(address)).status).toBe(404);
  });

  // The address parser takes dot segments away before anything is asked; what is left lies inside.
  test.each(["app://ui/../secret.js", "app://ui/assets/../../secret.js", "app://ui/%2e%2e/secret.js"])(
    "%s stays inside",
    async (address) => {
      const answer = await get(address);
      expect([400, 404]).toContain(answer.status);
    },
  );

  test.each(["POST", "PUT", "HEAD", "OPTIONS"])("%s is refused", async (method) => {
    expect((await get("app://ui/index.html", method)).status).toBe(405);
  });

  test("no address whatever leads to a name that is not plain", () => {
    const part = fc.oneof(
      fc.string({ maxLength: 8 }),
      fc.constantFrom("..", ".", "%2f", "%5c", "%2e", "%00", "/", "\\", ":", "%252f", "C:", "a.js"),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
        const found = readAddress(`app://ui/${parts.join("")}`);
        if (found.kind !== "file") return;
        for (const name of found.path) {
          expect(name).not.toMatch(/[/\\:\0]/);
          expect(["", ".", ".."]).not.toContain(name);
        }
      }),
      { numRuns: 5000 },
    );
  });
});

describe("pictures", () => {
  test.each([
    ["app://ui/preview/12/480", ["preview", 12, 480]],
    ["app://ui/file/12/infer_yolo_v8-0.1.png", ["file", 12, "infer_yolo_v8-0.1.png"]],
    ["app://ui/file/12/a%20b%231.png", ["file", 12, "a b#1.png"]],
    ["app://ui/trial/9f-2/", ["trial", "9f-2", ""]],
    ["app://ui/trial/9f-2/mask.png", ["trial", "9f-2", "mask.png"]],
  ])("%s is found by id", async (address, wanted) => {
    asked.length = 0;
    const answer = await get(address);
    expect(asked).toEqual([wanted]);
    expect(answer.headers.get("content-type")).toBe("image/jpeg");
    expect(new Uint8Array(await answer.arrayBuffer())).toEqual(bytes);
  });

  test("that do not exist are not there", async () => {
    expect((await get("app://ui/preview/404/96")).status).toBe(404);
    expect((await get("app://ui/preview/415/96")).status).toBe(415);
  });

  test("are never anything but pictures", async () => {
    expect((await get("app://ui/file/1/page.html")).status).toBe(415);
  });
});

describe("the page's policy", () => {
  const rules = new Map(
    contentSecurityPolicy(null)
      .split("; ")
      .map((rule) => [rule.split(" ")[0] ?? "", rule.split(" ").slice(1).join(" ")]),
  );
  test.each([
    ["default-src", "'none'"],
    ["script-src", "'self'"],
    ["style-src", "'self'"],
    ["img-src", "'self' blob:"],
    ["connect-src", "'none'"],
    ["base-uri", "'none'"],
    ["form-action", "'none'"],
    ["frame-ancestors", "'none'"],
    ["require-trusted-types-for", "'script'"],
  ])("%s is %s", (name, value) => {
    expect(rules.get(name)).toBe(value);
  });

  test("allows neither inline code nor evaluation nor any other host", () => {
    expect(contentSecurityPolicy(null)).not.toMatch(/unsafe|\*|https?:|data:/);
  });
});
