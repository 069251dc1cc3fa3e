import { SvelteSet } from "svelte/reactivity";
import type { ImageCounts, ImageRow, ImageScope, ImagesQuery } from "../../electron/contract/api.ts";
import { IMAGE_STATES, type ImageState } from "../../electron/contract/image.ts";
import type { Client } from "./client.ts";
import { ImagePages } from "./image-pages.svelte.ts";
import { PAGE_ROWS } from "./page-cache.ts";
import { createPace } from "./pace.ts";
import { Resource } from "./resource.svelte.ts";
import { FIRST_PLACE, type ImagesPlace } from "./route.ts";

const REFRESH_MS = 2000;

type Filter = Omit<ImagesPlace, "image">;

/** The table of images of one batch: its filter, its counts, its rows, its selection. One scope for all of them. */
export class ImageListModel {
  readonly batchId: number;
  readonly counts = new Resource<ImageCounts>();
  readonly selected = new SvelteSet<number>();
  readonly #client: Client;
  #filter = $state.raw<Filter>(FIRST_PLACE);
  #pages = $state.raw<ImagePages>(new ImagePages(() => new Promise(() => undefined)));
  #isWhole = $state(false);
  #cursor = $state(0);
  #refresh = createPace(REFRESH_MS, () => {
    this.refresh();
  });

  constructor(client: Client, batchId: number) {
    this.#client = client;
    this.batchId = batchId;
  }

  get filter(): Filter {
    return this.#filter;
  }

  get pages(): ImagePages {
    return this.#pages;
  }

  /** The position that keys act on. */
  get cursor(): number {
    return Math.min(this.#cursor, Math.max(0, this.total - 1));
  }

  /** Every image of the list is selected, also those that were never loaded. */
  get isWholeSelected(): boolean {
    return this.#isWhole;
  }

  /** Rows of the list as far as known. */
  get total(): number {
    if (this.pages.end !== null) return this.pages.end;
    return this.counts.value === null ? this.pages.known : this.countOf(this.#filter.state);
  }

  get selectedCount(): number {
    return this.#isWhole ? this.total : this.selected.size;
  }

  countOf(state: ImageState | null): number {
    const counts = this.counts.value;
    if (counts === null) return 0;
    return state === null ? counts.total : counts.byState[state];
  }

  /** The filter as the engine takes it. */
  get scope(): ImageScope {
    return scopeOf(this.batchId, this.#filter);
  }

  /** What an action on the selection takes. */
  get selectionScope(): ImageScope {
    return this.#isWhole ? this.scope : { ...this.scope, imageIds: [...this.selected] };
  }

  start(): () => void {
    const stop = this.#client.on("images:changed", (event) => {
      if (event.batchId !== this.batchId) return;
      this.pages.patch(event.rows);
      this.#refresh.ask();
    });
    return () => {
      stop();
      this.#refresh.stop();
      this.#pages.close();
    };
  }

  show(filter: Filter): void {
    const isNewScope = JSON.stringify(pick(filter)) !== JSON.stringify(pick(this.#filter));
    this.#filter = pick(filter);
    if (isNewScope) this.unselect();
    this.#cursor = 0;
    this.#pages.close();
    this.#pages = new ImagePages((page) =>
      this.#client.ask("images:page", { ...queryOf(this.batchId, this.#filter), ...page }),
    );
    this.#pages.want(0, 0);
    // Counting reads much more than a page does, so the rows come first.
    const pages = this.#pages;
    void pages.first.then(() => {
      if (pages === this.#pages) this.#loadCounts();
    });
  }

  refresh(): void {
    this.#loadCounts();
    this.#pages.refresh();
  }

  moveTo(index: number): ImageRow | null {
    this.#cursor = Math.max(0, Math.min(index, this.total - 1));
    return this.pages.rowAt(this.#cursor);
  }

  toggle(imageId: number): void {
    this.#isWhole = false;
    if (!this.selected.delete(imageId)) this.selected.add(imageId);
  }

  /** Adds every loaded row between two positions. */
  selectRange(from: number, to: number): void {
    this.#isWhole = false;
    for (let i = Math.min(from, to); i <= Math.max(from, to); i += 1) {
      const row = this.pages.rowAt(i);
      if (row !== null) this.selected.add(row.id);
    }
  }

  selectWhole(): void {
    this.selected.clear();
    this.#isWhole = true;
  }

  unselect(): void {
    this.selected.clear();
    this.#isWhole = false;
  }

  isSelected(imageId: number): boolean {
    return this.#isWhole || this.selected.has(imageId);
  }

  #loadCounts(): void {
    // The tabs show every state of the same search, label and reason.
    void this.counts.load(() =>
      this.#client.ask("images:counts", { scope: scopeOf(this.batchId, { ...this.#filter, state: null }) }),
    );
  }
}

/** The first page of a list, as the list will ask for it. */
export function firstPageOf(batchId: number, filter: Filter): ImagesQuery {
  return { ...queryOf(batchId, filter), after: null, skip: 0, limit: PAGE_ROWS };
}

/** The row of one image, whatever its state. */
export function oneImage(batchId: number, imageId: number): ImagesQuery {
  const { scope, ...order } = queryOf(batchId, FIRST_PLACE);
  return { scope: { ...scope, imageIds: [imageId] }, ...order, after: null, limit: 1 };
}

function queryOf(batchId: number, filter: Filter): Pick<ImagesQuery, "scope" | "sort" | "descending"> {
  return { scope: scopeOf(batchId, filter), sort: filter.sort, descending: filter.descending };
}

function scopeOf(batchId: number, { state, reason, search, label }: Filter): ImageScope {
  return {
    batchId,
    states: state === null ? [...IMAGE_STATES] : [state],
    reason,
    search,
    label,
    imageIds: null,
  };
}

function pick({ state, reason, label, search, sort, descending }: Filter): Filter {
  return { state, reason, label, search, sort, descending };
}
