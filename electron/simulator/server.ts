import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createControl, type SimulatorControl } from "./control.ts";
import { answer, createRouter } from "./router.ts";
import type { SimulatorOptions } from "./settings.ts";
import { createSimulation } from "./simulation.ts";

/** A running simulator. */
export interface Simulator {
  /** The deployment URL, without a slash at the end. */
  url: string;
  /** Base URL of its token service: what `IKOMIA_URL` is for the real one. */
  tokenService: string;
  /** The API token it accepts at start. */
  token: string;
  control: SimulatorControl;
  /** Cuts all connections and stops; runs stay in the state file, if there is one. */
  close(): Promise<void>;
}

function listen(server: Server, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () =>
      resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    );
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

/** Starts a simulated deployment on 127.0.0.1 in this process; resolves when it answers. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const simulation = createSimulation(options);
  const control = createControl(simulation, (settings) => (server.keepAliveTimeout = settings.keepAliveMs));
  const route = createRouter(simulation, control);
  const server = createServer((request, response) => void answer(route, request, response));
  // A 60 MB upload over a slow line takes longer than Node's five minutes.
  server.requestTimeout = 0;
  server.keepAliveTimeout = simulation.settings().keepAliveMs;
  await simulation.book.restore();
  const url = await listen(server, options.port ?? 0);
  return {
    url,
    tokenService: url,
    token: simulation.settings().token,
    control,
    close() {
      simulation.book.close();
      return close(server);
    },
  };
}
