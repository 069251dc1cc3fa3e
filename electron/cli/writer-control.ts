import { systemClock } from "../engine/clock.ts";
import {
  openControl,
  type ControlAnswer,
  type ControlRequest,
  type ControlSocket,
} from "../engine/control.ts";
import type { Engine } from "../engine/engine.ts";
import type { Failure } from "../contract/failure.ts";
import { IMAGE_STATES } from "../contract/image.ts";
import type { Scope } from "../engine/store/scope.ts";

/** The scope of a retry over one batch. */
export function retryScope(
  batchId: number,
  wanted: { states: readonly ("failed" | "uncertain")[]; reason: string | null; path: string },
): Scope {
  const states = wanted.states.length === 0 ? IMAGE_STATES : wanted.states;
  return {
    batchId,
    states,
    reason: wanted.reason as Failure["reason"] | null,
    search: wanted.path,
    label: null,
    imageIds: null,
  };
}

async function handle(engine: Engine, request: ControlRequest): Promise<ControlAnswer> {
  const answer: ControlAnswer = { ok: true, images: 0, runs: 0, message: null };
  for (const batchId of request.batchIds) {
    const runner = engine.runner(batchId);
    if (request.do === "retry") {
      const count = await engine.store.call("retryImages", {
        scope: retryScope(batchId, request),
        at: systemClock.now(),
        mono: systemClock.mono(),
      });
      answer.images += count.images;
      answer.runs += count.runs;
      runner?.poke();
    } else if (runner === null) {
      await engine.store.call("setBatchFlags", { batchId, paused: request.do === "pause" });
    } else if (request.do === "pause") await runner.pause();
    else await runner.resume();
  }
  return answer;
}

/** Lets other processes of the same person reach this one, which writes the data file. */
export function openWriterControl(engine: Engine, file: string): Promise<ControlSocket> {
  return openControl(file, (request) => handle(engine, request));
}
