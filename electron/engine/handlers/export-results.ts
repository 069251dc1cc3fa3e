import { randomUUID } from "node:crypto";
import { lstat, mkdir, open, rename, unlink } from "node:fs/promises";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import type { Handlers } from "../../contract/api.ts";
import { IMAGE_STATES, type ImageState } from "../../contract/image.ts";
import { fail, succeed, type Result } from "../../contract/result.ts";
import { createNew, errorCode, syncFolder } from "../results/durable-file.ts";
import { exportCsv, exportJsonl } from "../results/export.ts";
import { exportLines, exportRows } from "../results/export-rows.ts";
import type { StoredBatch } from "../store/batches.ts";
import type { Store } from "../store/store.ts";
import { withBatch, writerOf, type HandlerContext } from "./context.ts";

const MOST_NAMES = 1000;

/** "2026-01-31 2359": sorts by time and is a file's name everywhere. */
function stamp(at: number): string {
  return new Date(at).toISOString().slice(0, 16).replace("T", " ").replace(":", "");
}

/** Gives the complete file a name that is free; nothing is ever overwritten. */
async function nameIt(temp: string, folder: string, base: string, format: string): Promise<string> {
  for (let n = 1; n <= MOST_NAMES; n += 1) {
    const name = `${base}${n === 1 ? "" : ` (${n})`}.${format}`;
    try {
      // Taken before it is filled: another window may export at the same time.
      await (await open(join(folder, name), "wx")).close();
      await rename(temp, join(folder, name));
      return name;
    } catch (error) {
      if (errorCode(error) !== "EEXIST") throw error;
    }
  }
  throw Object.assign(new Error("EEXIST"), { code: "EEXIST" });
}

async function writeExport(
  store: Store,
  batch: StoredBatch,
  wanted: { format: "jsonl" | "csv"; states: readonly ImageState[]; at: number },
): Promise<Result<{ file: string; images: number }>> {
  const { format, states, at } = wanted;
  const folder = batch.settings.results.resultsFolder;
  const temp = join(folder, `.nightrun-${randomUUID()}.tmp`);
  try {
    await mkdir(folder, { recursive: true });
    if ((await lstat(folder)).isSymbolicLink()) return fail(notWritable(folder, "it is a symbolic link."));
    const out = (await createNew(temp)).createWriteStream({ flush: true });
    const scope = { batchId: batch.id, states, reason: null, search: "", label: null, imageIds: null };
    const images = await (format === "jsonl"
      ? exportJsonl(exportLines(store, scope), out)
      : exportCsv(exportRows(store, scope), out));
    out.end();
    await finished(out);
    const file = await nameIt(temp, folder, `nightrun export ${stamp(at)}`, format);
    await syncFolder(folder);
    return succeed({ file, images });
  } catch (error) {
    const code = errorCode(error);
    if (code === null) throw error;
    return fail(notWritable(folder, `the export cannot be written (${code}).`));
  } finally {
    await unlink(temp).catch(() => {
      // It was never made, or has been taken away already.
    });
  }
}

function notWritable(folder: string, problem: string) {
  return { reason: "results-folder", folder, problem } as const;
}

/** The call that writes an export file into the results folder. */
export function exportHandlers(context: HandlerContext): Pick<Handlers, "batch:export-results"> {
  return {
    "batch:export-results": ({ batchId, format, states }) =>
      withBatch(context, batchId, async (batch) => {
        writerOf(context);
        const wanted = states.length === 0 ? IMAGE_STATES : states;
        return writeExport(context.counter, batch, { format, states: wanted, at: context.clock.now() });
      }),
  };
}
