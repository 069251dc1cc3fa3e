import type { BatchSettings } from "../../contract/batch.ts";
import type { Failure } from "../../contract/failure.ts";
import type { Clock } from "../clock.ts";
import type { Gates } from "../dispatch/gates.ts";
import type { Hands } from "../hands.ts";
import type { Store } from "../store/store.ts";
import { createFolderIdentity } from "./folder-identity.ts";
import { openScope, type ScopeOptions } from "./scope.ts";
import { createFileSettler, isPathGone, seenFileOf } from "./settle-files.ts";
import { observe, walk } from "./walk.ts";
import { watchFolder, type FolderWatch } from "./watch.ts";

export interface IntakeOptions {
  batchId: number;
  settings: () => BatchSettings;
  store: Store;
  hands: Hands;
  clock: Clock;
  gates: Gates;
  /** Keep watching; without it one walk is made for each `walkNow`. */
  watch: boolean;
  /** Folders and files of Nightrun's own that are never taken in; absolute. */
  own: { folders: readonly string[]; files: readonly string[] };
  /** The folder's identity when it was last walked, in an earlier session too; null = never. */
  rootId: string | null;
  timing: IntakeTiming;
  onImage: (imageId: number) => void;
  /** Something changed that may let the dispatch go on. */
  onProgress: () => void;
  onProblem: (failure: Failure) => void;
}

/** All in milliseconds. */
export interface IntakeTiming {
  /** Two equal observations at least this far apart. */
  quietMs: number;
  /** How long a file may stay unreadable, truncated or growing. */
  giveUpMs: number;
  /** Between two full walks while watching. */
  walkEveryMs: number;
  /** Between two looks whether the folder is there. */
  healthEveryMs: number;
}

export const INTAKE_TIMING: IntakeTiming = {
  quietMs: 2000,
  giveUpMs: 30_000,
  // With the walk itself, a file that no event told of is found within a minute.
  walkEveryMs: 45_000,
  healthEveryMs: 15_000,
};

/** A walk that takes long is not repeated before this many times its own length. */
const REST_FOR_WALKS = 10;
const MOST_HINTS = 5000;
const UNMET_PAGE = 1000;

/**
 * Keeps the store's rows true to the folder: the walk is the truth, the watcher a hint. Nothing is called missing
 * unless a complete walk of the same, healthy folder did not meet it and a second look agrees.
 */
export interface Intake {
  start(): void;
  /** Walks the folder; resolves when the walk has ended. */
  walkNow(): Promise<void>;
  /** Looks at one path soon. */
  hint(path: string): void;
  /** The same for one that could not be sent as it was seen: it is read to its end first. */
  recheck(path: string): void;
  readonly walking: boolean;
  /** No walk goes on and no hint waits. */
  readonly quiet: boolean;
  /** A walk of the folder that the batch is about has ended in this session. */
  readonly hasWalked: boolean;
  stop(): Promise<void>;
}

export function createIntake(options: IntakeOptions): Intake {
  const { batchId, store, clock, gates, timing, settings } = options;
  const stopping = new AbortController();
  const stopped = stopping.signal;
  const root = settings().intake.folder;
  const hints = new Set<string>();
  let hasWalked = false;
  let walking: Promise<void> | null = null;
  let watching: FolderWatch | null = null;
  let walkAgain = false;
  let lookingAtHints = false;
  const loops: Promise<void>[] = [];

  let scopeOf: { settings: BatchSettings; scope: ScopeOptions } | null = null;
  function scope(): ScopeOptions {
    const now = settings();
    if (scopeOf?.settings !== now) {
      const { recursive, include, exclude } = now.intake;
      const excludedFolders = [...options.own.folders, now.results.resultsFolder];
      scopeOf = {
        settings: now,
        scope: { recursive, include, exclude, excludedFolders, excludedFiles: options.own.files },
      };
    }
    return scopeOf.scope;
  }

  const settler = createFileSettler({
    batchId,
    root,
    scope,
    dedupe: () => settings().intake.dedupe,
    store,
    hands: options.hands,
    clock,
    quietMs: timing.quietMs,
    giveUpMs: timing.giveUpMs,
    onImage: options.onImage,
    isHealthy,
    stopped,
  });

  const identity = createFolderIdentity({ batchId, root, rootId: options.rootId, store, scope });

  /** The folder is there and is the one that was walked before; else the gate closes and nothing counts as missing. */
  async function isHealthy(): Promise<boolean> {
    const failure = await identity.look();
    if (failure === null) gates.open("folder-away");
    else gates.close("folder-away", failure, clock.now() + timing.healthEveryMs);
    return failure === null;
  }

  async function walkOnce(): Promise<void> {
    const number = await store.call("beginWalk", null);
    try {
      const walked = await walk({ ...scope(), root, signal: stopped }, async (entries) => {
        await store.call("observeFiles", {
          batchId,
          walk: number,
          files: entries.map(seenFileOf),
          mono: clock.mono(),
          at: clock.now(),
        });
        options.onProgress();
      });
      if (!walked.ok) {
        gates.close("folder-away", walked.failure, clock.now() + timing.healthEveryMs);
        return;
      }
      await concludeWalk(number, walked.value);
    } finally {
      await store.call("endWalk", number);
    }
  }

  async function concludeWalk(
    number: number,
    summary: { complete: boolean; rootId: string; unreadable: { path: string; code: string }[] },
  ): Promise<void> {
    if (!(await identity.wasWalked(summary.rootId))) {
      await isHealthy();
      return;
    }
    hasWalked = true;
    if (!summary.complete) {
      await reportUnreadable(summary.unreadable);
      return;
    }
    await findMissing(number);
  }

  let reportedUnreadable = "";
  async function reportUnreadable(unreadable: readonly { path: string }[]): Promise<void> {
    const [first] = unreadable;
    const key = `${unreadable.length}:${first?.path ?? ""}`;
    if (first === undefined || key === reportedUnreadable) return;
    reportedUnreadable = key;
    const detail = { folders: unreadable.length, first: first.path === "" ? root : first.path };
    await store.call("addEvent", { at: clock.now(), event: { batchId, kind: "walk-incomplete", detail } });
  }

  async function findMissing(number: number): Promise<void> {
    let afterId: number | null = 0;
    while (afterId !== null && !stopped.aborted) {
      const page: { rows: { id: number; path: string }[]; nextId: number | null } = await store.call(
        "unmetPage",
        {
          batchId,
          walk: number,
          afterId,
          limit: UNMET_PAGE,
        },
      );
      for (const row of page.rows) await lookForMissing(row);
      afterId = page.nextId;
    }
  }

  async function lookForMissing(row: { id: number; path: string }): Promise<void> {
    const entry = await observe(root, row.path, scope());
    if (entry !== null) {
      hint(row.path);
      return;
    }
    const gone = await isPathGone(root, row.path);
    if (!(await isHealthy())) return;
    await store.call("fileGone", { imageId: row.id, outOfScope: !gone, at: clock.now() });
    options.onImage(row.id);
  }

  /** A walk that is asked for while one goes on may find what that one has passed already: so another follows. */
  async function walkNow(): Promise<void> {
    walkAgain = true;
    walking ??= (async () => {
      while (walkAgain && !stopped.aborted) {
        walkAgain = false;
        if (await isHealthy()) await walkOnce();
      }
    })().finally(() => {
      walking = null;
      options.onProgress();
    });
    return walking;
  }

  async function lookAtHints(): Promise<void> {
    if (lookingAtHints) return;
    lookingAtHints = true;
    try {
      while (hints.size > 0 && !stopped.aborted) {
        const paths = [...hints].slice(0, 500);
        for (const path of paths) hints.delete(path);
        const now = await openScope(root, scope());
        const entries = await Promise.all(paths.map((path) => observe(root, path, now)));
        const files = entries.flatMap((entry) => (entry === null ? [] : [seenFileOf(entry)]));
        await store.call("observeFiles", { batchId, walk: null, files, mono: clock.mono(), at: clock.now() });
        for (const [i, path] of paths.entries()) if (entries[i] === null) await lookForGone(path);
        options.onProgress();
      }
    } finally {
      lookingAtHints = false;
      options.onProgress();
    }
  }

  async function lookForGone(path: string): Promise<void> {
    if (!(await isPathGone(root, path)) || !(await isHealthy())) return;
    const gone = await store.call("pathGone", { batchId, path, at: clock.now() });
    if (gone !== null) options.onImage(gone);
  }

  function hint(path: string | null): void {
    if (path === null || hints.size > MOST_HINTS) {
      hints.clear();
      void guard(walkNow());
      return;
    }
    hints.add(path);
    void guard(lookAtHints());
  }

  /** The one place where an unexpected error of the intake ends: it is told, and the next walk tries again. */
  async function guard(work: Promise<unknown>): Promise<void> {
    try {
      await work;
    } catch (error) {
      if (stopped.aborted) return;
      options.onProblem({
        reason: "internal",
        message: error instanceof Error ? (error.stack ?? error.message) : String(error),
      });
    }
  }

  async function settleLoop(): Promise<void> {
    while (!stopped.aborted) {
      const looked = gates.isClosed("folder-away") ? 0 : await settler.round();
      if (looked > 0) options.onProgress();
      else await clock.sleep(Math.max(20, timing.quietMs / 4), stopped);
    }
  }

  async function walkLoop(): Promise<void> {
    while (!stopped.aborted) {
      const startedMono = clock.mono();
      await guard(walkNow());
      const tookMs = clock.mono() - startedMono;
      const away = gates.isClosed("folder-away");
      const rest = away ? timing.healthEveryMs : Math.max(timing.walkEveryMs, REST_FOR_WALKS * tookMs);
      await clock.sleep(rest, stopped);
      if (away) await restartWatch();
    }
  }

  /** Without watching, too, a folder that went away is looked for until it is back. */
  async function returnLoop(): Promise<void> {
    while (!stopped.aborted) {
      await clock.sleep(timing.healthEveryMs, stopped);
      if (gates.isClosed("folder-away")) await guard(walkNow());
    }
  }

  async function restartWatch(): Promise<void> {
    await watching?.close();
    watching = null;
    await startWatch();
  }

  async function startWatch(): Promise<void> {
    if (stopped.aborted) return;
    const { folders } = options.own;
    const results = settings().results.resultsFolder;
    watching = await watchFolder({
      root,
      recursive: settings().intake.recursive,
      ignored: (absolute) => absolute === results || folders.includes(absolute),
      onHint: hint,
      onTrouble: ({ message }) =>
        void guard(
          store.call("addEvent", {
            at: clock.now(),
            event: { batchId, kind: "watch-trouble", detail: { message } },
          }),
        ),
    });
  }

  return {
    start() {
      loops.push(guard(settleLoop()));
      if (!options.watch) {
        loops.push(returnLoop());
        return;
      }
      // Walked when changes are noticed already, so that no file falls between.
      loops.push(guard(startWatch().then(walkLoop)));
    },
    walkNow,
    hint,
    recheck(path) {
      settler.doubt(path);
      hint(path);
    },
    get walking() {
      return walking !== null;
    },
    get quiet() {
      return walking === null && hints.size === 0 && !lookingAtHints;
    },
    get hasWalked() {
      return hasWalked;
    },
    async stop() {
      stopping.abort();
      await watching?.close();
      await Promise.all(loops);
      await walking;
    },
  };
}
