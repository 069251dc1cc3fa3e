import { parseArgs } from "node:util";
import { z } from "zod";
import { FAULT_NAMES, type FaultName, type FaultRates } from "./fault-names.ts";
import type { SimulatorOptions } from "./settings.ts";

export const USAGE = `Usage: nightrun simulate [options]

A local deployment, for trying things without an account. Prints one line of JSON: where it is, where its token
service is, and the API token that it takes (for \`--deployment\`, IKOMIA_URL and IKOMIA_TOKEN of \`nightrun run\`).

  --port <n>              port on 127.0.0.1 (default 0: any free one)
  --mode advice|plain     answer form (default advice)
  --seed <n>              decides run times and random faults (default 1)
  --latency <ms | a-b>    run time of a workflow (default 50-250)
  --cold-start <ms>       how long the first call blocks (default 0)
  --workers <n>           runs computed at the same time (default 4)
  --token <text>          the API token that is accepted (default simulator-token)
  --jwt-seconds <n>       life of a JWT (default 36000)
  --faults <spec>         chance of random faults, for example put-503=0.05,get-cut=0.02
  --result-ttl <ms>       drop finished results after this time (default: keep)
  --state <file>          keep submitted runs here for the next start
  --stay-with-parent      exit when stdin closes
Faults: ${FAULT_NAMES.join(", ")}

Examples:
  nightrun simulate --port 8080 --latency 200-800
  nightrun simulate --faults put-503=0.05,get-cut=0.02
`;

export type ParsedArguments =
  | { ok: true; options: SimulatorOptions; stayWithParent: boolean; help: boolean }
  | { ok: false; problem: string };

const count = z.coerce.number<string>().int().nonnegative();

const latencySchema = z
  .string()
  .regex(/^\d+(-\d+)?$/, "expected milliseconds, for example 200 or 50-250")
  .transform((text) => {
    const [minMs = 0, maxMs = minMs] = text.split("-").map(Number);
    return { minMs, maxMs };
  });

function parseFaults(spec: string, context: z.RefinementCtx): FaultRates {
  const rates: FaultRates = {};
  for (const part of spec.split(",").filter((piece) => piece !== "")) {
    const [name = "", value = ""] = part.split("=");
    const rate = Number(value);
    if (!FAULT_NAMES.some((known) => known === name)) context.addIssue(`there is no fault "${name}"`);
    else if (value === "" || !(rate >= 0 && rate <= 1))
      context.addIssue(`"${part}" needs a chance from 0 to 1`);
    else rates[name as FaultName] = rate;
  }
  return rates;
}

const valuesSchema = z.object({
  port: count.max(65_535).optional(),
  mode: z.enum(["advice", "plain"]).optional(),
  seed: z.coerce.number<string>().int().optional(),
  latency: latencySchema.optional(),
  "cold-start": count.optional(),
  workers: count.min(1).optional(),
  token: z.string().min(1).optional(),
  "jwt-seconds": z.coerce.number<string>().positive().optional(),
  faults: z.string().transform(parseFaults).optional(),
  "result-ttl": count.optional(),
  state: z.string().min(1).optional(),
  "stay-with-parent": z.boolean().optional(),
  help: z.boolean().optional(),
});

const FLAGS = new Set(["stay-with-parent", "help"]);

function readFlags(argv: readonly string[]): Record<string, unknown> {
  const names = Object.keys(valuesSchema.shape);
  const options = Object.fromEntries(
    names.map((name) => [name, { type: FLAGS.has(name) ? ("boolean" as const) : ("string" as const) }]),
  );
  return parseArgs({ args: [...argv], options, strict: true }).values;
}

/** The first thing that does not fit, as one sentence. */
function problemOf(error: z.ZodError): string {
  const [issue] = error.issues;
  return `--${String(issue?.path[0] ?? "")} is not usable: ${issue?.message ?? "unknown"}.`;
}

/** Reads the simulator's own command line. */
export function parseArguments(argv: readonly string[]): ParsedArguments {
  try {
    const flags = valuesSchema.parse(readFlags(argv));
    const { port, seed, mode, latency, workers, token, faults, state } = flags;
    const options: SimulatorOptions = {
      port,
      seed,
      stateFile: state,
      mode,
      latency,
      workers,
      token,
      faults,
      coldStartMs: flags["cold-start"],
      jwtSeconds: flags["jwt-seconds"],
      resultTtlMs: flags["result-ttl"],
    };
    return {
      ok: true,
      options,
      stayWithParent: flags["stay-with-parent"] ?? false,
      help: flags.help ?? false,
    };
  } catch (error) {
    if (error instanceof z.ZodError) return { ok: false, problem: problemOf(error) };
    if (error instanceof TypeError) return { ok: false, problem: `${error.message}.` }; // What parseArgs throws.
    throw error;
  }
}
