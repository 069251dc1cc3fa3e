import { mkdir, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";

const fateSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("computed") }),
  z.object({
    kind: z.literal("error"),
    status: z.union([z.literal(500), z.literal(520)]),
    message: z.string(),
  }),
  z.object({ kind: z.literal("endless") }),
]);
const keptRunSchema = z.object({ uuid: z.uuid(), fate: fateSchema });
const indexSchema = z.object({ version: z.literal(1), runs: z.array(keptRunSchema) });

export type KeptRun = z.infer<typeof keptRunSchema>;

/**
 * Remembers runs across a restart of the simulator. The file itself is a small index; the request of each run lies beside it
 * in `<file>.runs/` until its result is taken. Results are not kept: tasks are deterministic, so they are computed again.
 */
export interface StateFile {
  /** Resolves when the run would be found again. */
  add(run: KeptRun, requestBody: Buffer): Promise<void>;
  /** Resolves when the run would no longer be found. */
  remove(uuid: string): Promise<void>;
  clear(): Promise<void>;
  /** The runs left by the last simulator, in the order they were accepted; unreadable ones are dropped. */
  load(): Promise<{ run: KeptRun; requestBody: Buffer }[]>;
}

/** Keeps nothing. */
export const NO_STATE_FILE: StateFile = {
  add: () => Promise.resolve(),
  remove: () => Promise.resolve(),
  clear: () => Promise.resolve(),
  load: () => Promise.resolve([]),
};

async function readIndex(file: string): Promise<KeptRun[]> {
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  });
  return text === null ? [] : indexSchema.parse(JSON.parse(text)).runs;
}

/** One writer at a time; changes that arrive while it writes share the next write. */
function createIndexWriter(file: string, contents: () => string): () => Promise<void> {
  let writing: Promise<void> = Promise.resolve();
  let next: Promise<void> | null = null;
  async function write(): Promise<void> {
    await writeFile(`${file}.tmp`, contents());
    await rename(`${file}.tmp`, file);
  }
  return () => {
    const turn = (): Promise<void> => {
      next = null;
      writing = write();
      return writing;
    };
    // A failed write is its callers' news; the next one tries again.
    next ??= writing.then(turn, turn);
    return next;
  };
}

export function openStateFile(file: string): StateFile {
  const folder = `${file}.runs`;
  const runs = new Map<string, KeptRun>();
  const writeIndex = createIndexWriter(
    file,
    () => `${JSON.stringify({ version: 1, runs: [...runs.values()] })}\n`,
  );
  const requestFile = (uuid: string): string => join(folder, `${uuid}.json`);

  return {
    async add(run, requestBody) {
      await writeFile(requestFile(run.uuid), requestBody);
      runs.set(run.uuid, run);
      await writeIndex();
    },
    async remove(uuid) {
      if (!runs.delete(uuid)) return;
      await writeIndex();
      await rm(requestFile(uuid), { force: true });
    },
    async clear() {
      const gone = [...runs.keys()];
      runs.clear();
      await writeIndex();
      await Promise.all(gone.map((uuid) => rm(requestFile(uuid), { force: true })));
    },
    async load() {
      await mkdir(dirname(file), { recursive: true });
      await mkdir(folder, { recursive: true });
      const kept: { run: KeptRun; requestBody: Buffer }[] = [];
      for (const run of await readIndex(file)) {
        const requestBody = await readFile(requestFile(run.uuid)).catch(() => null);
        if (!requestBody) continue;
        runs.set(run.uuid, run);
        kept.push({ run, requestBody });
      }
      const strays = (await readdir(folder)).filter((name) => !runs.has(name.replace(/\.json$/, "")));
      await Promise.all(strays.map((name) => rm(join(folder, name), { force: true })));
      return kept;
    },
  };
}
