import { closest } from "fastest-levenshtein";
import { describeFailure } from "../contract/describe-failure.ts";
import { IMAGE_REASONS, type Failure } from "../contract/failure.ts";
import { IMAGE_STATES, stateOf, type ImageState } from "../contract/image.ts";
import { isEventKind, sentenceOf, type EventDetails, type EventKind } from "../contract/event.ts";
import { sha256Hex } from "../engine/intake/identity.ts";
import type { StoredBatch } from "../engine/store/batches.ts";
import type { StoredImage, StoredRun } from "../engine/store/rows.ts";
import type { StoredEvent } from "../engine/store/events.ts";
import type { Store } from "../engine/store/store.ts";
import { failureLine, shown, type Console } from "./console.ts";
import { EXIT, exitCodeFor, type ExitCode } from "./exit-code.ts";
import { ledgerLine } from "./ledger-line.ts";
import { chooseBatches, dataFileOf, openReading } from "./open.ts";

export interface ListingFlags {
  data?: string;
  json?: boolean;
  state?: string;
  reason?: string;
  path?: string;
}

const PAGE = 500;
const EVENTS_SHOWN = 10;

/** Opens the data file for looking, chooses batches, runs the work, and turns failures into lines and exit codes. */
export async function withBatches(
  wanted: string | undefined,
  flags: ListingFlags,
  console: Console,
  work: (store: Store, batches: StoredBatch[]) => Promise<ExitCode>,
): Promise<ExitCode> {
  const opened = await openReading(dataFileOf(flags.data));
  if (!opened.ok) return refuse(console, opened.failure);
  try {
    const chosen = await chooseBatches(opened.value, wanted);
    return chosen.ok ? await work(opened.value, chosen.value) : refuse(console, chosen.failure);
  } finally {
    await opened.value.close();
  }
}

export function refuse(console: Console, failure: Failure): ExitCode {
  console.say(failureLine(failure));
  return exitCodeFor(failure);
}

/** `done,failed` as states; null when one of them is no state. */
export function parseStates(text: string | undefined): ImageState[] | null {
  if (text === undefined) return [...IMAGE_STATES];
  const wanted = text.split(",").map((part) => part.trim());
  const known = wanted.filter((part): part is ImageState =>
    (IMAGE_STATES as readonly string[]).includes(part),
  );
  return known.length === wanted.length ? known : null;
}

export function unknownState(text: string, known: readonly ImageState[] = IMAGE_STATES): Failure {
  return {
    reason: "usage",
    message: `--state ${text} is not known.`,
    next: `Use one or more of ${known.join(", ")}, with commas.`,
  };
}

/** What is wrong with `--reason`; null when nothing is. A typo must not look like "there is none". */
export function unknownReason(text: string | undefined): Failure | null {
  if (text === undefined || (IMAGE_REASONS as readonly string[]).includes(text)) return null;
  return {
    reason: "usage",
    message: `--reason ${text} is not known. Did you mean ${closest(text, IMAGE_REASONS)}?`,
    next: `The reasons are: ${IMAGE_REASONS.join(", ")}.`,
  };
}

/** `nightrun status`: the ledger of each batch and what happened lately. */
export function statusCommand(
  wanted: string | undefined,
  flags: ListingFlags,
  console: Console,
): Promise<ExitCode> {
  return withBatches(wanted, flags, console, async (store, batches) => {
    if (batches.length === 0 && flags.json !== true)
      console.data("There is no batch yet. Start with: nightrun run <folder>");
    for (const batch of batches) {
      const { ledger, runs } = await store.call("ledgerOf", batch.id);
      const events = await store.call("listEvents", {
        batchId: batch.id,
        before: null,
        after: null,
        limit: EVENTS_SHOWN,
      });
      if (flags.json === true) console.data(JSON.stringify(statusObject(batch, ledger, runs, events)));
      else printStatus(console, batch, ledgerLine(ledger), runs, events);
    }
    return EXIT.done;
  });
}

function statusObject(batch: StoredBatch, ledger: unknown, runs: number, events: StoredEvent[]): object {
  return {
    batch: batch.id,
    name: batch.name,
    folder: batch.folder,
    deployment: batch.settings.decision.deployment,
    resultsFolder: batch.settings.results.resultsFolder,
    revision: batch.revision,
    paused: batch.paused,
    ledger,
    runs,
    events: events.map((e) => ({
      at: new Date(e.at).toISOString(),
      kind: e.kind,
      path: e.path,
      sentence: eventSentence(e),
    })),
  };
}

function printStatus(
  console: Console,
  batch: StoredBatch,
  ledger: string,
  runs: number,
  events: StoredEvent[],
): void {
  console.data(
    `${batch.name}  (${shown(batch.folder)} → ${batch.settings.decision.deployment}${batch.paused ? ", paused" : ""})`,
  );
  console.data(`  ${ledger}`);
  console.data(
    `  ${runs} ${runs === 1 ? "run" : "runs"} so far. Results: ${shown(batch.settings.results.resultsFolder)}`,
  );
  for (const e of [...events].reverse()) {
    const about = e.path === null ? "" : `${shown(e.path)}: `;
    console.data(`  ${new Date(e.at).toISOString()}  ${about}${eventSentence(e)}`);
  }
}

/** What one recorded event says. */
export function eventSentence(event: { kind: string; detailJson: string }): string {
  if (!isEventKind(event.kind)) return event.kind;
  return sentenceOf(event.kind, JSON.parse(event.detailJson) as EventDetails[EventKind] as never);
}

function failureOf(row: { failureJson: string | null }): Failure | null {
  return row.failureJson === null ? null : (JSON.parse(row.failureJson) as Failure);
}

/** `nightrun images`: every image with its state and reason, in path order. */
export function imagesCommand(
  wanted: string | undefined,
  flags: ListingFlags,
  console: Console,
): Promise<ExitCode> {
  const states = parseStates(flags.state);
  if (states === null) return Promise.resolve(refuse(console, unknownState(flags.state ?? "")));
  const problem = unknownReason(flags.reason);
  if (problem !== null) return Promise.resolve(refuse(console, problem));
  return withBatches(wanted, flags, console, async (store, batches) => {
    for (const batch of batches) {
      const scope = {
        batchId: batch.id,
        states,
        reason: (flags.reason ?? null) as Failure["reason"] | null,
        search: flags.path ?? "",
        label: null,
        imageIds: null,
      };
      let after: { value: string; id: number } | null = null;
      do {
        const rows: StoredImage[] = await store.call("pageImages", {
          scope,
          sort: "path",
          descending: false,
          after,
          limit: PAGE,
        });
        for (const row of rows)
          console.data(flags.json === true ? JSON.stringify(imageObject(row)) : imageLine(row));
        const last = rows.at(-1);
        after = rows.length < PAGE || last === undefined ? null : { value: last.path, id: last.id };
      } while (after !== null);
    }
    return EXIT.done;
  });
}

function imageObject(row: StoredImage): object {
  const failure = failureOf(row);
  return {
    path: row.path,
    state: stateOf(row.stage),
    reason: row.reason,
    sentence: failure === null ? null : describeFailure(failure).what,
    bytes: row.bytes,
    sha256: row.sha256 === null ? null : sha256Hex(row.sha256),
    summary: row.summary,
    durationMs: row.durationMs,
    updatedAt: new Date(row.updatedAt).toISOString(),
  };
}

function imageLine(row: StoredImage): string {
  const failure = failureOf(row);
  return [
    stateOf(row.stage),
    shown(row.path),
    failure === null ? (row.summary ?? "") : describeFailure(failure).what,
  ].join("\t");
}

/** `nightrun runs`: every submission with its run id, times and end. */
export function runsCommand(
  wanted: string | undefined,
  flags: ListingFlags,
  console: Console,
): Promise<ExitCode> {
  return withBatches(wanted, flags, console, async (store, batches) => {
    for (const batch of batches) {
      let afterId = 0;
      for (;;) {
        const runs = await store.call("pageRuns", { batchId: batch.id, afterId, limit: PAGE });
        for (const run of runs)
          console.data(flags.json === true ? JSON.stringify(runObject(run)) : runLine(run));
        if (runs.length < PAGE) break;
        afterId = runs.at(-1)?.id ?? afterId;
      }
    }
    return EXIT.done;
  });
}

function isoOf(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}

function runObject(run: StoredRun & { path: string }): object {
  return {
    path: run.path,
    runId: run.uuid,
    state: run.state,
    intentAt: isoOf(run.intentAt),
    submittedAt: isoOf(run.submittedAt),
    finishedAt: isoOf(run.finishedAt),
    reason: failureOf(run)?.reason ?? null,
    note: run.note,
  };
}

function runLine(run: StoredRun & { path: string }): string {
  const took =
    run.submittedAt !== null && run.finishedAt !== null ? `${run.finishedAt - run.submittedAt} ms` : "";
  return [
    run.uuid ?? "(no run id)",
    run.state,
    isoOf(run.intentAt),
    took,
    shown(run.path),
    run.note ?? "",
  ].join("\t");
}
