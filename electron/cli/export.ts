import { IMAGE_STATES } from "../contract/image.ts";
import { exportCsv, exportJsonl } from "../engine/results/export.ts";
import { exportLines, exportRows } from "../engine/results/export-rows.ts";
import type { StoredBatch } from "../engine/store/batches.ts";
import type { Scope } from "../engine/store/scope.ts";
import type { Console } from "./console.ts";
import { EXIT, type ExitCode } from "./exit-code.ts";
import { parseStates, refuse, unknownState, withBatches, type ListingFlags } from "./listing.ts";

async function* inAll<T>(
  batches: readonly StoredBatch[],
  states: readonly (typeof IMAGE_STATES)[number][],
  of: (scope: Scope) => AsyncIterable<T>,
): AsyncGenerator<T> {
  for (const { id } of batches)
    yield* of({ batchId: id, states, reason: null, search: "", label: null, imageIds: null });
}

/** `nightrun export`: all images with their results on stdout. */
export function exportCommand(
  wanted: string | undefined,
  flags: ListingFlags & { format: string },
  console: Console,
): Promise<ExitCode> {
  const states = parseStates(flags.state);
  if (states === null) return Promise.resolve(refuse(console, unknownState(flags.state ?? "")));
  if (flags.format !== "jsonl" && flags.format !== "csv") {
    return Promise.resolve(
      refuse(console, {
        reason: "usage",
        message: `--format ${flags.format} is not known.`,
        next: "Use jsonl or csv.",
      }),
    );
  }
  return withBatches(wanted, flags, console, async (store, batches) => {
    if (flags.format === "csv")
      await exportCsv(
        inAll(batches, states, (scope) => exportRows(store, scope)),
        console.out,
      );
    else
      await exportJsonl(
        inAll(batches, states, (scope) => exportLines(store, scope)),
        console.out,
      );
    return EXIT.done;
  });
}
