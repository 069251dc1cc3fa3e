import { resolve } from "node:path";
import type { BatchDetail, Handlers } from "../../contract/api.ts";
import { SIMULATOR, type BatchSettings } from "../../contract/batch.ts";
import type { Failure } from "../../contract/failure.ts";
import { fail, succeed, type Result } from "../../contract/result.ts";
import type { Workflow } from "../../contract/workflow.ts";
import { parseDeploymentUrl } from "../deployment/url.ts";
import { checkAgainstWorkflow, checkPlaces, type Prepared } from "../setup.ts";
import type { StoredBatch } from "../store/batches.ts";
import { batchFromFile, exportBatch } from "./batch-file.ts";
import type { Cards } from "./cards.ts";
import { checkSettings } from "./check-settings.ts";
import { withBatch, writerOf, type HandlerContext } from "./context.ts";

type BatchHandlers = Pick<
  Handlers,
  | "batch:check"
  | "batch:create"
  | "batch:get"
  | "batch:update"
  | "batch:rename"
  | "batch:duplicate"
  | "batch:remove"
  | "batch:export"
  | "batch:import"
>;

/** The workflow that a deployment told last, in this session or an earlier one; the network is not asked. */
export async function knownWorkflow(
  context: HandlerContext,
  address: string,
): Promise<{ workflow: Workflow; hash: string } | null> {
  const told = context.workflows.get(address);
  if (told !== undefined) return told;
  const stored = await context.reader.call("lastWorkflow", address);
  return stored === null ? null : { workflow: JSON.parse(stored.json) as Workflow, hash: stored.hash };
}

/** One spelling for each deployment and folder, so that equal settings are equal. */
export function canonicalSettings(settings: BatchSettings): Result<BatchSettings> {
  const { deployment } = settings.decision;
  const address = deployment === SIMULATOR ? succeed(deployment) : parseDeploymentUrl(deployment);
  if (!address.ok) return address;
  return succeed({
    ...settings,
    name: settings.name.trim(),
    decision: { ...settings.decision, deployment: address.value },
    intake: { ...settings.intake, folder: resolve(settings.intake.folder) },
    results: { ...settings.results, resultsFolder: resolve(settings.results.resultsFolder) },
  });
}

/** Checks settings for good: what a deployment told in this session is believed, else it is asked now. */
export async function prepareSettings(
  context: HandlerContext,
  settings: BatchSettings,
): Promise<Result<Prepared>> {
  const engine = writerOf(context);
  const canonical = canonicalSettings(settings);
  if (!canonical.ok) return canonical;
  const told = context.workflows.get(canonical.value.decision.deployment);
  if (told === undefined) {
    const prepared = await engine.prepare(canonical.value);
    return prepared.ok ? prepared : firstOf(prepared.failure);
  }
  const places = await checkPlaces(canonical.value, context.clock);
  if (places.length > 0) return firstOf(places);
  const checked = checkAgainstWorkflow(canonical.value, told.workflow);
  return checked.ok ? succeed({ settings: checked.value, workflow: told }) : firstOf(checked.failure);
}

function firstOf(failures: readonly Failure[]): { ok: false; failure: Failure } {
  const [first] = failures;
  return fail(first ?? { reason: "internal", message: "settings were refused without a reason" });
}

/** Calls about what a batch is. */
export function batchHandlers(context: HandlerContext, cards: Cards): BatchHandlers {
  const { reader, counter, touched } = context;

  async function detailOf(batch: StoredBatch): Promise<BatchDetail> {
    const [card, revisions, counts, workflow] = await Promise.all([
      cards.of(batch),
      reader.call("listRevisions", batch.id),
      counter.call("imagesByRevision", batch.id),
      reader.call("lastWorkflow", batch.settings.decision.deployment),
    ]);
    const images = new Map(counts.map((row) => [row.revisionId, row.images]));
    return {
      card,
      settings: batch.settings,
      createdAt: batch.createdAt,
      revisions: revisions.map(({ id, revision, createdAt }) => ({
        revision,
        createdAt,
        images: images.get(id) ?? 0,
      })),
      workflowHash: workflow?.hash ?? null,
    };
  }

  async function save(
    batchId: number | null,
    settings: BatchSettings,
    workflow: Prepared["workflow"],
  ): Promise<StoredBatch> {
    const batch = await writerOf(context).saveBatch(batchId, { settings, workflow });
    touched(batch.id);
    return batch;
  }

  return {
    async "batch:check"({ settings }) {
      const known = await knownWorkflow(context, settings.decision.deployment);
      return { problems: await checkSettings(settings, known?.workflow ?? null) };
    },
    async "batch:create"({ settings }) {
      const prepared = await prepareSettings(context, settings);
      if (!prepared.ok) return prepared;
      const batch = await save(null, prepared.value.settings, prepared.value.workflow);
      return succeed({ batchId: batch.id });
    },
    "batch:get": ({ batchId }) =>
      withBatch(context, batchId, async (batch) => succeed(await detailOf(batch))),
    "batch:update": ({ batchId, settings }) =>
      withBatch(context, batchId, async (batch) => {
        if (resolve(settings.intake.folder) !== batch.folder && (await hasImages(context, batchId)))
          return fail(folderStays(batch.folder));
        const prepared = await prepareSettings(context, settings);
        if (!prepared.ok) return prepared;
        return succeed(await detailOf(await save(batchId, prepared.value.settings, prepared.value.workflow)));
      }),
    "batch:rename": ({ batchId, name }) =>
      withBatch(context, batchId, async (batch) => {
        const renamed = name.trim() === "" ? batch.name : name.trim();
        return succeed(await cards.of(await save(batchId, { ...batch.settings, name: renamed }, null)));
      }),
    "batch:duplicate": ({ batchId }) =>
      withBatch(context, batchId, async ({ settings }) => {
        const copy = copyOf(settings, await reader.call("listBatches", null));
        return succeed({ batchId: (await save(null, copy, null)).id });
      }),
    "batch:remove": ({ batchId }) =>
      withBatch(context, batchId, async () => {
        await context.starting.get(batchId);
        context.startFailures.delete(batchId);
        await writerOf(context).remove(batchId);
        touched(batchId);
        return succeed({});
      }),
    "batch:export": ({ batchId }) =>
      withBatch(context, batchId, async ({ settings }) => succeed(exportBatch(settings))),
    "batch:import": ({ text }) => batchFromFile(text),
  };
}

async function hasImages(context: HandlerContext, batchId: number): Promise<boolean> {
  const { ledger } = await context.reader.call("ledgerOf", batchId);
  return ledger.seen > 0;
}

function folderStays(folder: string): Failure {
  return {
    reason: "usage",
    message: `This batch has images of ${folder}, so its folder stays.`,
    next: "Duplicate the batch and choose the other folder there.",
  };
}

/** The same settings under a name and a results folder of their own. */
function copyOf(settings: BatchSettings, batches: readonly StoredBatch[]): BatchSettings {
  const names = new Set(batches.map((batch) => batch.name));
  const folders = new Set(batches.map((batch) => batch.settings.results.resultsFolder));
  const free = (text: (n: number) => string, used: ReadonlySet<string>): string => {
    for (let n = 2; ; n += 1) if (!used.has(text(n))) return text(n);
  };
  const base = settings.name.slice(0, 190);
  return {
    ...settings,
    name: free((n) => `${base} (${n})`, names),
    results: {
      ...settings.results,
      resultsFolder: free((n) => `${settings.results.resultsFolder}-${n}`, folders),
    },
  };
}
