import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createServer, getCACertificates } from "node:tls";
import { afterAll, describe, expect, it } from "vitest";
import { readTrust } from "../../electron/engine/deployment/certificates.ts";
import { proxyFor } from "../../electron/engine/deployment/proxy.ts";
import { describeFailure } from "../../electron/contract/describe-failure.ts";
import { createCertificates } from "./support/certificates.ts";
import { startProxy } from "./support/proxy.ts";
import { bodyOf, RUN_ID, startDeployment, startHttp } from "./support/rig.ts";
import { freePort, startRawServer, startWebServer, type WebServer } from "./support/servers.ts";

const certificates = createCertificates();
afterAll(() => certificates?.remove());
const openssl = describe.skipIf(certificates === null);

function get(url: string, env: NodeJS.ProcessEnv, connectTimeoutMs = 5000) {
  return startHttp(env).request({ method: "GET", url, headers: {}, headTimeoutMs: 5000, connectTimeoutMs });
}

function startSecure(kind: "good" | "wrongHost" | "expired"): Promise<WebServer> {
  return startWebServer((_seen, response) => response.end("hello"), certificates?.[kind]);
}

openssl("TLS", () => {
  it("is refused from an authority that nobody knows", async () => {
    const server = await startSecure("good");
    expect(await get(server.url, {})).toMatchObject({
      kind: "failure",
      bodySent: false,
      failure: { reason: "tls", host: `127.0.0.1:${server.port}`, code: "UNABLE_TO_VERIFY_LEAF_SIGNATURE" },
    });
    expect(server.seen).toHaveLength(0);
  });

  it.each(["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"])(
    "is accepted with the authority in %s",
    async (variable) => {
      const server = await startSecure("good");
      const reply = await get(server.url, { [variable]: certificates?.caFile });
      expect(reply).toMatchObject({ kind: "response", status: 200 });
    },
  );

  it("with an own authority still trusts the usual ones", () => {
    const { authorities } = readTrust({ NODE_EXTRA_CA_CERTS: certificates?.caFile });
    const own = readFileSync(certificates!.caFile, "utf8").trim();
    expect(authorities).toEqual([...getCACertificates("default"), own]);
    expect(authorities!.length).toBeGreaterThan(50);
    expect(readTrust({}).authorities).toBeUndefined();
  });

  it("takes every certificate of a bundle", async () => {
    const server = await startSecure("good");
    const bundle = join(certificates!.folder, "bundle.pem");
    writeFileSync(bundle, certificates!.wrongHost.cert + readFileSync(certificates!.caFile, "utf8"));
    expect(await get(server.url, { NODE_EXTRA_CA_CERTS: bundle })).toMatchObject({ kind: "response" });
  });

  it.each([
    ["wrongHost", "ERR_TLS_CERT_ALTNAME_INVALID"],
    ["expired", "CERT_HAS_EXPIRED"],
  ] as const)(
    "is refused with a certificate that does not hold (%s), own authority or not",
    async (kind, code) => {
      const server = await startSecure(kind);
      const reply = await get(server.url, { NODE_EXTRA_CA_CERTS: certificates?.caFile });
      expect(reply).toMatchObject({ kind: "failure", bodySent: false, failure: { reason: "tls", code } });
      expect(server.seen).toHaveLength(0);
    },
  );

  it("sends nothing of a picture to the wrong server", async () => {
    const server = await startSecure("wrongHost");
    const env = { NODE_EXTRA_CA_CERTS: certificates?.caFile };
    const deployment = await startDeployment(server.url, { env });
    const body = await bodyOf();
    expect(await deployment.submit(body, {})).toMatchObject({ kind: "not-sent", failure: { reason: "tls" } });
    expect([body.started(), server.seen.length]).toEqual([false, 0]);
  });

  it.each([
    ["missing.pem", "ENOENT"],
    ["garbage.pem", "it holds no certificates in PEM form"],
    ["empty.pem", "it holds no certificates in PEM form"],
  ])("names a file of authorities that cannot be used: %s", async (name, problem) => {
    const file = join(certificates!.folder, name);
    const content: Record<string, string> = {
      "garbage.pem": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
      "empty.pem": "",
    };
    if (content[name] !== undefined) writeFileSync(file, content[name]);
    const server = await startSecure("good");
    const reply = await get(server.url, { NODE_EXTRA_CA_CERTS: file });
    if (reply.kind !== "failure") throw new Error("accepted");
    expect(describeFailure(reply.failure).what).toContain(`NODE_EXTRA_CA_CERTS ${file} cannot be used: `);
    expect(describeFailure(reply.failure).what).toContain(problem);
  });

  it("is not mistaken for a dead server when the server speaks plain HTTP", async () => {
    const server = await startWebServer((_seen, response) => response.end());
    const reply = await get(server.url.replace("http:", "https:"), {});
    expect(reply).toMatchObject({ kind: "failure", failure: { reason: "tls" } });
  });

  it("never offers HTTP/2", async () => {
    const offered: string[] = [];
    const server = createServer({
      ...certificates!.good,
      ALPNCallback: ({ protocols }) => {
        offered.push(...protocols);
        return undefined;
      },
    });
    server.on("tlsClientError", () => undefined);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    await get(`https://127.0.0.1:${port}/`, { NODE_EXTRA_CA_CERTS: certificates?.caFile }, 1000);
    server.close();
    expect(offered).toEqual(["http/1.1"]);
  });
});

openssl("a proxy", () => {
  const env = (proxy: string, more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({
    NODE_EXTRA_CA_CERTS: certificates?.caFile,
    HTTPS_PROXY: proxy,
    ...more,
  });

  it("leads to the server, which is checked as without it", async () => {
    const server = await startSecure("good");
    const proxy = await startProxy({ port: server.port });
    const reply = await get("https://deployment.test/x", env(`http://${proxy.host}`));
    expect(reply).toMatchObject({ kind: "response", status: 200 });
    expect(server.seen[0]).toMatchObject({ path: "/x", headers: { host: "deployment.test" } });
    expect(proxy.asked).toEqual([{ target: "deployment.test:443", authorization: undefined }]);
  });

  it.each(["wrongHost", "expired"] as const)("does not soften the check (%s)", async (kind) => {
    const server = await startSecure(kind);
    const proxy = await startProxy({ port: server.port });
    const reply = await get("https://deployment.test/", env(proxy.host));
    expect(reply).toMatchObject({ kind: "failure", bodySent: false, failure: { reason: "tls" } });
    expect(server.seen).toHaveLength(0);
  });

  it("carries whole submissions", async () => {
    const server = await startWebServer((_seen, response) => response.end(`"${RUN_ID}"`), certificates?.good);
    const proxy = await startProxy({ port: server.port });
    const deployment = await startDeployment("https://deployment.test", { env: env(proxy.host) });
    const outcome = await deployment.submit(await bodyOf(Buffer.alloc(5_000_000, 1)), {});
    expect(outcome).toMatchObject({ kind: "accepted" });
    expect(server.seen[0]?.body.length).toBeGreaterThan(6_600_000);
  });

  it("gets its user name and password, and nobody else does", async () => {
    const server = await startSecure("good");
    const proxy = await startProxy({ port: server.port });
    const reply = await get("https://deployment.test:8443/", env(`http://night:p%40ss%2Fw%25@${proxy.host}`));
    expect(reply.kind).toBe("response");
    const expected = `Basic ${Buffer.from("night:p@ss/w%").toString("base64")}`;
    expect(proxy.asked).toEqual([{ target: "deployment.test:8443", authorization: expected }]);
    expect(server.seen[0]?.headers).not.toHaveProperty("proxy-authorization");
  });

  it("that wants a password is not mistaken for a dead server, and secrets stay out of the text", async () => {
    const proxy = await startProxy({ status: 407 });
    const reply = await get("https://deployment.test/", env(`http://night:SECRET@${proxy.host}`));
    expect(reply).toMatchObject({
      kind: "failure",
      bodySent: false,
      failure: {
        reason: "proxy",
        proxy: `http://${proxy.host}`,
        detail: "it wants a user name and password (407)",
      },
    });
    expect(JSON.stringify(reply)).not.toContain("SECRET");
  });

  it("that cannot reach the server says so", async () => {
    const proxy = await startProxy({ status: 503 });
    expect(await get("https://deployment.test/", env(proxy.host))).toMatchObject({
      failure: { reason: "proxy", detail: "it answers with status 503" },
    });
  });

  it("that does not run says so", async () => {
    const host = `127.0.0.1:${await freePort()}`;
    expect(await get("https://deployment.test/", env(host))).toMatchObject({
      failure: { reason: "proxy", proxy: `http://${host}`, detail: "it cannot be reached (ECONNREFUSED)" },
    });
  });

  it("that does not answer is given up in time", async () => {
    const mute = await startRawServer({});
    const reply = await get("https://deployment.test/", env(`127.0.0.1:${mute.port}`), 300);
    expect(reply).toMatchObject({ kind: "failure", failure: { reason: "timed-out", phase: "connect" } });
  });

  it("that opens the way after the request was given up, opens it for nothing", async () => {
    const server = await startSecure("good");
    const proxy = await startProxy({ port: server.port, hold: true });
    const reply = await get("https://deployment.test/", env(proxy.host), 300);
    expect(reply).toMatchObject({ kind: "failure", bodySent: false, failure: { phase: "connect" } });
    await proxy.open();
    expect(server.seen).toHaveLength(0);
  });

  it("that drops the connection does not make the request go round for ever", async () => {
    const rude = await startRawServer({ onEnd: ({ socket }) => socket.destroy() });
    const reply = await get("https://deployment.test/", env(`127.0.0.1:${rude.port}`));
    expect(reply).toMatchObject({ kind: "failure", failure: { reason: "proxy" } });
    expect(rude.requests).toHaveLength(1);
  });

  it("of a kind that is not known says so", async () => {
    expect(await get("https://deployment.test/", env("socks5://u:SECRET@127.0.0.1:1080"))).toMatchObject({
      failure: {
        reason: "proxy",
        proxy: "socks5://127.0.0.1:1080",
        detail: "only http and https proxies are known",
      },
    });
  });

  it("is never asked for this machine", async () => {
    const server = await startWebServer((_seen, response) => response.end());
    const proxy = await startProxy({ port: server.port });
    const both = { HTTP_PROXY: proxy.host, HTTPS_PROXY: proxy.host };
    expect(await get(server.url, both)).toMatchObject({ kind: "response" });
    expect(await get(`http://localhost:${server.port}/`, both)).toMatchObject({ kind: "response" });
    expect(proxy.asked).toEqual([]);
  });
});

describe("which proxy", () => {
  const via = (url: string, env: NodeJS.ProcessEnv): string | null =>
    proxyFor(new URL(url), env)?.label ?? null;

  it.each<[string, NodeJS.ProcessEnv, string | null]>([
    ["https://a.test", {}, null],
    ["https://a.test", { HTTPS_PROXY: "" }, null],
    ["https://a.test", { HTTPS_PROXY: "http://p:3128" }, "http://p:3128"],
    ["https://a.test", { https_proxy: "p:3128" }, "http://p:3128"],
    ["https://a.test", { Https_Proxy: "https://u:x@p:3129" }, "https://p:3129"],
    ["https://a.test", { https_proxy: "http://low", HTTPS_PROXY: "http://high" }, "http://low"],
    ["https://a.test", { HTTP_PROXY: "http://p:3128" }, null],
    ["http://a.test", { HTTP_PROXY: "http://p:3128" }, "http://p:3128"],
  ])("to %s with %j: %s", (url, env, expected) => {
    expect(via(url, env)).toBe(expected);
  });

  it.each<[string, string, boolean]>([
    ["https://a.test", "*", true],
    ["https://a.test", "a.test", true],
    ["https://a.test", "A.TEST", true],
    ["https://x.a.test", "a.test", true],
    ["https://x.a.test", ".a.test", true],
    ["https://x.a.test", "*.a.test", true],
    ["https://xa.test", "a.test", false],
    ["https://a.test", "b.test, a.test", true],
    ["https://a.test", "b.test a.test", true],
    ["https://a.test", "a.test:443", true],
    ["https://a.test:8443", "a.test:443", false],
    ["https://a.test:8443", "a.test:8443", true],
    ["https://10.1.2.3", "10.0.0.0/8", true],
    ["https://11.1.2.3", "10.0.0.0/8", false],
    ["https://10.1.2.3", "10.1.2.3", true],
    ["https://10.1.2.3", "2.3", false],
    ["https://10.1.2.3", "10.0.0.0/99", false],
    ["https://[fd00::5]", "fd00::/8", true],
    ["https://[fd00::5]", "[fd00::5]", true],
    ["https://[fd00::5]:8443", "[fd00::5]:443", false],
    ["https://a.test", "", false],
    ["https://a.test", ",", false],
  ])("to %s with NO_PROXY=%j: exempt %s", (url, noProxy, exempt) => {
    expect(via(url, { HTTPS_PROXY: "p:1", NO_PROXY: noProxy })).toBe(exempt ? null : "http://p:1");
  });
});
