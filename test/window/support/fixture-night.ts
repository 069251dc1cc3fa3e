import type {
  BatchEvent,
  FailureGroup,
  ImageDetail,
  ImageOutput,
  Night,
} from "../../../electron/contract/api.ts";
import { fail, succeed, type Result } from "../../../electron/contract/result.ts";
import { chance, SHEET } from "./drawn-night.ts";
import type { FixtureBatch } from "./fixture-batch.ts";

const HOUR = 3_600_000;

export function nightOf(batch: FixtureBatch, now: number): Night {
  const bucketMs = 5 * 60_000;
  const buckets = batch.card.ledger.done === 0 ? 0 : 88;
  const fromAt = now - buckets * bucketMs;
  const isOut = (i: number) => i > 41 && i < 48;
  const wave = (i: number, salt: number) => Math.sin(i / 9) * 8 + chance(i, salt) * 14;
  const out = {
    kind: "unreachable",
    fromAt: fromAt + 42 * bucketMs,
    untilAt: fromAt + 48 * bucketMs,
  } as const;
  const gates: Night["gates"] = buckets === 0 ? [] : [out];
  for (const gate of batch.card.gates) gates.push({ kind: gate.kind, fromAt: gate.since, untilAt: null });
  return {
    fromAt,
    bucketMs,
    done: Array.from({ length: buckets }, (_, i) => (isOut(i) ? 0 : Math.round(140 + wave(i, 70)))),
    runTimeMs: Array.from({ length: buckets }, (_, i) => (isOut(i) ? null : 3100 + wave(i, 71) * 25)),
    inFlight: Array.from({ length: buckets }, (_, i) => (isOut(i) ? 0 : 5)),
    gates,
    totalRunTimeMs: batch.card.ledger.done * 3200,
    extraRuns: { uncertain: 1, lost: 3, workflowErrors: 0 },
  };
}

export function eventsOf(batch: FixtureBatch, now: number): BatchEvent[] {
  const base = { imageId: null, path: null } as const;
  const list: BatchEvent[] = [
    {
      id: 1,
      at: now - 7.4 * HOUR,
      kind: "run-started",
      sentence: `Started on ${batch.card.folder}.`,
      severity: "info",
      ...base,
    },
    {
      id: 2,
      at: now - 6.9 * HOUR,
      kind: "workflow-failed",
      sentence: 'The workflow failed on this image: "CUDA out of memory". Other images go on.',
      severity: "warning",
      imageId: batch.firstId + 411,
      path: batch.row(Math.min(411, Math.max(0, batch.states.length - 1)) || 0).path,
    },
    {
      id: 3,
      at: now - 3.8 * HOUR,
      kind: "gate-closed",
      sentence: "The server stopped answering. 16 runs are being computed there.",
      severity: "warning",
      ...base,
    },
    {
      id: 4,
      at: now - 3.3 * HOUR,
      kind: "gate-opened",
      sentence: "Goes on after 30 min.",
      severity: "info",
      ...base,
    },
    {
      id: 5,
      at: now - 3.2 * HOUR,
      kind: "result-lost",
      sentence: "3 results were lost on the way and computed again.",
      severity: "notice",
      ...base,
    },
  ];
  return batch.states.length < 412 ? list.filter((event) => event.id !== 2).reverse() : list.reverse();
}

export function failuresOf(batch: FixtureBatch): FailureGroup[] {
  const groups = new Map<string, FailureGroup>();
  batch.states.forEach((state, i) => {
    const failure = batch.failure(i);
    if (failure === null) return;
    const key = `${state} ${failure.reason}`;
    const group = groups.get(key) ?? {
      reason: failure.reason,
      state,
      failure,
      count: 0,
      samples: [],
      retryable: state === "failed" || state === "missing",
    };
    group.count += 1;
    if (group.samples.length < 3) group.samples.push({ imageId: batch.firstId + i, path: batch.row(i).path });
    groups.set(key, group);
  });
  return [...groups.values()].sort((a, b) => b.count - a.count);
}

export function detailOf(
  batches: readonly FixtureBatch[],
  imageId: number,
  outputs: (imageId: number) => ImageOutput[],
): Result<ImageDetail> {
  const batch = batches.find((b) => imageId >= b.firstId && imageId < b.firstId + b.states.length);
  if (batch === undefined) return fail({ reason: "internal", message: `no image ${imageId}` });
  const row = batch.row(imageId - batch.firstId);
  const failure = batch.failure(imageId - batch.firstId);
  const isDone = row.state === "done";
  const submittedAt = row.updatedAt - 3200;
  return succeed({
    row,
    sha256: "9f2c",
    width: SHEET.width,
    height: SHEET.height,
    failure,
    runs:
      row.state === "waiting" || row.state === "skipped"
        ? []
        : [
            {
              id: imageId,
              uuid: `0c9a53e2-7c1b-4f0e-9d0a-${String(imageId).padStart(12, "0")}`,
              state: isDone ? "DONE" : row.state === "failed" ? "FAILED" : "SUBMITTED",
              intentAt: submittedAt - 120,
              submittedAt,
              finishedAt: isDone ? row.updatedAt : null,
              failure,
            },
          ],
    outputs: isDone ? outputs(imageId) : [],
    files: isDone ? [`${row.path}.json`] : [],
    sharedWith: imageId % 50 === 7 && isDone ? "drawer 001/sheet 0000017.tif" : null,
    earlier: [],
  });
}
