import { SIMULATOR } from "../contract/batch.ts";
import type { Failure } from "../contract/failure.ts";
import { succeed, type Result } from "../contract/result.ts";
import { createFinder } from "../cli/open.ts";
import { openWriterControl } from "../cli/writer-control.ts";
import { systemClock } from "../engine/clock.ts";
import { openEngine, ownPlaces, type Engine } from "../engine/engine.ts";
import { openWindowService, type WindowHost, type WindowService } from "../engine/handlers/service.ts";
import type { ProxyFinder } from "./network.ts";

export interface EngineHostOptions {
  dataFile: string;
  env: NodeJS.ProcessEnv;
  host: WindowHost;
  apiToken: (deployment: string) => string | null;
  /** All tokens that are known, to keep them out of the log. */
  secrets: () => readonly string[];
  proxies: ProxyFinder;
  isBatteryLow: () => boolean;
  onProblem: (failure: Failure) => void;
}

/** The engine of the desktop and its side for windows. */
export interface EngineHost {
  readonly service: WindowService;
  /** null = another Nightrun writes the data file, this one only looks. */
  readonly engine: Engine | null;
  /** Submits nothing more, collects up to the deadline, closes everything. Safe to call twice. */
  close(deadlineMs: number): Promise<void>;
}

/** Opens the data file; where another Nightrun writes it already, the window only looks. */
export async function openEngineHost(options: EngineHostOptions): Promise<Result<EngineHost, Failure>> {
  const hooks: { service: WindowService | null } = { service: null };
  const { dataFile, env } = options;
  const finder = createFinder({ env, simulatorState: `${dataFile}.simulator`, simulatorArgs: [] });
  const opened = await openWriter(options, finder, hooks);
  if (!opened.ok && opened.failure.reason !== "data-file-in-use") return opened;
  const engine = opened.ok ? opened.value : null;
  const service = await openWindowService({
    engine,
    dataFile,
    host: options.host,
    clock: systemClock,
    random: Math.random,
    onProblem: options.onProblem,
  });
  if (!service.ok) {
    await engine?.close(0);
    return service;
  }
  hooks.service = service.value;
  const control =
    engine === null ? null : await openWriterControl(engine, ownPlaces(engine.dataFile).control);
  let closing: Promise<void> | null = null;
  return succeed({
    service: service.value,
    engine,
    close: (deadlineMs) =>
      (closing ??= (async () => {
        await control?.close();
        await engine?.close(deadlineMs);
        await service.value.close();
        await finder.stop();
      })()),
  });
}

function openWriter(
  options: EngineHostOptions,
  finder: ReturnType<typeof createFinder>,
  hooks: { service: WindowService | null },
): ReturnType<typeof openEngine> {
  return openEngine({
    dataFile: options.dataFile,
    clock: systemClock,
    random: Math.random,
    env: options.env,
    version: options.host.version,
    resolve: async (address) => {
      const found = await finder.resolve(address);
      if (!found.ok || address === SIMULATOR) return found;
      return succeed({
        ...found.value,
        apiToken: () => options.apiToken(address),
        env: await options.proxies.environmentFor(found.value.url),
      });
    },
    secrets: options.secrets,
    minimumFreeBytes: () => hooks.service?.minimumFreeBytes() ?? null,
    isBatteryLow: options.isBatteryLow,
    onImage: (batchId) => hooks.service?.touched(batchId),
    onChange: (batchId) => hooks.service?.touched(batchId),
    onProblem: options.onProblem,
  });
}
