import type { BatchEvent, InFlightRow, Night } from "../../electron/contract/api.ts";
import type { Client } from "./client.ts";
import { mergeById } from "./merge.ts";
import { createPace } from "./pace.ts";
import { Resource } from "./resource.svelte.ts";

const EVENTS = 50;
const SHOWN_EVENTS = 500;

/** The dashboard of one batch: its figures over time, its runs under way, its events. */
export class NightModel {
  readonly batchId: number;
  readonly night = new Resource<Night>();
  readonly inFlight = new Resource<{ rows: InFlightRow[] }>();
  readonly firstEvents = new Resource<{ events: BatchEvent[] }>();
  readonly #client: Client;
  #events = $state.raw<BatchEvent[]>([]);
  #hasEarlier = $state(false);
  readonly #paces = [
    createPace(1000, () => {
      this.#loadInFlight();
    }),
    createPace(10_000, () => {
      this.#loadNight();
    }),
  ];

  constructor(client: Client, batchId: number) {
    this.#client = client;
    this.batchId = batchId;
  }

  /** The newest first. */
  get events(): readonly BatchEvent[] {
    return this.#events;
  }

  get hasEarlier(): boolean {
    return this.#hasEarlier;
  }

  start(): () => void {
    const stops = [
      this.#client.on("images:changed", ({ batchId }) => {
        if (batchId === this.batchId) this.#hurry();
      }),
      this.#client.on("batches:changed", ({ batches }) => {
        if (batches.some((card) => card.id === this.batchId)) this.#hurry();
      }),
      this.#client.on("event:added", ({ batchId, event }) => {
        if (batchId === this.batchId) this.#add([event]);
      }),
    ];
    return () => {
      for (const stop of stops) stop();
      for (const pace of this.#paces) pace.stop();
    };
  }

  load(): void {
    this.#loadNight();
    this.#loadInFlight();
    void this.firstEvents
      .load(() => this.#askEvents(null))
      .then(() => {
        const events = this.firstEvents.value?.events;
        if (events === undefined) return;
        this.#hasEarlier = events.length === EVENTS;
        this.#add(events);
      });
  }

  async loadEarlier(): Promise<void> {
    const oldest = this.#events.at(-1);
    if (oldest === undefined) return;
    const answer = await this.#askEvents(oldest.id);
    if (!answer.ok) return;
    this.#hasEarlier = answer.value.events.length === EVENTS;
    this.#add(answer.value.events);
  }

  #hurry(): void {
    for (const pace of this.#paces) pace.ask();
  }

  #add(more: readonly BatchEvent[]): void {
    this.#events = mergeById(this.#events, more)
      .sort((a, b) => b.id - a.id)
      .slice(0, SHOWN_EVENTS);
  }

  #askEvents(before: number | null) {
    return this.#client.ask("batch:events", { batchId: this.batchId, before, limit: EVENTS });
  }

  #loadNight(): void {
    void this.night.load(() => this.#client.ask("batch:night", { batchId: this.batchId, fromAt: null }));
  }

  #loadInFlight(): void {
    void this.inFlight.load(() => this.#client.ask("batch:in-flight", { batchId: this.batchId }));
  }
}
