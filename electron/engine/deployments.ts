import type { Failure } from "../contract/failure.ts";
import { succeed, type Result } from "../contract/result.ts";
import type { Clock } from "./clock.ts";
import { createDeployment, type Deployment } from "./deployment/client.ts";
import { createHttp } from "./deployment/http.ts";

/** Where a deployment is and how one signs in there. */
export interface Address {
  /** Canonical, see `parseDeploymentUrl`. */
  url: string;
  tokenService: string;
  /** Read at every sign-in, so that a new token counts at once. */
  apiToken: () => string | null;
  /** For proxies and certificates on the way there, read at every connection. @default the engine's own */
  env?: NodeJS.ProcessEnv;
}

/** Finds a deployment by the word or URL that settings hold; for the simulator it may have to start one. */
export type Resolve = (address: string) => Promise<Result<Address>>;

/** The deployments in use, one client each: they share a JWT and a connection pool between batches. */
export interface Deployments {
  connect(address: string): Promise<Result<Deployment>>;
  /** Only one that was connected before. */
  get(address: string): Deployment | null;
  close(): Promise<void>;
}

export interface DeploymentsOptions {
  resolve: Resolve;
  env: NodeJS.ProcessEnv;
  clock: Clock;
  userAgent: string;
}

/** Connections to one origin: more than the most runs that a person would have outstanding, polls included. */
const CONNECTIONS = 64;

export function createDeployments(options: DeploymentsOptions): Deployments {
  const connected = new Map<string, Deployment>();
  const connecting = new Map<string, Promise<Result<Deployment>>>();

  async function connectOnce(address: string): Promise<Result<Deployment, Failure>> {
    const resolved = await options.resolve(address);
    if (!resolved.ok) return resolved;
    const { env = options.env, ...found } = resolved.value;
    const http = createHttp({ env, connections: CONNECTIONS, userAgent: options.userAgent });
    const deployment = createDeployment({ ...found, http, clock: options.clock });
    connected.set(address, deployment);
    return succeed(deployment);
  }

  return {
    async connect(address) {
      const known = connected.get(address);
      if (known !== undefined) return succeed(known);
      let pending = connecting.get(address);
      if (pending === undefined) {
        pending = connectOnce(address).finally(() => connecting.delete(address));
        connecting.set(address, pending);
      }
      return pending;
    },
    get: (address) => connected.get(address) ?? null,
    close: async () => {
      await Promise.all([...connected.values()].map((deployment) => deployment.close()));
    },
  };
}
