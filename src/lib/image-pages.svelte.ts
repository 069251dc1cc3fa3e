import type { ImageRow, ImagesPage, ImagesQuery } from "../../electron/contract/api.ts";
import type { Failure } from "../../electron/contract/failure.ts";
import type { Result } from "../../electron/contract/result.ts";
import { PAGE_ROWS, PageCache } from "./page-cache.ts";

type AskPage = (page: Pick<ImagesQuery, "after" | "skip" | "limit">) => Promise<Result<ImagesPage>>;

/** A `PageCache` that reads what is looked at, one page at a time, and tells the view when rows changed. */
export class ImagePages {
  readonly #ask: AskPage;
  readonly #cache = new PageCache();
  #answered: () => void = () => undefined;
  #version = $state(0);
  #end = $state<number | null>(null);
  #failure = $state.raw<Failure | null>(null);
  #isReading = false;
  #isClosed = false;

  /** Resolves once a first page was answered, or nobody waits for it any more. */
  readonly first = new Promise<void>((resolve) => {
    this.#answered = resolve;
  });

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

  /** How many rows there are at least. */
  get known(): number {
    return this.#version === 0 ? 0 : this.#cache.known;
  }

  get hasFirstPage(): boolean {
    return this.#version > 0;
  }

  rowAt(index: number): ImageRow | null {
    return this.#version === 0 ? null : this.#cache.rowAt(index);
  }

  /** The position of a row that is in memory. */
  indexOf(imageId: number): number | null {
    return this.#version === 0 ? null : this.#cache.indexOf(imageId);
  }

  /** Tells which positions are looked at. */
  want(first: number, last: number): void {
    this.#cache.want(first, last);
    void this.#read();
  }

  /** Puts newer rows in place of the older ones; what is shown keeps its position. */
  patch(rows: readonly ImageRow[]): void {
    if (this.#cache.patch(rows)) this.#version += 1;
  }

  /** Reads what is looked at anew, while the older rows stay visible. */
  refresh(): void {
    this.#cache.markStale();
    this.#failure = null;
    void this.#read();
  }

  close(): void {
    this.#isClosed = true;
    this.#answered();
  }

  async #read(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    for (let next = this.#cache.next(); next !== null; next = this.#cache.next()) {
      const answer = await this.#ask({ after: next.after, skip: next.skip, limit: PAGE_ROWS });
      this.#answered();
      if (this.#isClosed) return;
      if (!answer.ok) {
        this.#failure = answer.failure;
        break;
      }
      this.#cache.take(next.page, answer.value);
      this.#end = this.#cache.end;
      this.#version += 1;
    }
    this.#isReading = false;
  }
}
