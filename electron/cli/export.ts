import { IMAGE_STATES } from "../contract/image.ts";
import { exportCsv, exportJsonl } from "../engine/results/export.ts";
import { exportRows } from "../engine/results/export-rows.ts";
import type { ExportImage } from "../contract/export.ts";
import type { StoredBatch } from "../engine/store/batches.ts";
import type { Store } from "../engine/store/store.ts";
import type { Console } from "./console.ts";
import { EXIT, type ExitCode } from "./exit-code.ts";
import { parseStates, refuse, unknownState, withBatches, type ListingFlags } from "./listing.ts";

async function* rowsOf(
  store: Store,
  batches: readonly StoredBatch[],
  states: readonly (typeof IMAGE_STATES)[number][],
): AsyncGenerator<ExportImage[]> {
  for (const batch of batches) {
    yield* exportRows(store, {
      batchId: batch.id,
      states,
      reason: null,
      search: "",
      label: null,
      imageIds: null,
    });
  }
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
  const write = flags.format === "jsonl" ? exportJsonl : exportCsv;
  return withBatches(wanted, flags, console, async (store, batches) => {
    await write(rowsOf(store, batches, states), console.out);
    return EXIT.done;
  });
}
