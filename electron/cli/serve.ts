import { access } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { SIMULATOR } from "../contract/batch.ts";
import type { Failure } from "../contract/failure.ts";
import { succeed, type Result } from "../contract/result.ts";
import { systemClock } from "../engine/clock.ts";
import { openEngine, ownPlaces, type Engine } from "../engine/engine.ts";
import { createMemoryTokens, type MemoryTokens } from "../engine/handlers/memory-tokens.ts";
import { openWindowService, type WindowHost, type WindowService } from "../engine/handlers/service.ts";
import { openWebServer, type WebServer } from "../web/server.ts";
import { failureLine, type Console } from "./console.ts";
import { EXIT, exitCodeFor, type ExitCode } from "./exit-code.ts";
import { openBrowser } from "./open-browser.ts";
import { createFinder, dataFileOf, type Finder } from "./open.ts";
import { parseCount } from "./parse.ts";
import { version } from "./version.ts";
import { openWriterControl } from "./writer-control.ts";

export interface ServeFlags {
  port?: string;
  open?: boolean;
  readOnly?: boolean;
  data?: string;
}

interface ServeContext {
  console: Console;
  env: NodeJS.ProcessEnv;
  /** Aborts at the first Ctrl-C or SIGTERM. */
  interrupted: AbortSignal;
}

/** What is paid for is still collected for this long after the first Ctrl-C. */
const COLLECT_ON_STOP_MS = 10_000;

/** Where the built page lies, seen from the built program or from its source. */
export function pageFolder(): string {
  const beside = import.meta.url.endsWith(".ts") ? "../../out/renderer" : "../renderer";
  return fileURLToPath(new URL(beside, import.meta.url));
}

/** `nightrun serve`: the window as a page of this machine, until Ctrl-C. `folder` holds the built page. */
export async function serveCommand(
  flags: ServeFlags,
  context: ServeContext,
  folder = pageFolder(),
): Promise<ExitCode> {
  const { console } = context;
  const port = flags.port === undefined ? succeed(0) : parseCount(flags.port, "--port", 1, 65_535);
  if (!port.ok) return refuse(console, port.failure);
  if (!(await isThere(join(folder, "index.html")))) return refuse(console, NOT_BUILT);
  const dataFile = dataFileOf(flags.data);
  const tokens = createMemoryTokens(context.env);
  const finder = createFinder({
    env: context.env,
    simulatorState: `${dataFile}.simulator`,
    simulatorArgs: [],
  });
  try {
    return await serve({ ...context, flags, port: port.value, folder, dataFile, tokens, finder });
  } finally {
    await finder.stop();
  }
}

interface Serving extends ServeContext {
  flags: ServeFlags;
  port: number;
  folder: string;
  dataFile: string;
  tokens: MemoryTokens;
  finder: Finder;
}

async function serve(s: Serving): Promise<ExitCode> {
  const hooks: { service: WindowService | null } = { service: null };
  const opened = await openWriter(s, hooks);
  if (!opened.ok) return refuse(s.console, opened.failure);
  const engine = opened.value;
  const service = await openWindowService({
    engine,
    dataFile: s.dataFile,
    host: hostOf(s.tokens),
    clock: systemClock,
    random: Math.random,
    onProblem: (failure) => s.console.say(failureLine(failure)),
  });
  if (!service.ok) {
    await engine?.close(0);
    return refuse(s.console, service.failure);
  }
  hooks.service = service.value;
  const control =
    engine === null ? null : await openWriterControl(engine, ownPlaces(engine.dataFile).control);
  try {
    return await show(s, service.value);
  } finally {
    await control?.close();
    await engine?.close(COLLECT_ON_STOP_MS);
    await service.value.close();
  }
}

/** The engine that writes; null when this process only looks. */
async function openWriter(
  s: Serving,
  hooks: { service: WindowService | null },
): Promise<Result<Engine | null>> {
  if (s.flags.readOnly === true) return succeed(null);
  return openEngine({
    dataFile: s.dataFile,
    clock: systemClock,
    random: Math.random,
    env: s.env,
    version,
    resolve: async (address) => {
      const found = await s.finder.resolve(address);
      if (!found.ok || address === SIMULATOR) return found;
      return succeed({ ...found.value, apiToken: () => s.tokens.apiToken(address) });
    },
    minimumFreeBytes: () => hooks.service?.minimumFreeBytes() ?? null,
    onImage: (batchId) => hooks.service?.touched(batchId),
    onChange: (batchId) => hooks.service?.touched(batchId),
    onProblem: (failure) => s.console.say(failureLine(failure)),
  });
}

function hostOf(tokens: MemoryTokens): WindowHost {
  return {
    kind: "web",
    version,
    home: homedir(),
    native: false,
    tokens,
    chooseFolder: async () => null,
    reveal: async () => false,
  };
}

async function show(s: Serving, service: WindowService): Promise<ExitCode> {
  const { console, interrupted } = s;
  const opened = await openWebServer({
    service,
    pageFolder: s.folder,
    port: s.port,
    now: () => systemClock.now(),
    onProblem: (failure) => console.say(failureLine(failure)),
  });
  if (!opened.ok) return refuse(console, opened.failure);
  const server: WebServer = opened.value;
  console.data(server.link);
  console.say("nightrun: Open this link in a browser of this machine. Ctrl-C stops.");
  if (s.flags.open === true)
    openBrowser(server.linkOnce(), () => console.say("nightrun: No browser could be opened; use the link."));
  // Batches go on while the page can be used already.
  const going = (service.readOnly ? Promise.resolve() : service.startAgain()).catch((error: unknown) => {
    console.say(failureLine({ reason: "internal", message: String(error) }));
  });
  try {
    await new Promise<void>((resolve) => {
      if (interrupted.aborted) resolve();
      interrupted.addEventListener("abort", () => resolve(), { once: true });
    });
    console.say("nightrun: Stopping. Results on their way are collected for up to 10 s.");
  } finally {
    await server.close();
    await going;
  }
  return EXIT.done;
}

async function isThere(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

function refuse(console: Console, failure: Failure): ExitCode {
  console.say(failureLine(failure));
  return exitCodeFor(failure);
}

const NOT_BUILT: Failure = {
  reason: "usage",
  message: "The window is not built yet.",
  next: "Run `npm run build` in Nightrun's folder first.",
};
