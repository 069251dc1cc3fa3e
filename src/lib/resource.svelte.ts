import type { Failure } from "../../electron/contract/failure.ts";
import type { Result } from "../../electron/contract/result.ts";

/** An asynchronous value with its four states; a reload keeps the old value, a stale answer is dropped. */
export class Resource<T> {
  #value = $state.raw<T | null>(null);
  #failure = $state.raw<Failure | null>(null);
  #loading = $state(false);
  #turn = 0;

  get value(): T | null {
    return this.#value;
  }

  get failure(): Failure | null {
    return this.#failure;
  }

  get isLoading(): boolean {
    return this.#loading;
  }

  async load(ask: () => Promise<Result<T>>): Promise<void> {
    const turn = ++this.#turn;
    this.#loading = true;
    const answer = await ask();
    if (turn !== this.#turn) return;
    this.#loading = false;
    if (answer.ok) {
      this.#value = answer.value;
      this.#failure = null;
    } else {
      this.#failure = answer.failure;
    }
  }

  set(value: T): void {
    this.#turn += 1;
    this.#loading = false;
    this.#value = value;
    this.#failure = null;
  }

  clear(): void {
    this.#turn += 1;
    this.#loading = false;
    this.#value = null;
    this.#failure = null;
  }
}
