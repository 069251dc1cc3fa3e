import { z } from "zod";
import type { CallName, Empty, EventName, ImageSort } from "../api.ts";
import { EVENT_NAMES } from "../api.ts";
import { FAILURE_REASONS, type Failure } from "../failure.ts";
import { GATE_KINDS } from "../gate.ts";
import { IMAGE_STAGES, IMAGE_STATES, RUN_STATES, type ImageState } from "../image.ts";
import type { Workflow } from "../workflow.ts";
import { batchSettings, draftSettings } from "./batch.ts";
import { typedOutput } from "./outputs.ts";

/**
 * The zod side of `contract/api.ts`: what a window sends is checked against `CALL_SCHEMAS[name].input` before any
 * handler sees it; answers and events are held against the rest by the tests. Texts and lists have limits everywhere.
 */
const MOST_IMAGE_IDS = 10_000;
const MOST_ROWS = 500;
/** A workflow file or a batch file, in characters. */
const LONGEST_FILE = 1_500_000;

const empty: z.ZodType<Empty> = z.record(z.string(), z.never());
const id = z.int().min(1);
const at = z.int();
const count = z.int().min(0);
const batchRef = z.strictObject({ batchId: id });
const address = z.string().min(1).max(2000);
const path = z.string().max(4000);
const text = z.string();

function isFailure(value: unknown): value is Failure {
  if (typeof value !== "object" || value === null || !("reason" in value)) return false;
  return (FAILURE_REASONS as readonly unknown[]).includes(value.reason);
}

/** Any failure of the closed union, told by its reason. */
export const failureSchema: z.ZodType<Failure> = z.custom<Failure>(isFailure);

const reason = z.enum(FAILURE_REASONS);

function result<T extends z.ZodType>(
  value: T,
): z.ZodUnion<
  [
    z.ZodObject<{ ok: z.ZodLiteral<true>; value: T }>,
    z.ZodObject<{ ok: z.ZodLiteral<false>; failure: z.ZodType<Failure> }>,
  ]
> {
  return z.union([
    z.object({ ok: z.literal(true), value }),
    z.object({ ok: z.literal(false), failure: failureSchema }),
  ]);
}

const ledger = z.strictObject({
  seen: count,
  waiting: count,
  inFlight: count,
  uncertain: count,
  done: count,
  failed: count,
  skipped: count,
  missing: count,
});

const gateKind = z.enum(GATE_KINDS);
const gate = z.strictObject({
  kind: gateKind,
  since: at,
  failure: failureSchema.nullable(),
  nextTryAt: at.nullable(),
});

const milliseconds = z.number().min(0);

const batchCard = z.strictObject({
  id,
  name: text,
  folder: text,
  deployment: text,
  resultsFolder: text,
  activity: z.enum(["running", "paused", "finished", "idle"]),
  gates: z.array(gate),
  ledger,
  runs: count,
  endsAt: z.strictObject({ earliest: at, typical: at, latest: at }).nullable(),
  imagesPerMinute: z.number().min(0).nullable(),
  runTime: z.strictObject({ low: milliseconds, median: milliseconds, high: milliseconds }).nullable(),
  walking: z.boolean(),
  revision: count,
});

const appSettings = z.strictObject({
  theme: z.enum(["system", "dark", "light"]),
  minimumFreeBytes: z.int().min(0).max(1e15),
  batteryFloorPercent: z.int().min(0).max(100).nullable(),
  startAtLogin: z.boolean(),
});

const tokenState = z.strictObject({
  source: z.enum(["none", "environment", "stored", "memory", "not-needed"]),
  ending: z.string().max(4).nullable(),
  note: text.nullable(),
});

/** A read workflow: the file's own form is `contract/schema/workflow.ts`. */
const workflow: z.ZodType<Workflow> = z.strictObject({
  name: text,
  tasks: z.array(
    z.strictObject({
      id: z.int(),
      name: text,
      taskIndex: count,
      inputs: z.array(text),
      outputs: z.array(text).nullable(),
      parameters: z.array(z.strictObject({ name: text, value: text })),
    }),
  ),
  connections: z.array(
    z.strictObject({
      sourceId: z.int(),
      sourceIndex: z.int(),
      targetId: z.int(),
      targetIndex: z.int(),
    }),
  ),
});

const imageState: z.ZodType<ImageState> = z.enum(IMAGE_STATES);

const scope = z.strictObject({
  batchId: id,
  states: z.array(imageState).max(IMAGE_STATES.length),
  reason: reason.nullable(),
  search: z.string().max(1000),
  label: z.string().max(200).nullable(),
  imageIds: z.array(id).max(MOST_IMAGE_IDS).nullable(),
});

const sort: z.ZodType<ImageSort> = z.enum(["path", "updated", "bytes", "duration"]);

const imageRow = z.strictObject({
  id,
  batchId: id,
  path: text,
  state: imageState,
  stage: z.enum(IMAGE_STAGES),
  reason: reason.nullable(),
  bytes: count,
  summary: text.nullable(),
  durationMs: milliseconds.nullable(),
  updatedAt: at,
});

const imageOutput = z.strictObject({
  taskName: text,
  taskIndex: count,
  outputIndex: count,
  output: typedOutput,
  raw: z.unknown(),
  summary: z.strictObject({
    type: text,
    labels: z.record(z.string(), z.number()).optional(),
    text,
  }),
});

const run = z.strictObject({
  id,
  uuid: text.nullable(),
  state: z.enum(RUN_STATES),
  intentAt: at,
  submittedAt: at.nullable(),
  finishedAt: at.nullable(),
  failure: failureSchema.nullable(),
});

const batchEvent = z.strictObject({
  id,
  at,
  kind: text,
  sentence: text,
  imageId: id.nullable(),
  path: text.nullable(),
  severity: z.enum(["info", "notice", "warning"]),
});

const retryCount = z.strictObject({ images: count, runs: count });

const batchDetail = z.strictObject({
  card: batchCard,
  settings: batchSettings,
  createdAt: at,
  revisions: z.array(z.strictObject({ revision: count, createdAt: at, images: count })),
  workflowHash: text.nullable(),
});

const night = z.strictObject({
  fromAt: at,
  bucketMs: z.int().min(1),
  done: z.array(count),
  runTimeMs: z.array(milliseconds.nullable()),
  inFlight: z.array(count),
  gates: z.array(z.strictObject({ kind: gateKind, fromAt: at, untilAt: at.nullable() })),
  totalRunTimeMs: milliseconds,
  extraRuns: z.strictObject({ uncertain: count, lost: count, workflowErrors: count }),
});

const trial = z.strictObject({
  path: text,
  trialId: text,
  width: count,
  height: count,
  tookMs: milliseconds,
  runId: text,
  outputs: z.array(imageOutput),
});

const imageDetail = z.strictObject({
  row: imageRow,
  sha256: text.nullable(),
  width: count.nullable(),
  height: count.nullable(),
  failure: failureSchema.nullable(),
  runs: z.array(run),
  outputs: z.array(imageOutput),
  files: z.array(text),
  sharedWith: text.nullable(),
  earlier: z.array(z.strictObject({ imageId: id, history: text, updatedAt: at })),
});

/** Input and output of every call. */
export const CALL_SCHEMAS = {
  "app:state": {
    input: empty,
    output: z.strictObject({
      version: text,
      host: z.enum(["desktop", "web"]),
      readOnly: z.boolean(),
      dataFile: text,
      home: text,
      native: z.boolean(),
      batches: z.array(batchCard),
    }),
  },
  "settings:get": { input: empty, output: appSettings },
  "settings:save": { input: appSettings, output: appSettings },
  "token:set": {
    input: z.strictObject({ deployment: address, token: z.string().min(1).max(4096) }),
    output: tokenState,
  },
  "token:clear": { input: z.strictObject({ deployment: address }), output: tokenState },
  "token:state": { input: z.strictObject({ deployment: address }), output: tokenState },
  "deployment:test": {
    input: z.strictObject({ deployment: address }),
    output: result(
      z.strictObject({
        deployment: text,
        workflow: workflow.nullable(),
        workflowHash: text.nullable(),
        note: failureSchema.nullable(),
        tookMs: milliseconds,
      }),
    ),
  },
  "workflow:read": {
    input: z.strictObject({ text: z.string().max(LONGEST_FILE) }),
    output: result(workflow),
  },
  "folder:list": {
    input: z.strictObject({ folder: path.nullable() }),
    output: result(
      z.strictObject({
        folder: text,
        parent: text.nullable(),
        folders: z.array(z.strictObject({ name: text, folder: text })),
        images: count,
      }),
    ),
  },
  "folder:choose": {
    input: z.strictObject({ title: z.string().max(200) }),
    output: z.strictObject({ folder: text.nullable() }),
  },
  "batch:check": {
    input: z.strictObject({ settings: draftSettings }),
    output: z.strictObject({
      problems: z.array(z.strictObject({ field: text, failure: failureSchema })),
    }),
  },
  "batch:create": {
    input: z.strictObject({ settings: batchSettings }),
    output: result(z.strictObject({ batchId: id })),
  },
  "batch:get": { input: batchRef, output: result(batchDetail) },
  "batch:update": {
    input: z.strictObject({ batchId: id, settings: batchSettings }),
    output: result(batchDetail),
  },
  "batch:rename": {
    input: z.strictObject({ batchId: id, name: z.string().min(1).max(200) }),
    output: result(batchCard),
  },
  "batch:duplicate": { input: batchRef, output: result(z.strictObject({ batchId: id })) },
  "batch:remove": { input: batchRef, output: result(empty) },
  "batch:export": {
    input: batchRef,
    output: result(z.strictObject({ fileName: text, text })),
  },
  "batch:import": {
    input: z.strictObject({ text: z.string().max(LONGEST_FILE) }),
    output: result(draftSettings),
  },
  "batch:start": { input: batchRef, output: result(batchCard) },
  "batch:pause": { input: batchRef, output: result(batchCard) },
  "batch:try-now": { input: batchRef, output: result(batchCard) },
  "batch:rescan": { input: batchRef, output: result(empty) },
  "batch:try-image": {
    input: z.strictObject({ settings: batchSettings, path: path.nullable() }),
    output: result(trial),
  },
  "batch:night": {
    input: z.strictObject({ batchId: id, fromAt: z.int().min(0).nullable() }),
    output: result(night),
  },
  "batch:events": {
    input: z.strictObject({
      batchId: id,
      before: id.nullable(),
      limit: z.int().min(1).max(MOST_ROWS),
    }),
    output: result(z.strictObject({ events: z.array(batchEvent) })),
  },
  "batch:in-flight": {
    input: batchRef,
    output: result(
      z.strictObject({
        rows: z.array(
          z.strictObject({
            imageId: id,
            path: text,
            stage: z.enum(IMAGE_STAGES),
            runId: text.nullable(),
            submittedAt: at.nullable(),
            typicalMs: milliseconds.nullable(),
          }),
        ),
      }),
    ),
  },
  "batch:failures": {
    input: batchRef,
    output: result(
      z.strictObject({
        groups: z.array(
          z.strictObject({
            reason,
            state: imageState,
            failure: failureSchema,
            count,
            samples: z.array(z.strictObject({ imageId: id, path: text })),
            retryable: z.boolean(),
          }),
        ),
      }),
    ),
  },
  "batch:export-results": {
    input: z.strictObject({
      batchId: id,
      format: z.enum(["jsonl", "csv"]),
      states: z.array(imageState).max(IMAGE_STATES.length),
    }),
    output: result(z.strictObject({ file: text, images: count })),
  },
  "images:page": {
    input: z.strictObject({
      scope,
      sort,
      descending: z.boolean(),
      after: z.string().max(20_000).nullable(),
      skip: count.optional(),
      limit: z.int().min(1).max(MOST_ROWS),
    }),
    output: result(z.strictObject({ rows: z.array(imageRow), next: text.nullable() })),
  },
  "images:counts": {
    input: z.strictObject({ scope }),
    output: result(
      z.strictObject({
        total: count,
        byState: z.record(z.enum(IMAGE_STATES), count),
        labels: z.array(z.strictObject({ label: text, images: count })).max(100),
      }),
    ),
  },
  "images:retry-preview": { input: z.strictObject({ scope }), output: result(retryCount) },
  "images:retry": { input: z.strictObject({ scope }), output: result(retryCount) },
  "image:get": { input: z.strictObject({ imageId: id }), output: result(imageDetail) },
  "image:reveal": {
    input: z.strictObject({ imageId: id, what: z.enum(["picture", "result"]) }),
    output: z.strictObject({ revealed: z.boolean() }),
  },
} as const satisfies Record<CallName, { input: z.ZodType; output: z.ZodType }>;

/** Every event. */
export const EVENT_SCHEMAS = {
  "batches:changed": z.strictObject({ batches: z.array(batchCard) }),
  "images:changed": z.strictObject({
    batchId: id,
    rows: z.array(imageRow).max(200),
    more: z.boolean(),
  }),
  "event:added": z.strictObject({ batchId: id, event: batchEvent }),
  "engine:changed": z.strictObject({ running: z.boolean(), failure: failureSchema.nullable() }),
} as const satisfies Record<EventName, z.ZodType>;

/** Whether a text names an event of the contract. */
export function isEventName(name: string): name is EventName {
  return (EVENT_NAMES as readonly string[]).includes(name);
}
