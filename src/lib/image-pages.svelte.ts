import type { ImageRow, ImagesPage, ImagesQuery } from "../../electron/contract/api.ts";
import type { Failure } from "../../electron/contract/failure.ts";
import type { Result } from "../../electron/contract/result.ts";

export const PAGE_ROWS = 200;
const KEPT_PAGES = 8;

type AskPage = (page: Pick<ImagesQuery, "after" | "limit">) => Promise<Result<ImagesPage>>;

/**
 * Rows of one list by position, read in pages by key. A position far ahead is reached by reading on from the
 * last known key; only pages near the view stay in memory.
 */
export class ImagePages {
  readonly #ask: AskPage;
  #version = $state(0);
  #failure = $state.raw<Failure | null>(null);
  #end = $state<number | null>(null);
  /** `#keys[k]` = the key after which page k begins. */
  #keys: (string | null)[] = [null];
  readonly #pages = new Map<number, ImageRow[]>();
  readonly #stale = new Set<number>();
  #wanted = { first: 0, last: 0 };
  #reading = false;
  #closed = false;

  constructor(ask: AskPage) {
    this.#ask = ask;
  }

  get failure(): Failure | null {
    return this.#failure;
  }

  /** How many rows there are; null until the last page was read. */
  get end(): number | null {
    return this.#end;
  }

  get hasFirstPage(): boolean {
    return this.#version > 0;
  }

  rowAt(index: number): ImageRow | null {
    void this.#version;
    return this.#pages.get(Math.floor(index / PAGE_ROWS))?.[index % PAGE_ROWS] ?? null;
  }

  /** The position of a row that is in memory. */
  indexOf(imageId: number): number | null {
    void this.#version;
    for (const [page, rows] of this.#pages) {
      const at = rows.findIndex((row) => row.id === imageId);
      if (at !== -1) return page * PAGE_ROWS + at;
    }
    return null;
  }

  /** Tells which positions are looked at; missing pages are read, those nearest to the view first. */
  want(first: number, last: number): void {
    this.#wanted = { first: Math.floor(first / PAGE_ROWS), last: Math.floor(last / PAGE_ROWS) };
    void this.#read();
  }

  /** Puts newer rows in place of the older ones; what is shown keeps its position. */
  patch(rows: readonly ImageRow[]): void {
    const newer = new Map(rows.map((row) => [row.id, row]));
    let changed = false;
    for (const [page, old] of this.#pages) {
      if (!old.some((row) => newer.has(row.id))) continue;
      this.#pages.set(
        page,
        old.map((row) => newer.get(row.id) ?? row),
      );
      changed = true;
    }
    if (changed) this.#version += 1;
  }

  /** Reads what is looked at anew, while the older rows stay visible. */
  refresh(): void {
    for (const page of this.#pages.keys()) this.#stale.add(page);
    this.#failure = null;
    void this.#read();
  }

  close(): void {
    this.#closed = true;
  }

  async #read(): Promise<void> {
    if (this.#reading) return;
    this.#reading = true;
    for (let page = this.#next(); page !== null && !this.#closed; page = this.#next()) {
      const answer = await this.#ask({ after: this.#keys[page] ?? null, limit: PAGE_ROWS });
      if (this.#closed) break;
      if (!answer.ok) {
        this.#failure = answer.failure;
        break;
      }
      this.#take(page, answer.value);
    }
    this.#reading = false;
  }

  /** The next page to read: the first one in view that is missing or stale, or the last one with a known key before it. */
  #next(): number | null {
    if (this.#failure !== null) return null;
    const lastPage = this.#end === null ? Infinity : Math.max(0, Math.ceil(this.#end / PAGE_ROWS) - 1);
    for (let page = this.#wanted.first; page <= Math.min(this.#wanted.last, lastPage); page += 1) {
      if (this.#pages.has(page) && !this.#stale.has(page)) continue;
      return Math.min(page, this.#keys.length - 1);
    }
    return null;
  }

  #take(page: number, { rows, next }: ImagesPage): void {
    this.#pages.set(page, rows);
    this.#stale.delete(page);
    const known = this.#keys[page + 1];
    if (next === null) {
      this.#end = page * PAGE_ROWS + rows.length;
      this.#keys.length = page + 1;
      for (const other of this.#pages.keys()) if (other > page) this.#pages.delete(other);
    } else if (known !== next) {
      // Keys behind a moved border no longer begin at their positions.
      this.#keys.length = page + 1;
      this.#keys.push(next);
      for (const other of this.#pages.keys()) if (other > page) this.#stale.add(other);
      if (this.#end !== null && this.#end <= (page + 1) * PAGE_ROWS) this.#end = null;
    }
    this.#forgetFarPages();
    this.#version += 1;
  }

  #forgetFarPages(): void {
    const { first, last } = this.#wanted;
    for (const page of this.#pages.keys()) {
      if (page < first - KEPT_PAGES || page > last + KEPT_PAGES) this.#pages.delete(page);
    }
  }
}
