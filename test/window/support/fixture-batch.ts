import type {
  BatchCard,
  ImageCounts,
  ImageRow,
  ImageScope,
  ImagesPage,
  ImagesQuery,
} from "../../../electron/contract/api.ts";
import { DEFAULT_LIMITS, type BatchSettings } from "../../../electron/contract/batch.ts";
import type { Failure } from "../../../electron/contract/failure.ts";
import {
  IMAGE_STATES,
  type ImageStage,
  type ImageState,
  type Ledger,
} from "../../../electron/contract/image.ts";
import { chance } from "./drawn-night.ts";
import { summaryOf } from "./fixture-outputs.ts";

const STAGES: Record<ImageState, ImageStage> = {
  waiting: "READY",
  "in-flight": "SUBMITTED",
  uncertain: "UNCERTAIN",
  done: "DONE",
  failed: "FAILED",
  skipped: "SKIPPED",
  missing: "MISSING",
};

export const FAILURES: Partial<Record<ImageState, Failure[]>> = {
  failed: [
    { reason: "workflow-error", status: 520, message: "CUDA out of memory" },
    { reason: "truncated", format: "TIFF" },
    { reason: "too-large", bytes: 182_000_000 },
  ],
  skipped: [
    { reason: "name-does-not-match", extension: "jpg", found: "a PDF document" },
    { reason: "special-file", kind: "symbolic link" },
  ],
  missing: [{ reason: "vanished" }],
};

export interface FixtureBatchOptions {
  id: number;
  name: string;
  folder: string;
  images: number;
  /** Part of the images that is handled already, 0..1. */
  progress: number;
  activity: BatchCard["activity"];
  gates: BatchCard["gates"];
  now: number;
}

/** A batch of computed images: position i always has the same path; only its state is kept. */
export class FixtureBatch {
  readonly options: FixtureBatchOptions;
  readonly states: ImageState[];
  settings: BatchSettings;
  card: BatchCard;
  revisions: { revision: number; createdAt: number; images: number }[];

  constructor(options: FixtureBatchOptions) {
    this.options = options;
    const handled = Math.floor(options.images * options.progress);
    this.states = Array.from({ length: options.images }, (_, i) => stateAt(i, handled, options));
    this.settings = fixtureSettings(options);
    this.revisions = [{ revision: 1, createdAt: options.now - 8 * 3_600_000, images: options.images }];
    this.card = this.#makeCard();
  }

  get firstId(): number {
    return this.options.id * 10_000_000;
  }

  refreshCard(): BatchCard {
    this.card = { ...this.card, ledger: ledgerOf(this.states) };
    return this.card;
  }

  row(i: number): ImageRow {
    const state = this.states[i]!;
    const id = this.firstId + i;
    return {
      id,
      batchId: this.options.id,
      path: pathAt(i),
      state,
      stage: STAGES[state],
      reason: this.failure(i)?.reason ?? null,
      bytes: 400_000 + Math.floor(chance(i, 60) * 24_000_000),
      summary: state === "done" ? summaryOf(id) : null,
      durationMs: state === "done" ? 2400 + Math.floor(chance(i, 61) * 2000) : null,
      updatedAt: this.options.now - (this.states.length - i) * 400,
    };
  }

  failure(i: number): Failure | null {
    const choices = FAILURES[this.states[i]!];
    return choices?.[Math.floor(chance(i, 62) * chance(i, 63) * choices.length)] ?? null;
  }

  matches(i: number, scope: ImageScope): boolean {
    if (!scope.states.includes(this.states[i]!)) return false;
    if (scope.imageIds !== null && !scope.imageIds.includes(this.firstId + i)) return false;
    if (scope.reason !== null && this.failure(i)?.reason !== scope.reason) return false;
    if (scope.search !== "" && !pathAt(i).toLowerCase().includes(scope.search.toLowerCase())) return false;
    return scope.label === null || (this.row(i).summary ?? "").includes(scope.label);
  }

  page({ scope, descending, after, skip = 0, limit }: ImagesQuery): ImagesPage {
    const rows: ImageRow[] = [];
    const step = descending ? -1 : 1;
    let i = after === null ? (descending ? this.states.length - 1 : 0) : Number(after) + step;
    let left = skip;
    for (; i >= 0 && i < this.states.length && rows.length < limit; i += step) {
      if (!this.matches(i, scope)) continue;
      if (left > 0) left -= 1;
      else rows.push(this.row(i));
    }
    let hasMore = false;
    for (let j = i; j >= 0 && j < this.states.length && !hasMore; j += step) hasMore = this.matches(j, scope);
    return { rows, next: hasMore ? String(i - step) : null };
  }

  counts(scope: ImageScope): ImageCounts {
    const byState = Object.fromEntries(IMAGE_STATES.map((state) => [state, 0])) as Record<ImageState, number>;
    let total = 0;
    for (let i = 0; i < this.states.length; i += 1) {
      if (!this.matches(i, scope)) continue;
      byState[this.states[i]!] += 1;
      total += 1;
    }
    const labels = ["leaf", "flower", "stem"].map((label, i) => ({
      label,
      images: Math.floor(byState.done / (i + 1.3)),
    }));
    return { total, byState, labels: byState.done === 0 ? [] : labels };
  }

  #makeCard(): BatchCard {
    const { id, name, folder, activity, gates, now } = this.options;
    const ledger = ledgerOf(this.states);
    const left = ledger.waiting + ledger.inFlight + ledger.uncertain;
    const ms = (left / 31) * 60_000;
    return {
      id,
      name,
      folder,
      deployment: this.settings.decision.deployment,
      resultsFolder: this.settings.results.resultsFolder,
      activity,
      gates,
      ledger,
      runs: ledger.done + ledger.failed + 19,
      endsAt:
        activity === "running" && gates.length === 0
          ? { earliest: now + ms * 0.85, typical: now + ms, latest: now + ms * 1.25 }
          : null,
      imagesPerMinute: activity === "running" ? (gates.length === 0 ? 31.4 : 0) : null,
      runTime: ledger.done > 0 ? { low: 2900, median: 3200, high: 3600 } : null,
      walking: false,
      revision: 1,
    };
  }
}

function stateAt(i: number, handled: number, { activity }: FixtureBatchOptions): ImageState {
  if (i >= handled) {
    if (activity === "running" && i < handled + 16) return "in-flight";
    return activity === "running" && i < handled + 19 ? "uncertain" : "waiting";
  }
  const luck = chance(i, 64);
  if (luck < 0.003) return "failed";
  if (luck < 0.0045) return "skipped";
  return luck < 0.005 ? "missing" : "done";
}

export function pathAt(i: number): string {
  const drawer = String(Math.floor(i / 500) + 1).padStart(3, "0");
  return `drawer ${drawer}/sheet ${String(i + 1).padStart(7, "0")}.tif`;
}

export function ledgerOf(states: readonly ImageState[]): Ledger {
  const ledger = {
    seen: states.length,
    waiting: 0,
    inFlight: 0,
    uncertain: 0,
    done: 0,
    failed: 0,
    skipped: 0,
    missing: 0,
  };
  for (const state of states) ledger[state === "in-flight" ? "inFlight" : state] += 1;
  return ledger;
}

export function fixtureSettings({ name, folder }: { name: string; folder: string }): BatchSettings {
  return {
    name,
    decision: {
      deployment: "simulator",
      outputs: [{ taskName: "find_blobs", taskIndex: 0, outputIndex: 1 }],
      parameters: [{ taskName: "find_blobs", taskIndex: 0, name: "min_area", value: "120" }],
      inputs: [],
    },
    intake: { folder, recursive: true, include: [], exclude: [], dedupe: true },
    results: { resultsFolder: `${folder}-results`, keepRaw: false },
    limits: DEFAULT_LIMITS,
  };
}
