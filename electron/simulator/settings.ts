import { z } from "zod";
import { FAULT_NAMES } from "./fault-names.ts";

const milliseconds = z.number().int().nonnegative();
const rates = z.partialRecord(z.enum(FAULT_NAMES), z.number().min(0).max(1));

/** What a running simulator can be told to change. Times are milliseconds unless the name says otherwise. */
const settingsShape = z.strictObject({
  /** Answer form: `advice` gives objects when asked with `advice=true`; `plain` never does (API facts, section 11). */
  mode: z.enum(["advice", "plain"]),
  /** Run time of a workflow, drawn evenly from this span. */
  latency: z.strictObject({ minMs: milliseconds, maxMs: milliseconds }),
  /** How long the first call to a sleeping deployment blocks; 0 = never asleep. */
  coldStartMs: milliseconds,
  /** Runs computed at the same time. */
  workers: z.number().int().positive(),
  /** Queued and running runs above which `PUT /api/run` answers 429; null = no limit. */
  capacity: z.number().int().positive().nullable(),
  /** `Retry-After` of 429 and 503 answers; null = none. */
  retryAfter: z.string().nullable(),
  /** The API token that the token service accepts. */
  token: z.string().min(1),
  jwtSeconds: z.number().positive(),
  /** What a bad JWT gets: Ikomia redirects to a login page (API facts, section 2.3). */
  signInStatus: z.union([z.literal(307), z.literal(401), z.literal(403)]),
  /** Chance of each random fault, 0 to 1. */
  faults: rates,
  /** Every deployment and token request fails this way; null = none does. */
  outage: z.enum(["reset", "stall", "html", "500", "502", "503", "504"]).nullable(),
  /** Finished results are dropped after this time; null = kept until fetched. */
  resultTtlMs: milliseconds.nullable(),
  /** Longest time that `long=true` holds a results request. */
  longPollMs: milliseconds,
  /** A larger body of `PUT /api/run` gets 413. */
  maxBodyBytes: z.number().int().positive(),
  /** Idle sockets are closed after this time. */
  keepAliveMs: milliseconds,
  /** Further URLs under which this deployment is known to its token service, for tests behind a proxy. */
  aliases: z.array(z.url()),
});

/** Parses a change of settings: any subset of them, nothing else. */
export const settingsChangeSchema = settingsShape.partial();
export type Settings = z.infer<typeof settingsShape>;
export type SettingsChange = z.infer<typeof settingsChangeSchema>;

export const DEFAULT_SETTINGS: Settings = {
  mode: "advice",
  latency: { minMs: 50, maxMs: 250 },
  coldStartMs: 0,
  workers: 4,
  capacity: null,
  retryAfter: null,
  token: "simulator-token",
  jwtSeconds: 36_000,
  signInStatus: 307,
  faults: {},
  outage: null,
  resultTtlMs: null,
  longPollMs: 5_000,
  maxBodyBytes: 256 * 1024 * 1024,
  keepAliveMs: 5_000,
  aliases: [],
};

/** The settings with a change laid over them; what the change leaves out stays. */
export function changeSettings(settings: Settings, change: SettingsChange): Settings {
  const told = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
  return { ...settings, ...told };
}

/** How a simulator starts: its settings, and what cannot change while it runs. */
export interface SimulatorOptions extends SettingsChange {
  /** Port on 127.0.0.1. @default 0 = any free one */
  port?: number | undefined;
  /** Decides latencies and random faults. @default 1 */
  seed?: number | undefined;
  /** Small file that lets a restarted simulator find submitted, not yet fetched runs again. @default none */
  stateFile?: string | undefined;
}
