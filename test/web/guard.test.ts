import { connect } from "node:net";
import { symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { SAFE_HEADERS } from "../../electron/web/headers.ts";
import { createSession } from "../../electron/web/session.ts";
import { ask, openStand, type WindowStand } from "./window-stand.ts";

const CALL = { "x-nightrun": "1", "content-type": "application/json" };

async function statusOf(
  stand: WindowStand,
  headers: Record<string, string>,
  method = "POST",
): Promise<number> {
  const withCookie = { cookie: await stand.cookie(), ...headers };
  const body = method === "POST" ? "{}" : undefined;
  const answer = await ask(stand.server.port, "/api/call/app:state", {
    method,
    headers: withCookie,
    ...(body === undefined ? {} : { body }),
  });
  return answer.status;
}

test("only the addresses of this machine are answered to, whatever else resolves here", async () => {
  const stand = await openStand();
  const { port } = stand.server;
  for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`, `LOCALHOST:${port}`])
    expect(await statusOf(stand, { ...CALL, host }), host).toBe(200);
  const foreign = ["127.0.0.1", "localhost", "evil.example", `evil.example:${port}`, `127.0.0.1:${port + 1}`];
  for (const host of [...foreign, `localhost.:${port}`, `127.0.0.1:${port}.evil.example`, `0.0.0.0:${port}`])
    expect(await statusOf(stand, { ...CALL, host }), host).toBe(421);
});

test("a request without a host, or with two, is refused", async () => {
  const stand = await openStand();
  const { port } = stand.server;
  const cookie = await stand.cookie();
  const own = `Host: 127.0.0.1:${port}\r\n`;
  const raw = (hosts: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect(port, "127.0.0.1", () => {
        socket.write(`GET / HTTP/1.1\r\n${hosts}Cookie: ${cookie}\r\nConnection: close\r\n\r\n`);
      });
      let text = "";
      socket.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      socket.on("error", reject).on("close", () => resolve(text.split("\r\n")[0] ?? ""));
    });
  expect(await raw(own)).toContain("200");
  expect(await raw("")).toContain("400");
  expect(await raw(`${own}Host: evil.example\r\n`)).toMatch(/400|421/);
});

test("other pages are refused by origin and by what the browser says of them", async () => {
  const stand = await openStand();
  const { port } = stand.server;
  const own = `http://127.0.0.1:${port}`;
  expect(await statusOf(stand, { ...CALL, origin: own, "sec-fetch-site": "same-origin" })).toBe(200);
  expect(await statusOf(stand, CALL)).toBe(200);
  for (const origin of [
    "null",
    "https://evil.example",
    `https://127.0.0.1:${port}`,
    `http://localhost:${port}`,
    "http://127.0.0.1",
  ])
    expect(await statusOf(stand, { ...CALL, origin }), origin).toBe(403);
  for (const site of ["cross-site", "same-site", "odd"])
    expect(await statusOf(stand, { ...CALL, "sec-fetch-site": site }), site).toBe(403);
});

test("a call needs the cookie, the header and JSON", async () => {
  const stand = await openStand();
  const cookie = await stand.cookie();
  expect(await statusOf(stand, { ...CALL, cookie: "" })).toBe(401);
  expect(await statusOf(stand, { ...CALL, cookie: `${cookie}x` })).toBe(401);
  expect(await statusOf(stand, { ...CALL, cookie: `other=1; ${cookie}` })).toBe(200);
  expect(await statusOf(stand, { "content-type": "application/json" })).toBe(403);
  expect(await statusOf(stand, { "x-nightrun": "1", "content-type": "text/plain" })).toBe(415);
  expect(await statusOf(stand, { "x-nightrun": "1", "content-type": "multipart/form-data" })).toBe(415);
  expect(await statusOf(stand, CALL, "GET")).toBe(405);
});

test("no method but the page's own is answered, and nobody is told that other pages may ask", async () => {
  const stand = await openStand();
  for (const method of ["OPTIONS", "PUT", "DELETE", "PATCH", "TRACE"]) {
    for (const path of ["/", "/api/call/app:state", "/api/events"]) {
      const answer = await ask(stand.server.port, path, {
        method,
        headers: { cookie: await stand.cookie(), origin: `http://127.0.0.1:${stand.server.port}` },
      });
      expect(answer.status, `${method} ${path}`).toBe(405);
      expect(Object.keys(answer.headers).filter((name) => name.startsWith("access-control"))).toEqual([]);
    }
  }
});

test("everything behind the link is refused without the cookie", async () => {
  const stand = await openStand();
  for (const path of [
    "/",
    "/index.html",
    "/assets/page-1.js",
    "/api/events",
    "/preview/1/96",
    "/file/1/.a.png",
    "/trial/x/y",
  ])
    expect((await ask(stand.server.port, path)).status, path).toBe(401);
});

test("the link is exchanged for a cookie that scripts and other sites cannot use, and leaves the address", async () => {
  const stand = await openStand();
  const { port, link } = stand.server;
  const answer = await ask(port, link.slice(link.indexOf("/?")));
  expect(answer.status).toBe(303);
  expect(answer.headers.location).toBe("/");
  const [cookie = ""] = answer.headers["set-cookie"] ?? [];
  expect(cookie).toMatch(/^nightrun-\d+=[\w-]{43}; HttpOnly; SameSite=Strict; Path=\/$/);
  const token = new URL(link).searchParams.get("token") ?? "";
  expect(cookie).not.toContain(token);
  for (const wrong of ["", "x", token.slice(1), `${token}x`, token.toLowerCase(), "%00"])
    expect((await ask(port, `/?token=${wrong}`)).status, wrong).toBe(401);
});

test("a link for another program opens the page once, and not after a minute", () => {
  let now = 0;
  const session = createSession(() => now);
  const first = session.onceToken();
  expect([session.accepts(first), session.accepts(first), session.accepts(session.token)]).toEqual([
    true,
    false,
    true,
  ]);
  const second = session.onceToken();
  now = 61_000;
  expect(session.accepts(second)).toBe(false);
  expect(session.accepts(session.token)).toBe(true);
});

test("every answer carries the page's policy", async () => {
  const stand = await openStand();
  for (const path of ["/", "/nothing", "/api/events?", "/preview/1/96"]) {
    const { headers } = await ask(stand.server.port, path, { headers: { host: "evil.example" } });
    expect(headers).toMatchObject(SAFE_HEADERS);
  }
  const page = await stand.get("/");
  expect(page.headers["content-security-policy"]).toBe(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  );
  expect(page.headers).toMatchObject(SAFE_HEADERS);
});

test("only the built page's own files are served, however their address is written", async () => {
  const stand = await openStand();
  await writeFile(join(stand.base, "outside.js"), "secret");
  await symlink(join(stand.base, "outside.js"), join(stand.base, "page", "linked.js"));
  expect((await stand.get("/assets/page-1.js")).headers["content-type"]).toContain("text/javascript");
  const tries = [
    "/../outside.js",
    "/assets/../../outside.js",
    "/%2e%2e/outside.js",
    "/..%2foutside.js",
    "/assets/..%5c..%5coutside.js",
    "//etc/passwd",
    "/secret.txt",
    "/linked.js",
    "/assets",
    "/index.html%00.js",
    "/__proto__",
  ];
  for (const path of tries) expect((await stand.get(path)).status, path).toBe(404);
});

test("addresses of pictures lead nowhere but to pictures", async () => {
  const stand = await openStand();
  const tries = [
    "/preview/1/97",
    "/preview/-1/96",
    "/preview/1e3/96",
    "/preview/../96",
    "/preview/1/96/..",
    "/preview/99999999999999999999/96",
    "/file/1/..%2f..%2fdata%2fnightrun.db",
    "/file/1/%2e%2e%2fx",
    "/file/1/%",
    "/file/1/",
    "/trial/00000000-0000-0000-0000-000000000000/",
    "/trial/../../x",
  ];
  for (const path of tries) expect((await stand.get(path)).status, path).toBe(404);
  expect(stand.problems).toEqual([]);
});

test("the server listens on this machine only", async () => {
  const stand = await openStand();
  expect(new URL(stand.server.link).hostname).toBe("127.0.0.1");
  const refused = await new Promise((resolve) => {
    const socket = connect(stand.server.port, "::1", () => resolve("connected"));
    socket.on("error", () => resolve("refused"));
  });
  expect(refused).toBe("refused");
});
