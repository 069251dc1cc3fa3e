import type { BatchSettings } from "./batch.ts";
import type { Failure } from "./failure.ts";
import type { Gate } from "./gate.ts";
import type { ImageStage, ImageState, Ledger, RunRecord } from "./image.ts";
import type { Output, OutputSummary } from "./outputs.ts";
import type { Result } from "./result.ts";
import type { Workflow } from "./workflow.ts";

/**
 * Every call and event between a window and the engine, once. Schemas: `contract/schema/api.ts`; a test holds both together.
 * One object goes in, one comes out; only plain data crosses. All times are integer milliseconds since 1970, UTC.
 * Pictures and result files do not cross: a window loads them from `previewPath`, `filePath`.
 */
export interface Calls {
  "app:state": { input: Empty; output: AppState };
  "settings:get": { input: Empty; output: AppSettings };
  "settings:save": { input: AppSettings; output: AppSettings };
  "token:set": { input: { deployment: string; token: string }; output: TokenState };
  "token:clear": { input: { deployment: string }; output: TokenState };
  "token:state": { input: { deployment: string }; output: TokenState };
  "deployment:test": { input: { deployment: string }; output: Result<DeploymentReport> };
  "workflow:read": { input: { text: string }; output: Result<Workflow> };
  /** Sub-folders that can be read, for choosing a folder where there is no native dialog. null = the home folder. */
  "folder:list": { input: { folder: string | null }; output: Result<FolderListing> };
  /** Opens the native dialog on the desktop; null when cancelled or not available. */
  "folder:choose": { input: { title: string }; output: { folder: string | null } };

  "batch:check": { input: { settings: BatchSettings }; output: { problems: SettingsProblem[] } };
  "batch:create": { input: { settings: BatchSettings }; output: Result<{ batchId: number }> };
  "batch:get": { input: BatchRef; output: Result<BatchDetail> };
  /** A change of what decides a result makes a new revision and runs every image once more. */
  "batch:update": { input: { batchId: number; settings: BatchSettings }; output: Result<BatchDetail> };
  "batch:rename": { input: { batchId: number; name: string }; output: Result<BatchCard> };
  "batch:duplicate": { input: BatchRef; output: Result<{ batchId: number }> };
  /** The run log goes, the results folder stays. */
  "batch:remove": { input: BatchRef; output: Result<Empty> };
  /** A batch file (JSON text, no secrets). */
  "batch:export": { input: BatchRef; output: Result<{ fileName: string; text: string }> };
  "batch:import": { input: { text: string }; output: Result<BatchSettings> };
  /** Starts or goes on submitting. */
  "batch:start": { input: BatchRef; output: Result<BatchCard> };
  /** Stops submitting; results of runs already paid for are still collected. */
  "batch:pause": { input: BatchRef; output: Result<BatchCard> };
  /** Probes a closed gate now instead of at its next time. */
  "batch:try-now": { input: BatchRef; output: Result<BatchCard> };
  /** Walks the folder now. */
  "batch:rescan": { input: BatchRef; output: Result<Empty> };
  /** One run outside the ledger, before anything is started. `path` null = the first image found. */
  "batch:try-image": { input: { settings: BatchSettings; path: string | null }; output: Result<Trial> };
  "batch:night": { input: { batchId: number; fromAt: number | null }; output: Result<Night> };
  /** The newest first; `before` = id of the oldest event already shown. */
  "batch:events": {
    input: { batchId: number; before: number | null; limit: number };
    output: Result<{ events: BatchEvent[] }>;
  };
  "batch:in-flight": { input: BatchRef; output: Result<{ rows: InFlightRow[] }> };
  "batch:failures": { input: BatchRef; output: Result<{ groups: FailureGroup[] }> };
  /** Writes an export file into the results folder and tells its name. */
  "batch:export-results": {
    input: { batchId: number; format: "jsonl" | "csv"; states: ImageState[] };
    output: Result<{ file: string; images: number }>;
  };

  "images:page": { input: ImagesQuery; output: Result<ImagesPage> };
  "images:counts": { input: { scope: ImageScope }; output: Result<ImageCounts> };
  /** How many images a retry would take and how many runs that is: shown before it is done. */
  "images:retry-preview": { input: { scope: ImageScope }; output: Result<RetryCount> };
  "images:retry": { input: { scope: ImageScope }; output: Result<RetryCount> };
  "image:get": { input: { imageId: number }; output: Result<ImageDetail> };
  /** Opens the file manager at the picture or its result file, by id only. False where there is none. */
  "image:reveal": { input: { imageId: number; what: "picture" | "result" }; output: { revealed: boolean } };
}

export interface Events {
  /** At most 4 a second; whole cards. */
  "batches:changed": { batches: BatchCard[] };
  /** At most 4 a second for each batch; rows that changed, at most 200; `more` = reload what is shown. */
  "images:changed": { batchId: number; rows: ImageRow[]; more: boolean };
  "event:added": { batchId: number; event: BatchEvent };
  /** The engine behind the window went away or came back. */
  "engine:changed": { running: boolean; failure: Failure | null };
}

export type CallName = keyof Calls;
export type EventName = keyof Events;
export type Input<N extends CallName> = Calls[N]["input"];
export type CallOutput<N extends CallName> = Calls[N]["output"];

/** What crosses the wire for every call: a transport's own failures look like any other failure. */
export type Envelope<T> = Result<T>;

/** What a window sees of its host; the same over IPC and over loopback HTTP. */
export interface Transport {
  call<N extends CallName>(name: N, input: Input<N>): Promise<Envelope<CallOutput<N>>>;
  on<E extends EventName>(name: E, listener: (event: Events[E]) => void): () => void;
}

export type Handlers = {
  [N in CallName]: (input: Input<N>) => CallOutput<N> | Promise<CallOutput<N>>;
};

export type Empty = Record<string, never>;

export interface BatchRef {
  batchId: number;
}

export interface AppState {
  version: string;
  host: "desktop" | "web";
  /** Another process writes the data file; this one only looks. */
  readOnly: boolean;
  dataFile: string;
  /** For suggestions in forms. */
  home: string;
  /** Whether a native folder dialog and a file manager exist. */
  native: boolean;
  batches: BatchCard[];
}

export interface AppSettings {
  theme: "system" | "dark" | "light";
  /** Stop submitting below this much free space, in bytes. */
  minimumFreeBytes: number;
  /** null = never, else stop submitting below this battery level in percent. Desktop only. */
  batteryFloorPercent: number | null;
  startAtLogin: boolean;
}

export interface TokenState {
  /** Where the token comes from; the token itself never comes back. */
  source: "none" | "environment" | "stored" | "memory" | "not-needed";
  /** The last four characters, to tell tokens apart; null when it is short or unknown. */
  ending: string | null;
  /** Why it is not kept over a restart, in words; null when it is. */
  note: string | null;
}

export interface DeploymentReport {
  deployment: string;
  /** null when `/workflow` does not answer: names can then be typed freely. */
  workflow: Workflow | null;
  workflowHash: string | null;
  /** Why there is no workflow. */
  note: Failure | null;
  tookMs: number;
}

export interface FolderListing {
  folder: string;
  parent: string | null;
  folders: { name: string; folder: string }[];
  /** Image files directly inside, counted up to 1000. */
  images: number;
}

/** A problem of one field of the settings; `field` is its path, for example `intake.folder` or `decision.parameters.0`. */
export interface SettingsProblem {
  field: string;
  failure: Failure;
}

export type BatchActivity = "running" | "paused" | "finished" | "idle";

/** A batch as the side bar and the dashboard's head need it. */
export interface BatchCard {
  id: number;
  name: string;
  folder: string;
  deployment: string;
  resultsFolder: string;
  activity: BatchActivity;
  gates: Gate[];
  ledger: Ledger;
  /** Runs ever submitted for this batch. */
  runs: number;
  endsAt: TimeRange | null;
  /** Images a minute over the last minutes; null when unknown. */
  imagesPerMinute: number | null;
  /** Run time in milliseconds. */
  runTime: Spread | null;
  /** A walk of the folder is going on. */
  walking: boolean;
  revision: number;
}

/** Wall clock; `typical` lies between the others. */
export interface TimeRange {
  earliest: number;
  typical: number;
  latest: number;
}

export interface Spread {
  low: number;
  median: number;
  high: number;
}

export interface BatchDetail {
  card: BatchCard;
  settings: BatchSettings;
  createdAt: number;
  revisions: { revision: number; createdAt: number; images: number }[];
  workflowHash: string | null;
}

/** One run before anything is started. */
export interface Trial {
  path: string;
  /** Load the picture from `trialPath(trialId, ...)`. */
  trialId: string;
  width: number;
  height: number;
  tookMs: number;
  runId: string;
  outputs: ImageOutput[];
}

export interface ImageOutput {
  taskName: string;
  taskIndex: number;
  outputIndex: number;
  output: Output;
  raw: unknown;
  summary: OutputSummary;
}

/** Figures and series for the dashboard; bucket i covers `fromAt + i * bucketMs`. */
export interface Night {
  fromAt: number;
  bucketMs: number;
  /** Images done in each bucket. */
  done: number[];
  /** Median run time in milliseconds in each bucket; null where none ended. */
  runTimeMs: (number | null)[];
  /** Runs outstanding at the end of each bucket. */
  inFlight: number[];
  /** Closed gates as bands. `untilAt` null = still closed. */
  gates: { kind: Gate["kind"]; fromAt: number; untilAt: number | null }[];
  /** Summed run time of all runs of the batch in milliseconds. */
  totalRunTimeMs: number;
  /** Runs beyond one per image, by why they were needed. */
  extraRuns: { uncertain: number; lost: number; workflowErrors: number };
}

/** Something that happened, as a sentence. */
export interface BatchEvent {
  id: number;
  at: number;
  kind: string;
  /** For a person; from the catalogue in `contract/event.ts`. */
  sentence: string;
  imageId: number | null;
  path: string | null;
  severity: "info" | "notice" | "warning";
}

export interface InFlightRow {
  imageId: number;
  path: string;
  stage: ImageStage;
  runId: string | null;
  submittedAt: number | null;
  /** Age against the typical run time; null when unknown. */
  typicalMs: number | null;
}

export interface FailureGroup {
  reason: Failure["reason"];
  state: ImageState;
  /** A sample of the group, for its sentence. */
  failure: Failure;
  count: number;
  samples: { imageId: number; path: string }[];
  retryable: boolean;
}

/** Which images: a list, a count and an action always share one scope. */
export interface ImageScope {
  batchId: number;
  states: ImageState[];
  reason: Failure["reason"] | null;
  /** Part of the path; "" = all. */
  search: string;
  /** Label found in a result; null = all. */
  label: string | null;
  /** When given, only these. */
  imageIds: number[] | null;
}

export type ImageSort = "path" | "updated" | "bytes" | "duration";

export interface ImagesQuery {
  scope: ImageScope;
  sort: ImageSort;
  descending: boolean;
  /** The `next` of the page before; null = the first page. */
  after: string | null;
  /** Rows left out behind that, to reach a place in a long list at once. @default 0 */
  skip?: number | undefined;
  limit: number;
}

export interface ImagesPage {
  rows: ImageRow[];
  next: string | null;
}

export interface ImageRow {
  id: number;
  batchId: number;
  path: string;
  state: ImageState;
  stage: ImageStage;
  reason: Failure["reason"] | null;
  bytes: number;
  summary: string | null;
  /** From submission to stored result. */
  durationMs: number | null;
  updatedAt: number;
}

export interface ImageCounts {
  total: number;
  byState: Record<ImageState, number>;
  /** Labels found in results of the scope, the most frequent first, at most 100. */
  labels: { label: string; images: number }[];
}

export interface RetryCount {
  images: number;
  /** New runs that will be paid for; smaller than `images` when results only have to be written again. */
  runs: number;
}

export interface ImageDetail {
  row: ImageRow;
  sha256: string | null;
  width: number | null;
  height: number | null;
  failure: Failure | null;
  runs: RunRecord[];
  outputs: ImageOutput[];
  /** Relative to the results folder. */
  files: string[];
  /** Same picture as this path; its result was used. */
  sharedWith: string | null;
  /** Finished rows of the same path that are history: earlier revisions and earlier contents. */
  earlier: { imageId: number; history: string; updatedAt: number }[];
}

/** Where a window loads a preview: upright, at most `edge` pixels on its longer side, a format browsers show. */
export function previewPath(imageId: number, edge: 96 | 480 | 2048): string {
  return `preview/${imageId}/${edge}`;
}

/** Where a window loads a picture that was taken out of an output, for example a mask (always PNG or JPEG). */
export function filePath(imageId: number, suffix: string): string {
  return `file/${imageId}/${encodeURIComponent(suffix)}`;
}

/** The same for a trial: suffix "" = the picture itself. */
export function trialPath(trialId: string, suffix: string): string {
  return `trial/${trialId}/${encodeURIComponent(suffix)}`;
}

/** Every call's name: the preload and the web host are built from it. */
export const CALL_NAMES = [
  "app:state",
  "settings:get",
  "settings:save",
  "token:set",
  "token:clear",
  "token:state",
  "deployment:test",
  "workflow:read",
  "folder:list",
  "folder:choose",
  "batch:check",
  "batch:create",
  "batch:get",
  "batch:update",
  "batch:rename",
  "batch:duplicate",
  "batch:remove",
  "batch:export",
  "batch:import",
  "batch:start",
  "batch:pause",
  "batch:try-now",
  "batch:rescan",
  "batch:try-image",
  "batch:night",
  "batch:events",
  "batch:in-flight",
  "batch:failures",
  "batch:export-results",
  "images:page",
  "images:counts",
  "images:retry-preview",
  "images:retry",
  "image:get",
  "image:reveal",
] as const satisfies readonly CallName[];

export const EVENT_NAMES = [
  "batches:changed",
  "images:changed",
  "event:added",
  "engine:changed",
] as const satisfies readonly EventName[];
