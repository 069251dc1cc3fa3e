import type { ImageRow, ImagesPage } from "../../electron/contract/api.ts";

/** Rows asked for at once. */
export const PAGE_ROWS = 200;
const KEPT_PAGES = 8;

/** A page this near behind a known key is reached from there; one farther away by its position in the whole list. */
const NEAR_PAGES = 20;

/** How a page is asked for. */
interface PageToRead {
  page: number;
  after: string | null;
  /** Rows between that key and the page. */
  skip: number;
}

/** Rows of a list that is read by key, by position; only pages near the view are kept. */
export class PageCache {
  /** How many rows there are; null until the last page was read. */
  end: number | null = null;
  /** The key after which a page begins, where it is known. */
  readonly #keys = new Map<number, string | null>([[0, null]]);
  readonly #pages = new Map<number, ImageRow[]>();
  readonly #stale = new Set<number>();
  #first = 0;
  #last = 0;

  rowAt(index: number): ImageRow | null {
    return this.#pages.get(Math.floor(index / PAGE_ROWS))?.[index % PAGE_ROWS] ?? null;
  }

  /** The position of a row that is kept. */
  indexOf(imageId: number): number | null {
    for (const [page, rows] of this.#pages) {
      const at = rows.findIndex((row) => row.id === imageId);
      if (at !== -1) return page * PAGE_ROWS + at;
    }
    return null;
  }

  /** How many rows there are at least. */
  get known(): number {
    return Math.max(0, ...[...this.#pages].map(([page, rows]) => page * PAGE_ROWS + rows.length));
  }

  /** Which positions are looked at. */
  want(first: number, last: number): void {
    this.#first = Math.floor(first / PAGE_ROWS);
    this.#last = Math.floor(last / PAGE_ROWS);
  }

  /** Puts newer rows in place of the older ones and tells whether any was there. */
  patch(rows: readonly ImageRow[]): boolean {
    const newer = new Map(rows.map((row) => [row.id, row]));
    let isChanged = false;
    for (const [page, old] of this.#pages) {
      if (!old.some((row) => newer.has(row.id))) continue;
      this.#pages.set(
        page,
        old.map((row) => newer.get(row.id) ?? row),
      );
      isChanged = true;
    }
    return isChanged;
  }

  /** What is kept stays visible, but is read anew. */
  markStale(): void {
    for (const page of this.#pages.keys()) this.#stale.add(page);
  }

  /** The page to read next; null when everything looked at is there. */
  next(): PageToRead | null {
    const lastPage = this.end === null ? Infinity : Math.max(0, Math.ceil(this.end / PAGE_ROWS) - 1);
    for (let page = this.#first; page <= Math.min(this.#last, lastPage); page += 1) {
      if (this.#pages.has(page) && !this.#stale.has(page)) continue;
      return this.#wayTo(page);
    }
    return null;
  }

  #wayTo(page: number): PageToRead {
    for (let near = page; near >= Math.max(0, page - NEAR_PAGES); near -= 1) {
      const after = this.#keys.get(near);
      if (after !== undefined) return { page, after, skip: (page - near) * PAGE_ROWS };
    }
    return { page, after: null, skip: page * PAGE_ROWS };
  }

  take(page: number, { rows, next }: ImagesPage): void {
    this.#pages.set(page, rows);
    this.#stale.delete(page);
    if (next === null) this.#endAt(page, rows.length);
    else if (this.#keys.get(page + 1) !== next) this.#moveBorder(page, next);
    this.#forgetFarPages();
  }

  #endAt(page: number, length: number): void {
    this.end = page * PAGE_ROWS + length;
    this.#forgetKeysBehind(page);
    for (const other of this.#pages.keys()) if (other > page) this.#pages.delete(other);
  }

  /** Keys behind a border that moved no longer begin at their positions. */
  #moveBorder(page: number, next: string): void {
    if (this.#keys.has(page + 1)) {
      this.#forgetKeysBehind(page);
      for (const other of this.#pages.keys()) if (other > page) this.#stale.add(other);
    }
    this.#keys.set(page + 1, next);
    if (this.end !== null && this.end <= (page + 1) * PAGE_ROWS) this.end = null;
  }

  #forgetKeysBehind(page: number): void {
    for (const other of this.#keys.keys()) if (other > page) this.#keys.delete(other);
  }

  #forgetFarPages(): void {
    for (const page of this.#pages.keys()) {
      if (page < this.#first - KEPT_PAGES || page > this.#last + KEPT_PAGES) this.#pages.delete(page);
    }
  }
}
