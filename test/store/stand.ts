import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { Database, Statement } from "../../electron/engine/store/database.ts";
import { openWriter } from "../../electron/engine/store/database.ts";
import { observeFiles, type SeenFile } from "../../electron/engine/store/images.ts";
import { saveBatch } from "../../electron/engine/store/batches.ts";
import { settleFile } from "../../electron/engine/store/settle.ts";
import { cheapSettings } from "../support/open-rig.ts";
import { sha256Of } from "../support/pictures.ts";

/** A path for a data file in a folder of its own, removed when the test ends. */
export async function dataFilePath(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "nightrun-store-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return join(folder, "nightrun.db");
}

/** A data file that is open for writing on this thread, closed when the test ends. */
export async function openDatabase(file?: string): Promise<Database> {
  const opened = openWriter(file ?? (await dataFilePath()));
  if (!opened.ok) throw new Error(JSON.stringify(opened.failure));
  onTestFinished(() => opened.value.close());
  return opened.value;
}

/** One batch over a folder that nothing looks at; gives its id. */
export function makeBatch(db: Database, parameter = "False"): number {
  const settings = cheapSettings("/pictures", "/results");
  const decision = {
    ...settings.decision,
    parameters: [{ taskName: "image_facts", taskIndex: 0, name: "decode", value: parameter }],
  };
  const [known] = db.sql("SELECT id FROM batches").all() as { id: number }[];
  return saveBatch(db, { batchId: known?.id ?? null, settings: { ...settings, decision }, at: 1 }).batch.id;
}

/** A file as a walk sees it. */
export function seenFile(path: string, change: Partial<SeenFile> = {}): SeenFile {
  return { path, bytes: 1000, mtimeUs: 1, fileId: `1:${path}`, failure: null, ...change };
}

/** Rows that are READY, each with bytes of its own; gives their ids. */
export function makeReady(db: Database, batchId: number, paths: readonly string[]): number[] {
  const files = paths.map((path) => seenFile(path));
  observeFiles(db, { batchId, walk: null, files, mono: 1, at: 1 });
  const rows = db.sql("SELECT id, path FROM images WHERE batchId = ? AND stage = 'SEEN'").all(batchId) as {
    id: number;
    path: string;
  }[];
  for (const { id, path } of rows) {
    settleFile(db, {
      imageId: id,
      file: seenFile(path),
      fingerprint: id,
      sha256: Buffer.from(sha256Of(Buffer.from(path)), "hex"),
      width: 8,
      height: 8,
      dedupe: true,
      at: 2,
    });
  }
  return rows.map(({ id }) => id);
}

/** The query plan of every statement that `work` runs, in its order. */
export function plansOf(db: Database, work: (db: Database) => unknown): string[] {
  const plans: string[] = [];
  const explain = (text: string, values: unknown[]): void => {
    const steps = db.sql(`EXPLAIN QUERY PLAN ${text}`).all(...values) as { detail: string }[];
    plans.push(steps.map((step) => step.detail).join("; "));
  };
  const spied: Database = {
    ...db,
    sql(text) {
      const spy: Statement = new Proxy<Statement>(db.sql(text), {
        get(target, name) {
          const value = Reflect.get(target, name) as unknown;
          if (typeof value !== "function") return value;
          return (...values: unknown[]): unknown => {
            const isRun = name === "all" || name === "get" || name === "run";
            if (isRun && !text.startsWith("PRAGMA")) explain(text, values);
            const given = (value as (...given: unknown[]) => unknown).apply(target, values);
            return given === target ? spy : given;
          };
        },
      });
      return spy;
    },
  };
  work(spied);
  return plans;
}
