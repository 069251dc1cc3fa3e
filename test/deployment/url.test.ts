import { describe, expect, it } from "vitest";
import { isLoopback, parseDeploymentUrl } from "../../electron/engine/deployment/url.ts";

describe("a deployment URL", () => {
  it.each([
    ["https://demo.ikomia.ai", "https://demo.ikomia.ai"],
    ["https://demo.ikomia.ai/", "https://demo.ikomia.ai"],
    ["  https://demo.ikomia.ai  ", "https://demo.ikomia.ai"],
    ["HTTPS://Demo.IKOMIA.ai", "https://demo.ikomia.ai"],
    ["https://demo.ikomia.ai:443/", "https://demo.ikomia.ai"],
    ["https://demo.ikomia.ai:8443", "https://demo.ikomia.ai:8443"],
    ["https://demo.ikomia.ai/team/Flow/", "https://demo.ikomia.ai/team/Flow"],
    ["https://demo.ikomia.ai/team///", "https://demo.ikomia.ai/team"],
    ["https://demo.ikomia.ai/a/../b", "https://demo.ikomia.ai/b"],
    ["https://bücher.example", "https://xn--bcher-kva.example"],
    ["https://192.168.1.10", "https://192.168.1.10"],
    ["http://localhost:4000", "http://localhost:4000"],
    ["http://LOCALHOST", "http://localhost"],
    ["http://127.0.0.1:80", "http://127.0.0.1"],
    ["http://127.9.8.7:4000/x", "http://127.9.8.7:4000/x"],
    ["http://127.1:4000", "http://127.0.0.1:4000"],
    ["http://[::1]:4000", "http://[::1]:4000"],
  ])("%j is taken as %s", (text, canonical) => {
    expect(parseDeploymentUrl(text)).toEqual({ ok: true, value: canonical });
  });

  it.each([
    ["", "empty"],
    ["   ", "empty"],
    ["demo.ikomia.ai", "https://"],
    ["localhost:4000", "https://"],
    ["ftp://demo.ikomia.ai", "https://"],
    ["file:///etc/passwd", "https://"],
    ["https:demo.ikomia.ai", "https://"],
    ["https://", "not valid"],
    ["https://demo.ikomia.ai:99999", "not valid"],
    ["https://de mo.ikomia.ai", "space"],
    ["https://demo.ikomia.ai\\x", "backslash"],
    ["https://demo.iko\nmia.ai", "control character"],
    ["https://user:SECRET@demo.ikomia.ai", "password"],
    ["https://SECRET@demo.ikomia.ai", "password"],
    ["https://@demo.ikomia.ai", "password"],
    ["https://demo.ikomia.ai/?token=SECRET", "query"],
    ["https://demo.ikomia.ai?", "query"],
    ["https://demo.ikomia.ai/#SECRET", "fragment"],
    ["https://us/er:SECRET@demo.ikomia.ai/?x", "query"],
    ["https://user:SECRET?SECRET@demo.ikomia.ai", "query"],
  ])("%j is not usable, in words that name the problem", (text, word) => {
    const result = parseDeploymentUrl(text);
    if (result.ok || result.failure.reason !== "invalid-url") throw new Error(JSON.stringify(result));
    expect(result.failure.problem).toContain(word);
    expect(JSON.stringify(result)).not.toContain("SECRET");
  });

  it.each([
    "http://demo.ikomia.ai",
    "http://128.0.0.1",
    "http://127.0.0.1.evil.example",
    "http://localhost.evil.example",
    "http://[::ffff:127.0.0.1]",
    "http://0.0.0.0",
    "http://10.0.0.1",
  ])("%s would send pictures and tokens in the open", (text) => {
    expect(parseDeploymentUrl(text)).toEqual({ ok: false, failure: { reason: "insecure-url", url: text } });
  });

  it("does not repeat endless text", () => {
    const result = parseDeploymentUrl(`gopher://${"x".repeat(10_000)}`);
    expect(JSON.stringify(result).length).toBeLessThan(400);
  });
});

describe("this machine", () => {
  it.each([
    ["localhost", true],
    ["127.0.0.1", true],
    ["127.255.255.254", true],
    ["[::1]", true],
    ["example.com", false],
    ["127.example.com", false],
    ["[::2]", false],
  ])("%s: %s", (host, expected) => {
    expect(isLoopback(host)).toBe(expected);
  });
});
