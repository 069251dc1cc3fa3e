import { describeFailure } from "../../electron/contract/describe-failure.ts";
import type { Failure } from "../../electron/contract/failure.ts";

export interface Notice {
  id: number;
  tone: "done" | "failed";
  text: string;
  next: string | null;
}

const DONE_FOR_MS = 6000;

/** Short messages after an action. Failures stay until they are closed. */
export class Notices {
  #list = $state.raw<Notice[]>([]);
  #next = 1;

  get list(): readonly Notice[] {
    return this.#list;
  }

  done(text: string): void {
    const id = this.#add({ tone: "done", text, next: null });
    setTimeout(() => {
      this.close(id);
    }, DONE_FOR_MS);
  }

  failed(failure: Failure): void {
    const { what, next } = describeFailure(failure);
    this.#add({ tone: "failed", text: what, next });
  }

  close(id: number): void {
    this.#list = this.#list.filter((notice) => notice.id !== id);
  }

  #add(notice: Omit<Notice, "id">): number {
    const id = this.#next++;
    const others = this.#list.filter((other) => other.text !== notice.text);
    this.#list = [...others, { ...notice, id }].slice(-4);
    return id;
  }
}
