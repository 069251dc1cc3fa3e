import http from "node:http";
import https from "node:https";
import { BlockList, isIP, isIPv4, type Socket } from "node:net";
import type { SecureContext } from "node:tls";
import { errorCode, ProxyTrouble } from "./net-failure.ts";
import { isLoopback } from "./url.ts";

export interface Proxy {
  url: URL;
  /** Without credentials, for people. */
  label: string;
}

/** Which proxy leads to `target` according to HTTPS_PROXY, HTTP_PROXY and NO_PROXY, in any case; null = none. */
export function proxyFor(target: URL, env: NodeJS.ProcessEnv): Proxy | null {
  if (isLoopback(target.hostname)) return null;
  const setting = variable(env, target.protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY");
  if (setting === "" || isExempt(target, variable(env, "NO_PROXY"))) return null;
  const url = URL.parse(setting.includes("://") ? setting : `http://${setting}`);
  if (url === null) throw new ProxyTrouble(withoutCredentials(setting), "its address is not a URL");
  const label = `${url.protocol}//${url.host}`;
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new ProxyTrouble(label, "only http and https proxies are known");
  }
  return { url, label };
}

/** Opens a way through the proxy to `host:port` with CONNECT. Rejects with `ProxyTrouble`. */
export function openTunnel(
  proxy: Proxy,
  target: string,
  options: {
    timeoutMs: number;
    userAgent: string;
    secureContext: SecureContext | undefined;
    signal: AbortSignal;
  },
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const request = (proxy.url.protocol === "https:" ? https : http).request({
      method: "CONNECT",
      host: proxy.url.hostname.replace(/^\[|\]$/g, ""),
      port: proxy.url.port === "" ? undefined : Number(proxy.url.port),
      path: target,
      headers: { host: target, "user-agent": options.userAgent, ...authorization(proxy.url) },
      agent: false,
      signal: options.signal,
      ...(options.secureContext === undefined ? {} : { secureContext: options.secureContext }),
    });
    const refuse = (detail: string): void => {
      clearTimeout(timer);
      reject(new ProxyTrouble(proxy.label, detail));
      request.destroy();
    };
    const timer = setTimeout(() => refuse("it did not answer in time"), options.timeoutMs);
    request.on("connect", (response, socket, head) => {
      const status = response.statusCode ?? 0;
      if (status < 200 || status > 299) {
        socket.on("error", () => undefined).destroy();
        refuse(
          status === 407 ? "it wants a user name and password (407)" : `it answers with status ${status}`,
        );
        return;
      }
      clearTimeout(timer);
      if (head.length > 0) socket.unshift(head);
      resolve(socket);
    });
    request.on("response", (response) => refuse(`it answers with status ${response.statusCode ?? 0}`));
    request.on("error", (error) => refuse(`it cannot be reached (${errorCode(error)})`));
    request.end();
  });
}

function variable(env: NodeJS.ProcessEnv, name: string): string {
  const wanted = name.toLowerCase();
  // The lower-case form goes first, as with curl.
  const exact = env[wanted]?.trim() ?? "";
  if (exact !== "") return exact;
  const key = Object.keys(env).find(
    (candidate) => candidate.toLowerCase() === wanted && env[candidate] !== "",
  );
  return key === undefined ? "" : (env[key]?.trim() ?? "");
}

/** NO_PROXY: `*`, names (with their sub-domains), `name:port`, addresses and address ranges, comma-separated. */
function isExempt(target: URL, noProxy: string): boolean {
  const host = target.hostname.replace(/^\[|\]$/g, "").toLowerCase();
  const port = target.port === "" ? (target.protocol === "https:" ? "443" : "80") : target.port;
  return noProxy
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== "")
    .some((entry) => entry === "*" || matchesRange(host, entry) || matchesName(host, port, entry));
}

function matchesName(host: string, port: string, entry: string): boolean {
  const [, name = entry, entryPort] = /^(?:\[(?:[^\]]+)\]|[^:]+):(\d+)$/.test(entry)
    ? (/^\[?([^\]]+?)\]?:(\d+)$/.exec(entry) ?? [])
    : [entry, entry.replace(/^\[|\]$/g, "")];
  if (entryPort !== undefined && entryPort !== port) return false;
  const bare = name.replace(/^\*?\./, "");
  return host === bare || (isIP(host) === 0 && bare !== "" && host.endsWith(`.${bare}`));
}

function matchesRange(host: string, entry: string): boolean {
  const [network = "", bits = ""] = entry.split("/");
  if (isIP(host) === 0 || isIP(network) !== isIP(host) || !/^\d{1,3}$/.test(bits)) return false;
  const family = isIPv4(host) ? "ipv4" : "ipv6";
  if (Number(bits) > (family === "ipv4" ? 32 : 128)) return false;
  const range = new BlockList();
  range.addSubnet(network, Number(bits), family);
  return range.check(host, family);
}

function authorization(url: URL): Record<string, string> {
  if (url.username === "" && url.password === "") return {};
  const pair = `${decoded(url.username)}:${decoded(url.password)}`;
  return { "proxy-authorization": `Basic ${Buffer.from(pair).toString("base64")}` };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a bare % in a password is meant as it stands
  }
}

function withoutCredentials(setting: string): string {
  return setting.replace(/^([a-z][a-z0-9+.-]*:\/*)?.*@/is, "$1");
}
