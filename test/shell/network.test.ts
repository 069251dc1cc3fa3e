import tls from "node:tls";
import { describe, expect, test } from "vitest";
import {
  createProxyFinder,
  namesProxy,
  readProxyAnswer,
  trustSystemCertificates,
} from "../../electron/shell/network.ts";

describe("the system's proxy", () => {
  test.each([
    ["DIRECT", null],
    ["PROXY cache.example:3128", "http://cache.example:3128"],
    ["PROXY cache.example:3128; DIRECT", "http://cache.example:3128"],
    ["HTTPS cache.example:443; PROXY other:80", "https://cache.example"],
    ["SOCKS5 cache.example:1080; PROXY cache.example:3128", "http://cache.example:3128"],
    ["SOCKS cache.example:1080", null],
    ["DIRECT; PROXY cache.example:3128", null],
    ["PROXY [fd00::1]:3128", "http://[fd00::1]:3128"],
    ["PROXY", null],
    ["PROXY :", null],
    ["", null],
    ["quatsch", null],
  ])("%j is %s", (answer, expected) => {
    expect(readProxyAnswer(answer)).toBe(expected);
  });

  test.each([
    [{}, false],
    [{ HTTPS_PROXY: "http://a" }, true],
    [{ https_proxy: "http://a" }, true],
    [{ HTTP_PROXY: "http://a" }, true],
    [{ HTTPS_PROXY: " " }, false],
    [{ NO_PROXY: "*" }, false],
  ])("is not asked for when %o names one: %s", (env, expected) => {
    expect(namesProxy(env)).toBe(expected);
  });

  test("is found for each deployment, and again after waking up", async () => {
    let answer = "PROXY office:3128";
    const asked: string[] = [];
    const finder = createProxyFinder({ NO_PROXY: "internal" }, async (address) => {
      asked.push(address);
      return answer;
    });
    const office = await finder.environmentFor("https://a.example");
    expect(office).toEqual({ NO_PROXY: "internal", HTTPS_PROXY: "http://office:3128" });
    expect(await finder.environmentFor("https://a.example")).toBe(office);
    answer = "DIRECT";
    await finder.refresh();
    // The very same object: connections read it anew.
    expect(office).toEqual({ NO_PROXY: "internal" });
    expect(asked).toEqual(["https://a.example", "https://a.example"]);
  });

  test("never replaces one that the environment names, and its loss is no failure", async () => {
    const env = { HTTPS_PROXY: "http://mine:1" };
    const finder = createProxyFinder(env, () => Promise.reject(new Error("Nobody is to be asked")));
    expect(await finder.environmentFor("https://a.example")).toBe(env);
    const broken = createProxyFinder({}, () => Promise.reject(new Error("no answer")));
    expect(await broken.environmentFor("https://a.example")).toEqual({});
  });
});

describe("the system's certificates", () => {
  test("are added to the usual ones, each once", () => {
    const set: (readonly string[])[] = [];
    const added = trustSystemCertificates({
      getCACertificates: (type) => (type === "default" ? ["usual", "both"] : ["both", "company"]),
      setDefaultCACertificates: (all) => void set.push(all),
    });
    expect(added).toBe(1);
    expect(set).toEqual([["usual", "both", "company"]]);
  });

  test("never replace the usual ones, and their lack is no failure", () => {
    const fails = (): never => {
      throw new Error("Nothing may be set");
    };
    const given = { setDefaultCACertificates: fails };
    expect(trustSystemCertificates({ ...given, getCACertificates: () => [] })).toBe(0);
    expect(trustSystemCertificates({ ...given, getCACertificates: () => ["same"] })).toBe(0);
    expect(trustSystemCertificates({ ...given, getCACertificates: fails })).toBe(0);
    expect(trustSystemCertificates({})).toBe(0);
  });

  test("are asked for by names that Node has", () => {
    expect(tls.getCACertificates("system")).toBeInstanceOf(Array);
    expect(tls.setDefaultCACertificates).toBeInstanceOf(Function);
  });

  test("count also where a company's own file is added later", () => {
    const before = tls.getCACertificates("default");
    const [first = ""] = before;
    try {
      tls.setDefaultCACertificates([first]);
      // The engine starts from this list when it adds the files of the environment.
      expect(tls.getCACertificates("default")).toHaveLength(1);
    } finally {
      tls.setDefaultCACertificates(before);
    }
  });
});
