import type { ExportImage } from "../../contract/export.ts";
import type { Failure } from "../../contract/failure.ts";
import { stateOf } from "../../contract/image.ts";
import { sha256Hex } from "../intake/identity.ts";
import type { ExportRow } from "../store/queries.ts";
import type { Scope } from "../store/scope.ts";
import type { StoredRun } from "../store/rows.ts";
import type { PagePlace } from "../store/image-pages.ts";
import type { OperationOutput } from "../store/operations.ts";
import type { Store } from "../store/store.ts";
import { unpackJson } from "./compress.ts";
import type { ExportText } from "./export.ts";
import { resultFileNames } from "./safe-path.ts";
import { suffixesIn } from "./suffixes-in.ts";

const PAGE = 100;
/** Lines cross from the store's thread as one text: larger pages cost fewer crossings. */
const LINES_PAGE = 500;

function iso(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}

function runOf(run: StoredRun): ExportImage["runs"][number] {
  const failure = run.failureJson === null ? null : (JSON.parse(run.failureJson) as Failure);
  return {
    runId: run.uuid,
    state: run.state,
    submittedAt: iso(run.submittedAt),
    finishedAt: iso(run.finishedAt),
    reason: failure?.reason ?? null,
  };
}

/** Names of the result files of a finished image, relative to the results folder. */
export function filesOf(
  image: { path: string; filesJson: string | null },
  outputs: readonly unknown[],
): string[] {
  return image.filesJson === null
    ? resultFileNames(image.path, suffixesIn(outputs))
    : (JSON.parse(image.filesJson) as string[]);
}

/** One row of the store as exports tell it. */
export function exportImageOf({ image, runs, outputs }: ExportRow): ExportImage {
  const raw = outputs.map((output) => unpackJson({ encoding: output.encoding, data: output.json }));
  const isDone = image.stage === "DONE";
  return {
    path: image.path,
    sha256: image.sha256 === null ? null : sha256Hex(image.sha256),
    bytes: image.bytes,
    state: stateOf(image.stage),
    reason: image.reason,
    runId: isDone ? (runs.find((run) => run.state === "DONE")?.uuid ?? null) : null,
    runs: runs.map(runOf),
    outputs: raw,
    files: isDone ? filesOf(image, raw) : [],
  };
}

/** The images of a scope in path order, in pages: memory does not grow with the batch. */
export async function* exportRows(store: Store, scope: Scope): AsyncGenerator<ExportImage[]> {
  let after: { value: string; id: number } | null = null;
  for (;;) {
    const page: ExportRow[] = await store.call("exportPage", { scope, after, limit: PAGE });
    if (page.length > 0) yield page.map(exportImageOf);
    const last = page.at(-1);
    if (page.length < PAGE || last === undefined) return;
    after = { value: last.image.path, id: last.image.id };
  }
}

/** The same as lines of JSON; the next page is made while this one is written. */
export async function* exportLines(store: Store, scope: Scope): AsyncGenerator<ExportText> {
  const read = (after: PagePlace | null): ReturnType<typeof askLines> => askLines(store, scope, after);
  let next: ReturnType<typeof askLines> | null = read(null);
  while (next !== null) {
    const { lines, images, last }: OperationOutput<"exportLines"> = await next;
    next = images < LINES_PAGE ? null : read(last);
    // Whoever stops reading never meets the failure of a page that nobody waits for.
    next?.catch(() => undefined);
    yield { text: lines, images };
  }
}

function askLines(
  store: Store,
  scope: Scope,
  after: PagePlace | null,
): Promise<OperationOutput<"exportLines">> {
  return store.call("exportLines", { scope, after, limit: LINES_PAGE });
}
