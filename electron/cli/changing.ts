import { systemClock } from "../engine/clock.ts";
import { askControl, type ControlAnswer, type ControlRequest } from "../engine/control.ts";
import { ownPlaces } from "../engine/engine.ts";
import { openStore } from "../engine/store/store.ts";
import { refuse, unknownReason, unknownState, withBatches, type ListingFlags } from "./listing.ts";
import type { Console } from "./console.ts";
import { EXIT, type ExitCode } from "./exit-code.ts";
import { dataFileOf } from "./open.ts";
import { retryScope } from "./writer-control.ts";

/** Changes a data file: through the process that writes it, or directly when there is none. */
async function change(
  flags: ListingFlags,
  console: Console,
  request: ControlRequest,
): Promise<ControlAnswer | ExitCode> {
  const dataFile = dataFileOf(flags.data);
  const asked = await askControl(ownPlaces(dataFile).control, request);
  if (asked !== null) return asked;
  const opened = await openStore({ file: dataFile, mode: "write", clock: systemClock });
  if (!opened.ok) return refuse(console, opened.failure);
  const answer: ControlAnswer = { ok: true, images: 0, runs: 0, message: null };
  try {
    for (const batchId of request.batchIds) {
      if (request.do === "retry") {
        const scope = retryScope(batchId, request);
        const count = await opened.value.call("retryImages", {
          scope,
          at: systemClock.now(),
          mono: systemClock.mono(),
        });
        answer.images += count.images;
        answer.runs += count.runs;
      } else await opened.value.call("setBatchFlags", { batchId, paused: request.do === "pause" });
    }
  } finally {
    await opened.value.close();
  }
  return answer;
}

async function batchIds(
  wanted: string | undefined,
  flags: ListingFlags,
  console: Console,
): Promise<number[] | ExitCode> {
  let ids: number[] = [];
  const code = await withBatches(wanted, flags, console, async (_store, batches) => {
    ids = batches.map((batch) => batch.id);
    return EXIT.done;
  });
  return code === EXIT.done ? ids : code;
}

function parseRetryStates(text: string | undefined): ("failed" | "uncertain")[] | null {
  if (text === undefined) return ["failed", "uncertain"];
  const parts = text.split(",").map((part) => part.trim());
  const known = parts.filter(
    (part): part is "failed" | "uncertain" => part === "failed" || part === "uncertain",
  );
  return known.length === parts.length ? known : null;
}

/** `nightrun retry`: marks failed and uncertain images as waiting; the next `run` (or the one that goes on) takes them. */
export async function retryCommand(
  wanted: string | undefined,
  flags: ListingFlags,
  console: Console,
): Promise<ExitCode> {
  const states = parseRetryStates(flags.state);
  if (states === null) return refuse(console, unknownState(flags.state ?? "", ["failed", "uncertain"]));
  const problem = unknownReason(flags.reason);
  if (problem !== null) return refuse(console, problem);
  const ids = await batchIds(wanted, flags, console);
  if (typeof ids === "number") return ids;
  const answer = await change(flags, console, {
    do: "retry",
    batchIds: ids,
    states,
    reason: flags.reason ?? null,
    path: flags.path ?? "",
  });
  if (typeof answer === "number") return answer;
  if (!answer.ok)
    return refuse(console, { reason: "internal", message: answer.message ?? "the running Nightrun refused" });
  if (flags.json === true) console.data(JSON.stringify({ images: answer.images, runs: answer.runs }));
  else
    console.data(
      `${answer.images} ${answer.images === 1 ? "image waits" : "images wait"} again: ${answer.runs} new ${answer.runs === 1 ? "run" : "runs"} when \`nightrun run\` takes them.`,
    );
  return EXIT.done;
}

/** `nightrun pause`, `nightrun resume`: stops or goes on submitting; results of paid runs are collected all the same. */
export async function pauseCommand(
  what: "pause" | "resume",
  wanted: string | undefined,
  flags: ListingFlags,
  console: Console,
): Promise<ExitCode> {
  const ids = await batchIds(wanted, flags, console);
  if (typeof ids === "number") return ids;
  const answer = await change(flags, console, { do: what, batchIds: ids });
  if (typeof answer === "number") return answer;
  if (!answer.ok)
    return refuse(console, { reason: "internal", message: answer.message ?? "the running Nightrun refused" });
  console.say(
    what === "pause" ? "Paused. Results of runs already submitted are still collected." : "Goes on.",
  );
  return EXIT.done;
}
