import { lstat } from "node:fs/promises";
import type { ImageFailure } from "../../contract/failure.ts";
import { fail, succeed, type Result } from "../../contract/result.ts";
import type { Clock } from "../clock.ts";
import type { SeenFile } from "../store/images.ts";
import type { StoredImage } from "../store/rows.ts";
import type { SettleOutcome } from "../store/settle.ts";
import type { Hands } from "../hands.ts";
import type { Store } from "../store/store.ts";
import { createReader, type Reader } from "./formats/reader.ts";
import { errorCode, isGone } from "./fs-error.ts";
import { isSuspect } from "../transitions.ts";
import { fingerprintOf, hashImage } from "./identity.ts";
import { sameObservation, type Observation } from "./observation.ts";
import { openImage } from "./open.ts";
import { absolutePath } from "./path.ts";
import { inspectPicture, type Picture } from "./picture.ts";
import { openScope, type Scope, type ScopeOptions } from "./scope.ts";
import { settleVerdict } from "./settle.ts";
import { observe, type WalkEntry } from "./walk.ts";

/** Files settled at once: half of the threads that file work has, so that a slow share leaves the rest alive. */
const AT_ONCE = 2;
const PAGE = 200;
/** So many files are noted as being read with one commit: those are who may have killed the program. */
const NOTED_AT_ONCE = 16;
/** How long a look at where Nightrun's own folders are is good for: it takes a dozen questions to the disk. */
const SCOPE_GOOD_FOR_MS = 1000;

export interface SettleOptions {
  batchId: number;
  root: string;
  scope: () => ScopeOptions;
  dedupe: () => boolean;
  store: Store;
  hands: Hands;
  clock: Clock;
  /** Two equal observations at least this far apart. @default 2000 on a local disk */
  quietMs: number;
  /** How long a file may stay unreadable, truncated or growing before it fails. */
  giveUpMs: number;
  onImage: (imageId: number) => void;
  /** The batch's folder is there: else an absent file proves nothing. */
  isHealthy: () => Promise<boolean>;
  stopped: AbortSignal;
}

/** What a finished file is known by; `sha256` null = it was not read in full. */
interface FinishedFile {
  failure: null;
  picture: Picture;
  fingerprint: number;
  sha256: Buffer | null;
}

/**
 * Takes SEEN rows on: to READY (or a known result) when the file is finished, to FAILED or SKIPPED when it never is.
 * A file is read in full here only where another looks like it or it gave cause for doubt: otherwise its bytes are read,
 * hashed and sent in one.
 */
export interface FileSettler {
  /** This file could not be sent as it was seen: it is read to its end before it is sent again. */
  doubt(path: string): void;
  /** Looks once at every row that is due. Gives how many rows were looked at. */
  round(): Promise<number>;
}

/** What the walk, a hint or a second look tells, in the store's terms. */
export function seenFileOf(entry: WalkEntry): SeenFile {
  if (entry.kind === "file") return { ...entry.observation, failure: null };
  if (entry.kind === "foreign") {
    return { ...entry.observation, failure: { reason: "unsupported-format", found: entry.found } };
  }
  return {
    path: entry.path,
    bytes: 0,
    mtimeUs: 0,
    fileId: "",
    failure: { reason: "special-file", kind: entry.special },
  };
}

/** Whether a path is surely not there, as opposed to not being readable. */
export async function isPathGone(root: string, path: string): Promise<boolean> {
  try {
    await lstat(absolutePath(root, path));
    return false;
  } catch (error) {
    return isGone(errorCode(error));
  }
}

/** Reasons for which a file is never a picture for a deployment, as opposed to one that is not finished yet. */
const NEVER: readonly ImageFailure["reason"][] = ["unsupported-format", "special-file"];

/** What keeps a file from being read here keeps it from being sent. */
async function tellApart(reader: Reader): Promise<Result<number, ImageFailure>> {
  try {
    const fingerprint = await fingerprintOf(reader);
    return fingerprint === null ? fail({ reason: "still-changing" }) : succeed(fingerprint);
  } catch (error) {
    return fail({ reason: "unreadable", code: errorCode(error) });
  }
}

export function createFileSettler(options: SettleOptions): FileSettler {
  const { store, clock, root } = options;
  /** Since when a file has been held, monotonic milliseconds. */
  const heldSince = new Map<number, number>();
  const doubted = new Set<string>();
  let lastScope: { options: ScopeOptions; scope: Scope; atMono: number } | null = null;

  async function currentScope(): Promise<Scope> {
    const wanted = options.scope();
    const age = lastScope === null ? Infinity : clock.mono() - lastScope.atMono;
    if (lastScope?.options !== wanted || age >= SCOPE_GOOD_FOR_MS) {
      lastScope = { options: wanted, scope: await openScope(root, wanted), atMono: clock.mono() };
    }
    return lastScope.scope;
  }

  async function hold(row: StoredImage, seen: Observation, failure: ImageFailure): Promise<void> {
    const since = heldSince.get(row.id) ?? clock.mono();
    heldSince.set(row.id, since);
    if (clock.mono() - since >= options.giveUpMs) {
      heldSince.delete(row.id);
      await refuse(row, failure, "FAILED");
      return;
    }
    await lookAgain(row, seen);
  }

  async function lookAgain(row: StoredImage, seen: Observation): Promise<void> {
    const file = { ...seen, failure: null };
    await store.call("lookAgain", { imageId: row.id, file, mono: clock.mono(), at: clock.now() });
  }

  async function refuse(row: StoredImage, failure: ImageFailure, stage: "FAILED" | "SKIPPED"): Promise<void> {
    doubted.delete(row.path);
    await store.call("refuseFile", { imageId: row.id, failure, stage, at: clock.now() });
  }

  async function settleOne(row: StoredImage): Promise<void> {
    const entry = await observe(root, row.path, await currentScope());
    if (entry === null) {
      const gone = await isPathGone(root, row.path);
      if (!(await options.isHealthy())) return;
      if (gone) await store.call("fileGone", { imageId: row.id, at: clock.now() });
      else await hold(row, row, { reason: "unreadable", code: "EACCES" });
      return;
    }
    if (entry.kind !== "file") {
      const { failure } = seenFileOf(entry);
      if (failure !== null) await refuse(row, failure, "SKIPPED");
      return;
    }
    const first = { observation: row, atMono: row.seenMono };
    const second = { observation: entry.observation, atMono: clock.mono() };
    const verdict = settleVerdict(first, second, options.quietMs);
    if (verdict === "wait") return;
    if (verdict === "changed") {
      await hold(row, entry.observation, { reason: "still-changing" });
      return;
    }
    await settleFinished(row, entry.observation, doubted.has(row.path));
  }

  async function settleFinished(row: StoredImage, seen: Observation, inFull: boolean): Promise<void> {
    const read = await readFinished(row, inFull);
    if (read.failure !== null) {
      if (NEVER.includes(read.failure.reason)) await refuse(row, read.failure, "SKIPPED");
      else await hold(row, seen, read.failure);
      return;
    }
    const { candidate, unread } = await makeKnown(row, seen, read);
    if (unread !== null) {
      // Its hash is known as soon as it is sent, also when its file went away or has another name meanwhile.
      if (unread.some(({ stage }) => stage === "SENDING")) return lookAgain(row, seen);
      for (const other of unread) await readAlike(other);
      return settleFinished(row, seen, true);
    }
    heldSince.delete(row.id);
    doubted.delete(row.path);
    if (candidate === null) return;
    const fromId = (await isPathGone(root, candidate.path)) ? candidate.imageId : null;
    await store.call("takeOver", { imageId: row.id, fromId, at: clock.now() });
  }

  async function readFinished(
    row: StoredImage,
    inFull: boolean,
  ): Promise<{ failure: ImageFailure } | FinishedFile> {
    const opened = await openImage(root, row.path);
    if (!opened.ok) return { failure: opened.failure };
    try {
      const { handle, observation } = opened.value;
      if (!sameObservation(observation, row)) return { failure: { reason: "still-changing" } };
      const reader = createReader(handle, observation.bytes);
      const picture = await inspectPicture(reader);
      if (!picture.ok) return { failure: picture.failure };
      const told = await tellApart(reader);
      if (!told.ok) return { failure: told.failure };
      const found = { failure: null, picture: picture.value, fingerprint: told.value };
      if (!inFull) return { ...found, sha256: null };
      const hash = await hashImage(handle, observation.bytes);
      if (!hash.ok) return { failure: hash.failure };
      return { ...found, sha256: hash.value };
    } finally {
      await opened.value.close();
    }
  }

  /** Another file may have the same bytes: its hash tells. One that cannot be read as it was seen goes its own way. */
  async function readAlike(other: StoredImage): Promise<void> {
    if (isSuspect(other)) return;
    const opened = await openImage(root, other.path);
    if (!opened.ok) return;
    try {
      const { handle, observation } = opened.value;
      if (!sameObservation(observation, other)) return;
      const hash = await hashImage(handle, observation.bytes);
      if (!hash.ok) return;
      const file = { ...observation, failure: null };
      await store.call("learnHash", { imageId: other.id, file, sha256: hash.value });
    } finally {
      await opened.value.close();
    }
  }

  function makeKnown(row: StoredImage, seen: Observation, read: FinishedFile): Promise<SettleOutcome> {
    const { picture, fingerprint, sha256 } = read;
    const isTurned = picture.orientation >= 5;
    return store.call("settleFile", {
      imageId: row.id,
      file: { ...seen, failure: null },
      fingerprint,
      sha256,
      width: isTurned ? picture.height : picture.width,
      height: isTurned ? picture.width : picture.height,
      dedupe: options.dedupe(),
      at: clock.now(),
    });
  }

  const note = (imageIds: number[]): Promise<void> =>
    store.call("lookAt", { batchId: options.batchId, imageIds });

  async function readNoted(rows: StoredImage[]): Promise<void> {
    await note(rows.map((row) => row.id));
    const queue = [...rows];
    const work = async (): Promise<void> => {
      for (let row = queue.shift(); row !== undefined && !options.stopped.aborted; row = queue.shift()) {
        const next = row;
        await options.hands.hold(next, () => settleOne(next));
        options.onImage(next.id);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  }

  /** Suspects are read one at a time, when nothing else waits to be read. Gives how many were. */
  async function trySuspect(): Promise<number> {
    const { batchId, hands } = options;
    if (!hands.mayTry || options.stopped.aborted) return 0;
    const row = await store.call("nextSuspect", { batchId, wants: "reading", at: clock.now() });
    if (row === null || clock.mono() - row.seenMono < options.quietMs) return 0;
    await hands.hold(row, () => settleOne(row));
    options.onImage(row.id);
    return 1;
  }

  return {
    doubt: (path) => void doubted.add(path),
    async round() {
      const nowMono = clock.mono();
      const rows = await store.call("seenPage", {
        batchId: options.batchId,
        beforeMono: nowMono - options.quietMs,
        nowMono,
        limit: PAGE,
      });
      for (let from = 0; from < rows.length && !options.stopped.aborted; from += NOTED_AT_ONCE)
        await readNoted(rows.slice(from, from + NOTED_AT_ONCE));
      if (rows.length > 0) await note([]);
      return rows.length > 0 ? rows.length : trySuspect();
    },
  };
}
