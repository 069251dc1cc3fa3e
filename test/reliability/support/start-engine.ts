import { dirname, join } from "node:path";
import {
  startEngineProcess,
  type EngineProcess,
  type EngineProcessOptions,
} from "../../support/crash-loop.ts";
import type { Rig } from "../../support/open-rig.ts";
import { ORDERS_VARIABLE } from "./take-out.ts";

/** How many times as fast the clock of these engines runs. */
export const ENGINE_SPEED = 50;

/**
 * Starts an engine over the rig, for proofs that start very many. What one of them compiled the next ones find beside
 * the rig's pictures, once one has ended by itself; not in a control, which changes the source.
 */
export function startEngine(rig: Rig, options: Omit<EngineProcessOptions, "speed"> = {}): EngineProcess {
  const isControl = process.env[ORDERS_VARIABLE] !== undefined;
  const cache = isControl ? {} : { NODE_COMPILE_CACHE: join(dirname(rig.folder), "compiled") };
  return startEngineProcess(rig, { ...options, speed: ENGINE_SPEED, env: { ...cache, ...options.env } });
}
