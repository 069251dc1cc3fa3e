/** The parts of `node:tls` that are needed; not every Electron has both. */
export interface CertificateStore {
  getCACertificates?: (type: "default" | "system") => string[];
  setDefaultCACertificates?: (certificates: readonly string[]) => void;
}

/**
 * Trusts the system's certificate authorities beside Node's own, for all connections that are opened later. In code,
 * because the usual flags and variables are switched off in the packaged program. Gives how many were added.
 */
export function trustSystemCertificates(tls: CertificateStore): number {
  try {
    const usual = tls.getCACertificates?.("default") ?? [];
    const known = new Set(usual);
    const added = (tls.getCACertificates?.("system") ?? []).filter((certificate) => !known.has(certificate));
    // With nothing to start from, setting would replace Node's own list.
    if (usual.length === 0 || added.length === 0 || tls.setDefaultCACertificates === undefined) return 0;
    tls.setDefaultCACertificates([...usual, ...added]);
    return added.length;
  } catch {
    return 0; // Node's own authorities stay, and a company's may still come from NODE_EXTRA_CA_CERTS.
  }
}

/**
 * The first usable proxy of Chromium's answer, for example `PROXY cache:3128; DIRECT`, as a URL; null = go directly.
 * SOCKS is none that the engine can use.
 */
export function readProxyAnswer(answer: string): string | null {
  for (const entry of answer.split(";")) {
    const [, kind = "", place = ""] = /^\s*([A-Za-z0-9]+)(?:\s+(\S+))?\s*$/.exec(entry) ?? [];
    const scheme = { PROXY: "http", HTTP: "http", HTTPS: "https" }[kind.toUpperCase()];
    if (kind.toUpperCase() === "DIRECT") return null;
    const url = scheme === undefined ? null : URL.parse(`${scheme}://${place}`);
    if (url !== null && url.host !== "") return `${url.protocol}//${url.host}`;
  }
  return null;
}

/** Whether a person has named a proxy for programs: then the system's settings are not asked. */
export function namesProxy(env: NodeJS.ProcessEnv): boolean {
  return Object.entries(env).some(
    ([name, value]) => /^https?_proxy$/i.test(name) && value !== undefined && value.trim() !== "",
  );
}

/** The environments of deployments, each with the proxy that the system has for it now. */
export interface ProxyFinder {
  /** The object stays the same for one address; its proxy is brought up to date by `refresh`. */
  environmentFor(address: string): Promise<NodeJS.ProcessEnv>;
  /** After waking up, or on another network. */
  refresh(): Promise<void>;
}

export function createProxyFinder(
  env: NodeJS.ProcessEnv,
  resolveProxy: (address: string) => Promise<string>,
): ProxyFinder {
  const environments = new Map<string, NodeJS.ProcessEnv>();

  async function bring(address: string, environment: NodeJS.ProcessEnv): Promise<void> {
    // A system that cannot tell is one without a proxy.
    const proxy = readProxyAnswer(await resolveProxy(address).catch(() => "DIRECT"));
    if (proxy === null) delete environment.HTTPS_PROXY;
    else environment.HTTPS_PROXY = proxy;
  }

  return {
    async environmentFor(address) {
      if (namesProxy(env)) return env;
      const known = environments.get(address);
      if (known !== undefined) return known;
      const environment = { ...env };
      environments.set(address, environment);
      await bring(address, environment);
      return environment;
    },
    async refresh() {
      await Promise.all([...environments].map(([address, environment]) => bring(address, environment)));
    },
  };
}
