import type { DeploymentReport, SettingsProblem } from "../../electron/contract/api.ts";
import type { BatchSettings, ResultDecision } from "../../electron/contract/batch.ts";
import type { Failure } from "../../electron/contract/failure.ts";
import type { Workflow } from "../../electron/contract/workflow.ts";
import type { Client } from "./client.ts";
import { defaultOutputs, emptySettings, sectionOf, withFolder, type SectionName } from "./draft-settings.ts";
import { Resource } from "./resource.svelte.ts";

const CHECK_AFTER_MS = 250;

export interface DraftKeeper {
  read(): BatchSettings | null;
  write(settings: BatchSettings | null): void;
}

/** Settings while they are edited: of a new batch, or of one that exists. Checks itself with the engine. */
export class DraftModel {
  readonly client: Client;
  readonly report = new Resource<DeploymentReport>();
  readonly #keeper: DraftKeeper | null;
  #settings = $state.raw<BatchSettings>(emptySettings());
  #problems = $state.raw<SettingsProblem[]>([]);
  #isChecked = $state(false);
  #imported = $state.raw<Workflow | null>(null);
  #importFailure = $state.raw<Failure | null>(null);
  #isTyped = $state(false);
  #turn = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(client: Client, start: BatchSettings | null, keeper: DraftKeeper | null = null) {
    this.client = client;
    this.#keeper = keeper;
    this.#settings = start ?? keeper?.read() ?? emptySettings();
    this.#check();
  }

  get settings(): BatchSettings {
    return this.#settings;
  }

  get decision(): ResultDecision {
    return this.#settings.decision;
  }

  get problems(): readonly SettingsProblem[] {
    return this.#problems;
  }

  /** The engine has judged what is entered now. */
  get isChecked(): boolean {
    return this.#isChecked;
  }

  get isReady(): boolean {
    return this.#isChecked && this.#problems.length === 0;
  }

  /** From the deployment, or from an imported file. */
  get workflow(): Workflow | null {
    return this.#imported ?? this.report.value?.workflow ?? null;
  }

  get importFailure(): Failure | null {
    return this.#importFailure;
  }

  /** Names are typed freely: nobody can tell which there are. */
  get isTyped(): boolean {
    return this.#isTyped;
  }

  problemAt(field: string): Failure | null {
    return this.#problems.find((problem) => problem.field === field)?.failure ?? null;
  }

  problemsOf(section: SectionName): SettingsProblem[] {
    return this.#problems.filter((problem) => sectionOf(problem.field) === section);
  }

  /** Whether a section is complete, so that the next may open. */
  isComplete(section: SectionName): boolean {
    if (!this.#isChecked || this.problemsOf(section).length > 0) return false;
    if (section === "deployment")
      return this.workflow !== null || this.isTyped || this.decision.outputs.length > 0;
    return section !== "tasks" || this.decision.outputs.length > 0;
  }

  change(change: Partial<BatchSettings>): void {
    this.#settings = { ...this.#settings, ...change };
    this.#keeper?.write(this.#settings);
    this.#check();
  }

  decide(change: Partial<ResultDecision>): void {
    this.change({ decision: { ...this.decision, ...change } });
  }

  setFolder(folder: string): void {
    this.change(withFolder(this.#settings, folder));
  }

  setDeployment(deployment: string): void {
    if (deployment === this.decision.deployment) return;
    this.report.clear();
    this.#imported = null;
    this.decide({ deployment });
  }

  async test(): Promise<void> {
    const { deployment } = this.decision;
    await this.report.load(() => this.client.ask("deployment:test", { deployment }));
    const workflow = this.report.value?.workflow ?? null;
    if (workflow !== null && this.decision.outputs.length === 0)
      this.decide({ outputs: defaultOutputs(workflow) });
    this.#check();
  }

  async importWorkflow(text: string): Promise<void> {
    const answer = await this.client.ask("workflow:read", { text });
    this.#importFailure = answer.ok ? null : answer.failure;
    if (!answer.ok) return;
    this.#imported = answer.value;
    if (this.decision.outputs.length === 0) this.decide({ outputs: defaultOutputs(answer.value) });
  }

  typeFreely(): void {
    this.#isTyped = true;
  }

  /** Other settings altogether: an imported batch file, or an empty page. */
  replace(settings: BatchSettings | null): void {
    this.report.clear();
    this.#imported = null;
    this.#importFailure = null;
    this.#isTyped = false;
    this.change(settings ?? emptySettings());
    if (settings === null) this.#keeper?.write(null);
  }

  #check(): void {
    this.#isChecked = false;
    const turn = ++this.#turn;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      void this.client.ask("batch:check", { settings: this.#settings }).then((answer) => {
        if (turn !== this.#turn) return;
        this.#problems = answer.ok ? answer.value.problems : [{ field: "name", failure: answer.failure }];
        this.#isChecked = true;
      });
    }, CHECK_AFTER_MS);
  }
}

const KEY = "nightrun.new-batch";

/** Keeps the page of a new batch over leaving and reloading. */
export const NEW_BATCH_KEEPER: DraftKeeper = {
  read() {
    try {
      const kept = JSON.parse(localStorage.getItem(KEY) ?? "null") as BatchSettings | null;
      return kept === null ? null : { ...emptySettings(), ...kept };
    } catch {
      return null; // What cannot be read is an empty page.
    }
  },
  write(settings) {
    if (settings === null) localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, JSON.stringify(settings));
  },
};
