import type { ImageState } from "../../electron/contract/image.ts";
import { IMAGE_STATES } from "../../electron/contract/image.ts";
import type { AppModel } from "./app.svelte.ts";
import { words } from "./messages.ts";

/** What a person can do with a whole batch; each tells its outcome as a notice. */
export interface BatchActions {
  start(): Promise<void>;
  pause(): Promise<void>;
  tryNow(): Promise<void>;
  rescan(): Promise<void>;
  duplicate(): Promise<void>;
  exportFile(): Promise<void>;
  exportResults(format: "jsonl" | "csv"): Promise<void>;
  rename(name: string): Promise<void>;
  remove(): Promise<void>;
}

/** The actions of one batch. */
export function createBatchActions(app: AppModel, batchId: number): BatchActions {
  const { client, notices } = app;
  const ref = { batchId };

  async function change(
    call: "batch:start" | "batch:pause" | "batch:try-now",
    say: (name: string) => string,
  ): Promise<void> {
    const answer = await client.ask(call, ref);
    if (!answer.ok) {
      notices.failed(answer.failure);
      return;
    }
    app.merge([answer.value]);
    notices.done(say(answer.value.name));
  }

  return {
    start: () => change("batch:start", words.head.started),
    pause: () => change("batch:pause", words.head.paused),
    tryNow: () => change("batch:try-now", () => words.night.trying),
    async rescan() {
      const answer = await client.ask("batch:rescan", ref);
      if (answer.ok) notices.done(words.head.rescanning);
      else notices.failed(answer.failure);
    },
    async duplicate() {
      const answer = await client.ask("batch:duplicate", ref);
      if (!answer.ok) {
        notices.failed(answer.failure);
        return;
      }
      await app.load();
      app.router.go({ view: "setup", batchId: answer.value.batchId });
      notices.done(words.head.duplicated);
    },
    async exportFile() {
      const answer = await client.ask("batch:export", ref);
      if (answer.ok) download(answer.value.fileName, answer.value.text);
      else notices.failed(answer.failure);
    },
    async exportResults(format) {
      const states: ImageState[] = [...IMAGE_STATES];
      const answer = await client.ask("batch:export-results", { batchId, format, states });
      if (answer.ok) notices.done(words.head.exported(answer.value.file, answer.value.images));
      else notices.failed(answer.failure);
    },
    async rename(name) {
      const answer = await client.ask("batch:rename", { batchId, name });
      if (answer.ok) app.merge([answer.value]);
      else notices.failed(answer.failure);
    },
    async remove() {
      const name = app.card(batchId)?.name ?? "";
      const answer = await client.ask("batch:remove", ref);
      if (!answer.ok) {
        notices.failed(answer.failure);
        return;
      }
      app.forget(batchId);
      app.router.go({ view: "home" });
      notices.done(words.head.removed(name));
    },
  };
}

/** Hands a text to the browser's download. */
export function download(fileName: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = fileName;
  link.click();
  setTimeout(() => {
    URL.revokeObjectURL(url);
  }, 10_000);
}
