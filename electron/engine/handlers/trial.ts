import { randomUUID } from "node:crypto";
import type { Handlers, ImageOutput, Trial } from "../../contract/api.ts";
import type { BatchSettings, ResultDecision } from "../../contract/batch.ts";
import type { Failure } from "../../contract/failure.ts";
import { fail, succeed, type Result } from "../../contract/result.ts";
import { findTask, type Workflow } from "../../contract/workflow.ts";
import type { Deployment } from "../deployment/client.ts";
import { openImage, type OpenImage } from "../intake/open.ts";
import { createReader } from "../intake/formats/reader.ts";
import { inspectPicture, type Picture } from "../intake/picture.ts";
import { walk } from "../intake/walk.ts";
import { previewOf } from "../previews/decode.ts";
import { showable } from "../previews/showable.ts";
import type { PictureAnswer } from "../previews/previews.ts";
import { readAnswer, type AnswerOutput } from "../results/answer.ts";
import { checkAgainstWorkflow, checkFolder, prepare } from "../setup.ts";
import { canonicalSettings } from "./batches.ts";
import { CallRefused, writerOf, type HandlerContext } from "./context.ts";
import { runOnce } from "./run-once.ts";

/** Tries a workflow on one image; its pictures stay in memory for a while. */
export interface Trials {
  handlers: Pick<Handlers, "batch:try-image">;
  picture(trialId: string, suffix: string): PictureAnswer;
  stop(): void;
}

const KEPT_TRIALS = 6;
const TRIALS_AT_ONCE = 2;
const PREVIEW_EDGE = 2048;
/** How many files are looked at for one that is a picture. */
const MOST_CANDIDATES = 50;

interface Checked {
  settings: BatchSettings;
  workflow: Workflow | null;
  deployment: Deployment;
}

interface Candidate {
  path: string;
  file: OpenImage;
  picture: Picture;
}

export function createTrials(context: HandlerContext, random: () => number): Trials {
  const kept = new Map<string, Map<string, { type: string; bytes: Uint8Array }>>();
  const stopping = new AbortController();
  let running = 0;

  async function check(settings: BatchSettings): Promise<Result<Checked>> {
    const canonical = canonicalSettings(settings);
    if (!canonical.ok) return canonical;
    const { decision, intake } = canonical.value;
    const folder = await checkFolder(intake.folder);
    if (folder !== null) return fail(folder);
    const connected = await writerOf(context).deployments.connect(decision.deployment);
    if (!connected.ok) return connected;
    const deployment = connected.value;
    const told = context.workflows.get(decision.deployment);
    const prepared =
      told === undefined
        ? await prepare(canonical.value, deployment)
        : withWorkflow(checkAgainstWorkflow(canonical.value, told.workflow), told);
    if (!prepared.ok) return fail(prepared.failure[0] ?? { reason: "no-outputs", detail: "nothing fits." });
    const { workflow } = prepared.value;
    if (workflow !== null) context.workflows.set(decision.deployment, workflow);
    return succeed({ settings: prepared.value.settings, workflow: workflow?.workflow ?? null, deployment });
  }

  async function tryImage(settings: BatchSettings, path: string | null): Promise<Result<Trial>> {
    const checked = await check(settings);
    if (!checked.ok) return checked;
    const found = await findImage(checked.value.settings, path);
    if (!found.ok) return found;
    try {
      return await runTrial(checked.value, found.value);
    } finally {
      await found.value.file.close();
    }
  }

  async function runTrial(
    { settings, workflow, deployment }: Checked,
    { path, file, picture }: Candidate,
  ): Promise<Result<Trial>> {
    const startedMono = context.clock.mono();
    const answered = await runOnce({
      deployment,
      file,
      decision: settings.decision,
      clock: context.clock,
      random,
      signal: stopping.signal,
    });
    if (!answered.ok) return answered;
    const tookMs = Math.round(context.clock.mono() - startedMono);
    const read = readOutputs(answered.value.body, settings.decision, workflow);
    if (!read.ok) return read;
    const trialId = randomUUID();
    await keep(trialId, file, picture, read.value);
    const isTurned = picture.orientation > 4;
    return succeed({
      path,
      trialId,
      width: isTurned ? picture.height : picture.width,
      height: isTurned ? picture.width : picture.height,
      tookMs,
      runId: answered.value.runId,
      outputs: read.value.map(outputOf),
    });
  }

  async function keep(
    trialId: string,
    file: OpenImage,
    picture: Picture,
    outputs: readonly AnswerOutput[],
  ): Promise<void> {
    const pictures = new Map<string, { type: string; bytes: Uint8Array }>();
    const shown = await previewOf(file.handle, file.observation.bytes, picture, PREVIEW_EDGE);
    if (shown !== null) pictures.set("", shown);
    for (const { suffix, bytes } of outputs.flatMap((output) => output.pictures)) {
      const drawn = await showable(suffix, bytes);
      if (drawn !== null) pictures.set(suffix, drawn);
    }
    kept.set(trialId, pictures);
    for (const old of [...kept.keys()].slice(0, Math.max(0, kept.size - KEPT_TRIALS))) kept.delete(old);
  }

  return {
    handlers: {
      async "batch:try-image"({ settings, path }) {
        if (running >= TRIALS_AT_ONCE) throw new CallRefused(TOO_MANY);
        running += 1;
        try {
          return await tryImage(settings, path);
        } finally {
          running -= 1;
        }
      },
    },
    picture(trialId, suffix) {
      const found = kept.get(trialId)?.get(suffix);
      return found === undefined ? { kind: "none" } : { kind: "picture", ...found, keepMs: 60_000 };
    },
    stop() {
      stopping.abort();
      kept.clear();
    },
  };
}

const TOO_MANY: Failure = {
  reason: "usage",
  message: "Other images are being tried just now.",
  next: "Wait until they have ended.",
};

function withWorkflow(
  checked: Result<BatchSettings, Failure[]>,
  workflow: { workflow: Workflow; hash: string },
): ReturnType<typeof prepare> extends Promise<infer P> ? P : never {
  return checked.ok ? succeed({ settings: checked.value, workflow }) : checked;
}

function readOutputs(
  body: Uint8Array,
  decision: ResultDecision,
  workflow: Workflow | null,
): Result<AnswerOutput[]> {
  const answer = readAnswer(body, decision.outputs, ({ taskName, taskIndex }) =>
    workflow === null ? null : (findTask(workflow, taskName, taskIndex)?.outputs?.length ?? null),
  );
  return answer.ok ? answer : fail({ reason: "unexpected-result", what: answer.failure.what, rawFile: null });
}

function outputOf({ taskName, taskIndex, outputIndex, output, raw, summary }: AnswerOutput): ImageOutput {
  return { taskName, taskIndex, outputIndex, output, raw, summary };
}

function isRelative(path: string): boolean {
  return path
    .split("/")
    .every((part) => part !== "" && part !== "." && part !== ".." && !/[\0\\]/.test(part));
}

/** The image that was named, or the first of the folder that is a complete picture. */
async function findImage(settings: BatchSettings, path: string | null): Promise<Result<Candidate>> {
  const { folder } = settings.intake;
  if (path !== null) {
    return isRelative(path) ? openPicture(folder, path) : fail({ reason: "vanished" });
  }
  let first: Failure | null = null;
  for (const candidate of await candidatesOf(settings)) {
    const opened = await openPicture(folder, candidate);
    if (opened.ok) return opened;
    first ??= opened.failure;
  }
  return fail(first ?? { reason: "no-images", folder });
}

async function openPicture(folder: string, path: string): Promise<Result<Candidate>> {
  const opened = await openImage(folder, path);
  if (!opened.ok) return opened;
  const picture = await inspectPicture(createReader(opened.value.handle, opened.value.observation.bytes));
  if (picture.ok) return succeed({ path, file: opened.value, picture: picture.value });
  await opened.value.close();
  return picture;
}

async function candidatesOf({ intake, results }: BatchSettings): Promise<string[]> {
  const enough = new AbortController();
  const paths: string[] = [];
  const { folder, recursive, include, exclude } = intake;
  const options = { root: folder, recursive, include, exclude, excludedFolders: [results.resultsFolder] };
  await walk({ ...options, signal: enough.signal }, async (entries) => {
    for (const entry of entries) if (entry.kind === "file") paths.push(entry.observation.path);
    if (paths.length >= MOST_CANDIDATES) enough.abort();
  });
  return paths.sort().slice(0, MOST_CANDIDATES);
}
