import { z } from "zod";
import { readBody, sendJson, type Exchange } from "./exchange.ts";
import { changeSettings, settingsChangeSchema, type Settings, type SettingsChange } from "./settings.ts";
import { scriptSchema, type ScriptEntry } from "./script.ts";
import type { Simulation } from "./simulation.ts";
import type { SimulatorStats } from "./stats.ts";

/** What a test or a demo can do to a running simulator; the same over HTTP and in process. */
export interface SimulatorControl {
  /** A copy of all counters. */
  stats(): SimulatorStats;
  settings(): Settings;
  change(change: SettingsChange): Settings;
  /** Queues scripted faults; they strike in this order, before any random one. */
  script(...entries: ScriptEntry[]): void;
  /** Drops all scripted faults that have not struck yet. */
  clearScript(): void;
  /** Forgets every run, as a restarted server without a store would. */
  forget(): Promise<void>;
  /** From now on computed runs stay running. */
  hold(): void;
  /** Lets this many held runs finish; without a number lets all go and holds no more. */
  release(count?: number): void;
  /** Turns every JWT bad that was issued until now. */
  revoke(): void;
  /** Puts the deployment to sleep: the next call pays the cold start. */
  sleep(): void;
  /** Starts counting anew. */
  resetStats(): void;
  /** Resolves as soon as the condition holds; rejects when `signal` fires first. */
  until(holds: (stats: SimulatorStats) => boolean, signal?: AbortSignal): Promise<void>;
}

/** `changed` hears of new settings after the simulation has taken them. */
export function createControl(
  simulation: Simulation,
  changed: (settings: Settings) => void,
): SimulatorControl {
  const { stats, faults, book, signIn, sleeper } = simulation;
  return {
    stats: () => structuredClone(stats.current()),
    settings: () => simulation.settings(),
    change(change) {
      const settings = changeSettings(simulation.settings(), settingsChangeSchema.parse(change));
      simulation.apply(settings);
      changed(settings);
      return settings;
    },
    script: (...entries) => faults.queue(scriptSchema.parse(entries)),
    clearScript: () => faults.clear(),
    forget: () => book.forget(),
    hold: () => book.hold(),
    release: (count) => book.release(count),
    revoke: () => signIn.revoke(),
    sleep: () => sleeper.sleep(),
    resetStats: () => stats.reset(),
    until: (holds, signal) => stats.until(holds, signal),
  };
}

const releaseSchema = z.strictObject({ count: z.number().int().positive().optional() });

/** Counters that `GET /_simulator/wait` can wait for. */
const WAITABLE = {
  puts: (s: SimulatorStats) => s.requests.put,
  gets: (s: SimulatorStats) => s.requests.results,
  tokens: (s: SimulatorStats) => s.requests.token,
  accepted: (s: SimulatorStats) => s.accepted,
  finished: (s: SimulatorStats) => s.finished,
  taken: (s: SimulatorStats) => s.taken,
  outstanding: (s: SimulatorStats) => s.outstanding,
  signInRefusals: (s: SimulatorStats) => s.signInRefusals,
  unknownGets: (s: SimulatorStats) => s.unknownGets,
};

const waitSchema = z.object({
  counter: z.enum(Object.keys(WAITABLE) as [keyof typeof WAITABLE]),
  atLeast: z.coerce.number().default(1),
  timeoutMs: z.coerce.number().default(30_000),
});

/** `GET /_simulator/wait?counter=accepted&atLeast=3&timeoutMs=5000`: answers 200 as soon as it holds, else 408. */
async function answerWait(control: SimulatorControl, exchange: Exchange): Promise<void> {
  const { counter, atLeast, timeoutMs } = waitSchema.parse(Object.fromEntries(exchange.url.searchParams));
  const signal = AbortSignal.any([exchange.signal, AbortSignal.timeout(timeoutMs)]);
  const holds = await control
    .until((stats) => WAITABLE[counter](stats) >= atLeast, signal)
    .then(
      () => true,
      () => false,
    );
  sendJson(exchange, holds ? 200 : 408, { [counter]: WAITABLE[counter](control.stats()) });
}

type Action = (control: SimulatorControl, body: unknown) => unknown;

const ACTIONS: Record<string, Action> = {
  "GET stats": (control) => control.stats(),
  "DELETE stats": (control) => control.resetStats(),
  "GET settings": (control) => control.settings(),
  "PUT settings": (control, body) => control.change(settingsChangeSchema.parse(body)),
  "POST script": (control, body) => control.script(...scriptSchema.parse(body)),
  "DELETE script": (control) => control.clearScript(),
  "POST forget": (control) => control.forget(),
  "POST hold": (control) => control.hold(),
  "POST release": (control, body) => control.release(releaseSchema.parse(body ?? {}).count),
  "POST revoke": (control) => control.revoke(),
  "POST sleep": (control) => control.sleep(),
};

const MAX_CONTROL_BYTES = 16 * 1024 * 1024;

async function readJson(exchange: Exchange): Promise<unknown> {
  const body = await readBody(exchange.request, MAX_CONTROL_BYTES);
  return typeof body === "string" || body.length === 0 ? null : JSON.parse(body.toString("utf8"));
}

/** Answers what is below `/_simulator/`: 200 with JSON, 400 for a body that does not fit, 404 for anything else. */
export async function answerControl(control: SimulatorControl, exchange: Exchange): Promise<void> {
  const name = exchange.url.pathname.slice("/_simulator/".length).replace(/\/$/, "");
  try {
    if (name === "wait") {
      await answerWait(control, exchange);
      return;
    }
    const action = ACTIONS[`${exchange.request.method ?? ""} ${name}`];
    if (!action) {
      sendJson(exchange, 404, {
        message: `No such control: ${exchange.request.method ?? ""} ${name}`,
      });
      return;
    }
    const answer = await action(control, await readJson(exchange));
    sendJson(exchange, 200, answer ?? {});
  } catch (error) {
    if (error instanceof z.ZodError) {
      sendJson(exchange, 400, { message: z.prettifyError(error) });
      return;
    }
    if (error instanceof SyntaxError) {
      sendJson(exchange, 400, { message: error.message });
      return;
    }
    throw error;
  }
}
