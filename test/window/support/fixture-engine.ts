import type {
  AppSettings,
  BatchCard,
  BatchEvent,
  CallName,
  CallOutput,
  EventName,
  Events,
  Handlers,
  ImageOutput,
  ImageScope,
  Input,
  Transport,
} from "../../../electron/contract/api.ts";
import type { Failure } from "../../../electron/contract/failure.ts";
import { canonicalDecision, type BatchSettings } from "../../../electron/contract/batch.ts";
import { fail, succeed, type Result } from "../../../electron/contract/result.ts";
import { chance, SHEET } from "./drawn-night.ts";
import { FixtureBatch } from "./fixture-batch.ts";
import { detailOf, eventsOf, failuresOf, nightOf } from "./fixture-night.ts";
import { outputsOf } from "./fixture-outputs.ts";
import { FIXTURE_WORKFLOW } from "./fixture-workflow.ts";

export type Scenario = "night" | "empty" | "gates" | "slow" | "broken";

export interface FixtureOptions {
  scenario: Scenario;
  images: number;
  theme: AppSettings["theme"];
  now: number;
  native: boolean;
}

const HOUR = 3_600_000;

/** An engine in memory with a made-up night: answers every call of the contract and ticks when asked to. */
export class FixtureEngine implements Transport {
  readonly options: FixtureOptions;
  readonly calls: { name: CallName; input: unknown }[] = [];
  readonly batches: FixtureBatch[];
  #listeners = new Map<EventName, Set<(event: never) => void>>();
  #settings: AppSettings;
  #tokens = new Map<string, string>();
  #nextEvent = 1000;
  /** What the next calls answer instead. */
  readonly failing = new Map<CallName, Failure>();
  /** What an image that is done has found. */
  outputs: (imageId: number) => ImageOutput[] = outputsOf;

  constructor(options: Partial<FixtureOptions> = {}) {
    this.options = {
      scenario: "night",
      images: 13_560,
      theme: "system",
      now: Date.now(),
      native: false,
      ...options,
    };
    this.#settings = {
      theme: this.options.theme,
      minimumFreeBytes: 2_000_000_000,
      batteryFloorPercent: 30,
      startAtLogin: false,
    };
    this.batches = this.options.scenario === "empty" ? [] : this.#makeBatches();
  }

  on<E extends EventName>(name: E, listener: (event: Events[E]) => void): () => void {
    const set = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, set);
    set.add(listener);
    return () => set.delete(listener);
  }

  emit<E extends EventName>(name: E, event: Events[E]): void {
    for (const listener of this.#listeners.get(name) ?? []) (listener as (event: Events[E]) => void)(event);
  }

  /** How many listeners there are: a page that is left must leave none behind. */
  get listenerCount(): number {
    return [...this.#listeners.values()].reduce((sum, set) => sum + set.size, 0);
  }

  async call<N extends CallName>(name: N, input: Input<N>): Promise<Result<CallOutput<N>>> {
    this.calls.push({ name, input: structuredClone(input) });
    await new Promise((resolve) => setTimeout(resolve, this.options.scenario === "slow" ? 600_000 : 1));
    const failure = this.failing.get(name);
    if (failure !== undefined) return fail(failure);
    if (this.options.scenario === "broken" && name !== "settings:get")
      return fail({ reason: "data-file-damaged", file: "nightrun.db", detail: "page 12 is not readable" });
    const handler = this.#handlers[name] as (given: Input<N>) => CallOutput<N> | Promise<CallOutput<N>>;
    return succeed(structuredClone(await handler(input)));
  }

  /** Lets some images of the running batch end, and tells it as the engine would. */
  tick(images = 3): void {
    const batch = this.batches.find(({ card }) => card.activity === "running" && card.gates.length === 0);
    if (batch === undefined) return;
    const rows = [];
    for (let n = 0; n < images; n += 1) {
      const done = batch.states.indexOf("in-flight");
      const next = batch.states.indexOf("waiting");
      if (done === -1) break;
      batch.states[done] = "done";
      rows.push(batch.row(done));
      if (next === -1) continue;
      batch.states[next] = "in-flight";
      rows.push(batch.row(next));
    }
    this.emit("images:changed", { batchId: batch.card.id, rows, more: false });
    this.emit("batches:changed", { batches: [batch.refreshCard()] });
  }

  addEvent(batchId: number, sentence: string): void {
    const id = this.#nextEvent++;
    const event: BatchEvent = {
      id,
      at: Date.now(),
      kind: "note",
      sentence,
      imageId: null,
      path: null,
      severity: "info",
    };
    this.emit("event:added", { batchId, event });
  }

  #makeBatches(): FixtureBatch[] {
    const { now, images } = this.options;
    const make = (batch: Partial<FixtureBatch["options"]> & { id: number; name: string }) =>
      new FixtureBatch({
        folder: `/data/scans/${batch.name.toLowerCase().replaceAll(" ", "-")}`,
        images: 2000,
        progress: 0,
        activity: "running",
        gates: [],
        now,
        ...batch,
      });
    const unreachable = {
      kind: "unreachable",
      since: now - 11 * 60_000,
      failure: { reason: "unreachable", host: "herbarium.scale.ikomia.ai", code: "ECONNREFUSED" },
      nextTryAt: now + 40_000,
    } as const;
    const list = [
      make({ id: 1, name: "Herbarium sheets", images, progress: 0.62 }),
      make({ id: 2, name: "Drone 11-22", images: 4210, progress: 1, activity: "finished" }),
      make({
        id: 3,
        name: "Wells",
        images: 960,
        progress: 0.41,
        activity: "paused",
        gates: [{ kind: "paused", since: now - 2 * HOUR, failure: null, nextTryAt: null }],
      }),
    ];
    if (this.options.scenario === "gates") {
      list.push(
        make({ id: 4, name: "Server away", images: 13_560, progress: 0.62, gates: [unreachable] }),
        make({
          id: 5,
          name: "Signed out",
          progress: 0.2,
          gates: [
            {
              kind: "sign-in",
              since: now - HOUR,
              failure: { reason: "token-rejected", status: 401, service: "scale.ikomia.ai" },
              nextTryAt: null,
            },
          ],
        }),
        make({
          id: 6,
          name: "Disk low",
          progress: 0.7,
          gates: [
            {
              kind: "disk-low",
              since: now - 30 * 60_000,
              failure: {
                reason: "disk-low",
                folder: "/data/scans",
                freeBytes: 210_000_000,
                neededBytes: 2_000_000_000,
              },
              nextTryAt: now + 60_000,
            },
          ],
        }),
        make({ id: 7, name: "No images", images: 0, activity: "finished" }),
        make({ id: 8, name: "Not started", images: 480, activity: "idle" }),
      );
    }
    return list;
  }

  #batch(batchId: number): Result<FixtureBatch> {
    const found = this.batches.find(({ card }) => card.id === batchId);
    return found === undefined ? fail({ reason: "unknown-batch", wanted: String(batchId) }) : succeed(found);
  }

  #with<T>(batchId: number, act: (batch: FixtureBatch) => T): Result<T> {
    const found = this.#batch(batchId);
    return found.ok ? succeed(act(found.value)) : found;
  }

  #add(settings: BatchSettings): { batchId: number } {
    const id = Math.max(0, ...this.batches.map(({ card }) => card.id)) + 1;
    const batch = new FixtureBatch({
      id,
      name: settings.name,
      folder: settings.intake.folder,
      images: 480,
      progress: 0,
      activity: "idle",
      gates: [],
      now: Date.now(),
    });
    batch.settings = settings;
    this.batches.push(batch);
    this.emit("batches:changed", { batches: [batch.card] });
    return { batchId: id };
  }

  #turn(batchId: number, activity: BatchCard["activity"]): Result<BatchCard> {
    return this.#with(batchId, (batch) => {
      const paused = { kind: "paused", since: Date.now(), failure: null, nextTryAt: null } as const;
      const others = batch.card.gates.filter((gate) => gate.kind !== "paused");
      batch.card = { ...batch.card, activity, gates: activity === "paused" ? [paused, ...others] : others };
      this.emit("batches:changed", { batches: [batch.card] });
      return batch.card;
    });
  }

  #retry(scope: ImageScope, isDone: boolean): { images: number; runs: number } {
    const batch = this.batches.find(({ card }) => card.id === scope.batchId)!;
    let images = 0;
    for (let i = 0; i < batch.states.length; i += 1) {
      if (!["failed", "uncertain", "missing"].includes(batch.states[i]!) || !batch.matches(i, scope))
        continue;
      images += 1;
      if (isDone) batch.states[i] = "waiting";
    }
    if (isDone) {
      this.emit("batches:changed", { batches: [batch.refreshCard()] });
      this.emit("images:changed", { batchId: scope.batchId, rows: [], more: true });
    }
    return { images, runs: images };
  }

  #tokenState(deployment: string) {
    if (deployment === "simulator") return { source: "not-needed" as const, ending: null, note: null };
    const token = this.#tokens.get(deployment);
    if (token === undefined) return { source: "none" as const, ending: null, note: null };
    return {
      source: "memory" as const,
      ending: token.slice(-4),
      note: "No safe store was found; it is kept until Nightrun ends.",
    };
  }

  readonly #handlers: Handlers = {
    "app:state": () => ({
      version: "0.1.0",
      host: this.options.native ? "desktop" : "web",
      readOnly: false,
      dataFile: "/home/ada/.local/share/nightrun/nightrun.db",
      home: "/home/ada",
      native: this.options.native,
      batches: this.batches.map(({ card }) => card),
    }),
    "settings:get": () => this.#settings,
    "settings:save": (settings) => (this.#settings = settings),
    "token:set": ({ deployment, token }) => {
      this.#tokens.set(deployment, token);
      return this.#tokenState(deployment);
    },
    "token:clear": ({ deployment }) => {
      this.#tokens.delete(deployment);
      return this.#tokenState(deployment);
    },
    "token:state": ({ deployment }) => this.#tokenState(deployment),
    "deployment:test": ({ deployment }) =>
      deployment === "simulator"
        ? succeed({
            deployment,
            workflow: FIXTURE_WORKFLOW,
            workflowHash: "9b1f20c7",
            note: null,
            tookMs: 840,
          })
        : fail({ reason: "unreachable", host: URL.parse(deployment)?.host ?? deployment, code: "ENOTFOUND" }),
    "workflow:read": ({ text }) =>
      text.includes("tasks")
        ? succeed(FIXTURE_WORKFLOW)
        : fail({ reason: "bad-file", file: "The workflow file", problem: "it has no tasks." }),
    "folder:list": ({ folder }) => {
      const at = folder ?? "/home/ada";
      const names = at.split("/").length > 5 ? [] : ["drone", "herbarium", "wells"];
      return succeed({
        folder: at,
        parent: at === "/" ? null : at.slice(0, Math.max(1, at.lastIndexOf("/"))),
        folders: names.map((name) => ({ name, folder: `${at}/${name}` })),
        images: names.length === 0 ? 480 : 12,
      });
    },
    "folder:choose": () => ({ folder: null }),
    "batch:check": ({ settings }) => {
      const problems: { field: string; failure: Failure }[] = [];
      if (settings.intake.folder === "" || settings.intake.folder.includes("nowhere"))
        problems.push({
          field: "intake.folder",
          failure: { reason: "folder-missing", folder: settings.intake.folder },
        });
      if (settings.decision.outputs.length === 0)
        problems.push({
          field: "decision.outputs",
          failure: { reason: "no-outputs", detail: "no output is chosen" },
        });
      settings.decision.parameters.forEach((parameter, i) => {
        const task = FIXTURE_WORKFLOW.tasks.find(({ name }) => name === parameter.taskName);
        if (task?.parameters.some(({ name }) => name === parameter.name)) return;
        problems.push({
          field: `decision.parameters.${i}`,
          failure: {
            reason: "unknown-parameter",
            task: parameter.taskName,
            name: parameter.name,
            nearest: "conf_thres",
          },
        });
      });
      return { problems };
    },
    "batch:create": ({ settings }) => succeed(this.#add(settings)),
    "batch:get": ({ batchId }) =>
      this.#with(batchId, (batch) => ({
        card: batch.card,
        settings: batch.settings,
        createdAt: this.options.now - 8 * HOUR,
        revisions: batch.revisions,
        workflowHash: "9b1f20c7",
      })),
    "batch:update": ({ batchId, settings }) =>
      this.#with(batchId, (batch) => {
        if (canonicalDecision(settings.decision) !== canonicalDecision(batch.settings.decision)) {
          batch.revisions = [
            ...batch.revisions,
            { revision: batch.revisions.length + 1, createdAt: Date.now(), images: batch.states.length },
          ];
        }
        batch.settings = settings;
        batch.card = { ...batch.card, name: settings.name, revision: batch.revisions.length };
        return {
          card: batch.card,
          settings,
          createdAt: this.options.now,
          revisions: batch.revisions,
          workflowHash: "9b1f20c7",
        };
      }),
    "batch:rename": ({ batchId, name }) =>
      this.#with(batchId, (batch) => (batch.card = { ...batch.card, name })),
    "batch:duplicate": ({ batchId }) =>
      this.#with(batchId, (batch) => this.#add({ ...batch.settings, name: `${batch.card.name} copy` })),
    "batch:remove": ({ batchId }) =>
      this.#with(batchId, (batch) => {
        this.batches.splice(this.batches.indexOf(batch), 1);
        return {};
      }),
    "batch:export": ({ batchId }) =>
      this.#with(batchId, (batch) => ({
        fileName: `${batch.card.name}.nightrun.json`,
        text: JSON.stringify(batch.settings),
      })),
    "batch:import": ({ text }) =>
      text.includes("decision")
        ? succeed(JSON.parse(text) as BatchSettings)
        : fail({ reason: "bad-file", file: "The batch file", problem: "it is not one of Nightrun's." }),
    "batch:start": ({ batchId }) => this.#turn(batchId, "running"),
    "batch:pause": ({ batchId }) => this.#turn(batchId, "paused"),
    "batch:try-now": ({ batchId }) => this.#with(batchId, (batch) => batch.card),
    "batch:rescan": ({ batchId }) => this.#with(batchId, () => ({})),
    "batch:try-image": ({ path }) =>
      succeed({
        path: path ?? "drawer 001/sheet 0000001.tif",
        trialId: "t-8",
        ...SHEET,
        tookMs: 3100,
        runId: "0c9a53e2-7c1b-4f0e-9d0a-00000000aaaa",
        outputs: outputsOf(8),
      }),
    "batch:night": ({ batchId }) => this.#with(batchId, (batch) => nightOf(batch, this.options.now)),
    "batch:events": ({ batchId, before }) =>
      this.#with(batchId, (batch) => ({ events: before === null ? eventsOf(batch, this.options.now) : [] })),
    "batch:in-flight": ({ batchId }) =>
      this.#with(batchId, (batch) => ({
        rows: batch.states.flatMap((state, i) =>
          state === "in-flight"
            ? [
                {
                  imageId: batch.firstId + i,
                  path: batch.row(i).path,
                  stage: chance(i, 80) < 0.15 ? ("SENDING" as const) : ("SUBMITTED" as const),
                  runId: `run-${i}`,
                  submittedAt: this.options.now - Math.round(chance(i, 81) * 4000),
                  typicalMs: 3200,
                },
              ]
            : [],
        ),
      })),
    "batch:failures": ({ batchId }) => this.#with(batchId, (batch) => ({ groups: failuresOf(batch) })),
    "batch:export-results": ({ batchId, format }) =>
      this.#with(batchId, (batch) => ({ file: `nightrun-results.${format}`, images: batch.states.length })),
    "images:page": (query) => this.#with(query.scope.batchId, (batch) => batch.page(query)),
    "images:counts": ({ scope }) => this.#with(scope.batchId, (batch) => batch.counts(scope)),
    "images:retry-preview": ({ scope }) => succeed(this.#retry(scope, false)),
    "images:retry": ({ scope }) => succeed(this.#retry(scope, true)),
    "image:get": ({ imageId }) => detailOf(this.batches, imageId, this.outputs),
    "image:reveal": () => ({ revealed: false }),
  };
}
