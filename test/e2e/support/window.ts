import { test as base, type Page } from "@playwright/test";
import { startSimulator, type Simulator } from "../../../electron/simulator/server.ts";
import type { SimulatorOptions } from "../../../electron/simulator/settings.ts";
import { openCaller, type Caller } from "./caller.ts";
import { startHost, type Host, type HostOptions } from "./host.ts";
import { makePlace, type Place } from "./place.ts";

export { expect } from "@playwright/test";

/** Console errors, refused content, page errors and failed requests of a page: none is right, unless it is expected. */
export interface Faults {
  readonly told: string[];
  /** These are part of what the test does. */
  expect(pattern: RegExp): void;
}

interface Fixtures {
  place: Place;
  faults: Faults;
  /** Starts `nightrun serve`; ended with the test. */
  serve: (options?: Partial<HostOptions>) => Promise<Host>;
  /** A deployment that the test controls, beside the built-in one. */
  simulate: (options?: SimulatorOptions) => Promise<Simulator>;
  /** Opens the window of a host at a place of it. */
  open: (host: Host, hash?: string, page?: Page) => Promise<Page>;
  callerOf: (host: Host) => Promise<Caller>;
}

/** What a browser says when it gives up a request because the page goes elsewhere. */
const GIVEN_UP = "net::ERR_ABORTED";

function watch(page: Page, told: string[]): void {
  page.on("console", (message) => {
    if (message.type() !== "error" && message.type() !== "warning") return;
    told.push(`console: ${message.text()} (${message.location().url})`);
  });
  page.on("pageerror", (error) => told.push(`page error: ${error.stack ?? error.message}`));
  page.on("requestfailed", (request) => {
    const why = request.failure()?.errorText ?? "";
    if (why !== GIVEN_UP) told.push(`request failed: ${new URL(request.url()).pathname} ${why}`);
  });
  page.on("response", (response) => {
    if (response.status() >= 400) told.push(`status ${response.status()}: ${response.url()}`);
  });
}

/** A test with a real engine behind a real page; any fault of the page fails it. */
export const test = base.extend<Fixtures>({
  // eslint-disable-next-line no-empty-pattern -- the runner reads the names from the pattern
  place: async ({}, use) => {
    const place = await makePlace();
    await use(place);
    await place.remove();
  },
  // Looks before the hosts are killed: what a page says of that is no fault of it.
  faults: async ({ context, serve }, use) => {
    void serve;
    const told: string[] = [];
    const expected: RegExp[] = [];
    context.on("page", (page) => watch(page, told));
    await use({ told, expect: (pattern) => void expected.push(pattern) });
    base.expect(told.filter((line) => !expected.some((pattern) => pattern.test(line)))).toEqual([]);
  },
  serve: async ({ place }, use) => {
    const hosts: Host[] = [];
    await use(async (options = {}) => {
      const host = await startHost({ dataFile: place.dataFile, home: place.home, ...options });
      hosts.push(host);
      return host;
    });
    await Promise.all(hosts.map((host) => host.kill()));
  },
  // eslint-disable-next-line no-empty-pattern -- the runner reads the names from the pattern
  simulate: async ({}, use) => {
    const running: Simulator[] = [];
    await use(async (options = {}) => {
      const simulator = await startSimulator(options);
      running.push(simulator);
      return simulator;
    });
    await Promise.all(running.map((simulator) => simulator.close()));
  },
  open: async ({ context, faults }, use) => {
    await use(async (host, hash = "", given) => {
      base.expect(faults.told).toEqual([]);
      const page = given ?? (await context.newPage());
      await page.goto(host.link);
      if (hash !== "") await page.goto(new URL(`/${hash}`, host.link).href);
      return page;
    });
  },
  // eslint-disable-next-line no-empty-pattern -- the runner reads the names from the pattern
  callerOf: async ({}, use) => use(openCaller),
});

/** The environment with which `nightrun serve` signs in to that simulator. */
export function signInTo(simulator: Simulator): Record<string, string> {
  return { IKOMIA_URL: simulator.tokenService, IKOMIA_TOKEN: simulator.token };
}
