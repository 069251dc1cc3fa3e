import type { AppSettings, AppState, BatchCard } from "../../electron/contract/api.ts";
import type { Failure } from "../../electron/contract/failure.ts";
import type { Client } from "./client.ts";
import { Clock } from "./clock.svelte.ts";
import { mergeById } from "./merge.ts";
import { Notices } from "./notices.svelte.ts";
import { Router } from "./router.svelte.ts";

const THEME_KEY = "nightrun.theme";

/** What every view shares: the engine's state, the batches, the place, the clock and the notices. */
export class AppModel {
  readonly client: Client;
  readonly router = new Router();
  readonly notices = new Notices();
  readonly clock = new Clock();
  #info = $state.raw<Omit<AppState, "batches"> | null>(null);
  #cards = $state.raw<BatchCard[]>([]);
  #failure = $state.raw<Failure | null>(null);
  #away = $state.raw<{ failure: Failure | null } | null>(null);
  #epoch = $state(0);
  #loading = false;

  constructor(client: Client) {
    this.client = {
      on: (name, listener) => client.on(name, listener),
      ask: async (name, input) => {
        const answer = await client.ask(name, input);
        // Another window removed the batch: what this one lists is out of date.
        if (!answer.ok && answer.failure.reason === "unknown-batch") void this.load();
        return answer;
      },
    };
  }

  get info(): Omit<AppState, "batches"> | null {
    return this.#info;
  }

  get cards(): readonly BatchCard[] {
    return this.#cards;
  }

  /** Why nothing could be loaded at all. */
  get failure(): Failure | null {
    return this.#failure;
  }

  /** The engine does not answer; what is shown is how it was. */
  get away(): { failure: Failure | null } | null {
    return this.#away;
  }

  /** Grows whenever the engine is back: what a view shows must then be loaded anew. */
  get epoch(): number {
    return this.#epoch;
  }

  get isReadOnly(): boolean {
    return this.#info?.readOnly ?? false;
  }

  card(batchId: number): BatchCard | null {
    return this.#cards.find((card) => card.id === batchId) ?? null;
  }

  start(): () => void {
    applyTheme(localStorage.getItem(THEME_KEY));
    const stops = [
      this.router.start(),
      this.clock.start(),
      this.client.on("batches:changed", ({ batches }) => {
        this.merge(batches);
      }),
      this.client.on("engine:changed", ({ running, failure }) => {
        this.#engineChanged(running, failure);
      }),
    ];
    void this.load();
    return () => {
      for (const stop of stops) stop();
    };
  }

  async load(): Promise<void> {
    if (this.#loading) return;
    this.#loading = true;
    const [state, settings] = await Promise.all([
      this.client.ask("app:state", {}),
      this.client.ask("settings:get", {}),
    ]);
    this.#loading = false;
    if (settings.ok) this.showTheme(settings.value.theme);
    if (!state.ok) {
      this.#failure = state.failure;
      return;
    }
    const { batches, ...info } = state.value;
    this.#failure = null;
    this.#info = info;
    this.#cards = batches;
  }

  /** Takes newer cards over the older ones of the same batch. */
  merge(cards: readonly BatchCard[]): void {
    this.#cards = mergeById(this.#cards, cards);
  }

  forget(batchId: number): void {
    this.#cards = this.#cards.filter((card) => card.id !== batchId);
  }

  showTheme(theme: AppSettings["theme"]): void {
    localStorage.setItem(THEME_KEY, theme);
    applyTheme(theme);
  }

  #engineChanged(running: boolean, failure: Failure | null): void {
    if (!running) {
      this.#away = { failure };
      return;
    }
    this.#away = null;
    void this.load().then(() => {
      this.#epoch += 1;
    });
  }
}

function applyTheme(theme: string | null): void {
  const root = document.documentElement;
  if (theme === "dark" || theme === "light") root.dataset.theme = theme;
  else delete root.dataset.theme;
  root.dispatchEvent(new Event("themechange"));
}
