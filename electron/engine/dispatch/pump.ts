import PQueue from "p-queue";
import type { ToFinish } from "../store/results.ts";
import type { StoredImage } from "../store/rows.ts";
import type { OpenRun } from "../store/runs.ts";
import { createAnswers } from "../results/answers.ts";
import { collectRun, type RunToCollect } from "./collect.ts";
import { isSuspect } from "../transitions.ts";
import { record, type Dispatch } from "./context.ts";
import { finishFollower, finishRun } from "./finish.ts";
import { uncertainWaitMs } from "./run-times.ts";
import { submitImage } from "./submit.ts";

/** Runs that exist already come before new ones: drain before fill. */
const COLLECT_FIRST = 1;
/** Results whose outputs are being written at once. */
const FINISHING_AT_ONCE = 2;
/** So many unwritten results stop the claiming of new images. */
const MOST_UNFINISHED = 16;
/** How soon to look again when an image was given back at once, so that it is no hot loop. */
const GIVEN_BACK_PAUSE_MS = 100;

/**
 * Moves images from the store through the deployment. The database is the queue: p-queue holds at most twice the
 * concurrency, its own concurrency is the window of outstanding runs, and it only gates.
 */
export interface Pump {
  /** Something changed: claim what may be claimed. */
  poke(): void;
  /** Takes up runs that nobody follows: of an earlier session, or left behind by a defect. */
  adopt(): Promise<void>;
  /** Writes the outputs of images whose result is safe. */
  finishReceived(): Promise<void>;
  /** Nothing is claimed, outstanding or being written. */
  readonly idle: boolean;
  readonly outstanding: number;
  /** Claims nothing more; resolves when nothing is left or `stopped` aborted and every started step has ended. */
  drain(): Promise<void>;
}

export function createPump(dispatch: Dispatch, onError: (error: unknown) => void): Pump {
  const runs = new PQueue({ concurrency: dispatch.window.size });
  const finishing = new PQueue({ concurrency: FINISHING_AT_ONCE });
  const answers = createAnswers();
  const held = new Set<number>();
  const finishingIds = new Set<number>();
  let filling = false;
  let again = false;
  let isTrying = false;
  /** Ends the wait for the next image that becomes due. */
  let waking = new AbortController();
  for (const queue of [runs, finishing]) queue.addEventListener("idle", () => dispatch.onIdle());

  const room = (): number => 2 * dispatch.limits().concurrency - runs.size - runs.pending;
  /** So many wait in the queue that each question for more can bring several. */
  const hasEnough = (): boolean => runs.size > dispatch.limits().concurrency / 2;

  async function fill(): Promise<void> {
    if (filling) {
      again = true;
      return;
    }
    filling = true;
    do {
      again = false;
      runs.concurrency = dispatch.window.size;
      await claim();
    } while (again as boolean);
    filling = false;
  }

  async function claim(): Promise<void> {
    const { gates, draining, store, clock, batchId } = dispatch;
    const free = room();
    if (
      free <= 0 ||
      hasEnough() ||
      draining.aborted ||
      !gates.maySubmit ||
      finishingIds.size >= MOST_UNFINISHED
    )
      return;
    const due = await store.call("dueImages", { batchId, at: clock.now(), limit: free + held.size });
    const images = due.filter((image) => !held.has(image.id)).slice(0, free);
    for (const image of images) start(image);
    if (images.length > 0) return;
    await trySuspect();
    await wakeWhenDue();
  }

  /** Suspects are sent one at a time, when nothing else waits. */
  async function trySuspect(): Promise<void> {
    const { hands, store, batchId, clock } = dispatch;
    if (!hands.mayTry || isTrying) return;
    const image = await store.call("nextSuspect", { batchId, wants: "sending", at: clock.now() });
    if (image === null || held.has(image.id)) return;
    isTrying = true;
    start(image, () => (isTrying = false));
  }

  async function wakeWhenDue(): Promise<void> {
    const dueAt = await dispatch.store.call("nextDueAt", dispatch.batchId);
    waking.abort();
    waking = new AbortController();
    const { signal } = waking;
    const waitMs = dueAt === null ? 0 : dueAt - dispatch.clock.now();
    if (waitMs <= 0 || dispatch.draining.aborted) return;
    void dispatch.clock.sleep(waitMs, signal).then(() => {
      if (!signal.aborted) poke();
    });
  }

  function poke(): void {
    void fill().catch(onError);
  }

  function start(image: StoredImage, whenEnded: () => void = () => undefined): void {
    held.add(image.id);
    void runs
      .add(() => runImage(image))
      .catch(onError)
      .finally(() => {
        held.delete(image.id);
        whenEnded();
        poke();
      });
  }

  async function runImage(image: StoredImage): Promise<void> {
    if (!dispatch.gates.maySubmit || dispatch.draining.aborted) return;
    const run = await submitImage(dispatch, image);
    if (run === null) {
      await dispatch.clock.sleep(GIVEN_BACK_PAUSE_MS, dispatch.draining);
      return;
    }
    await collect(image.revisionId, { ...run, suspect: 0, ageMs: 0 });
  }

  async function collect(revisionId: number, run: RunToCollect): Promise<void> {
    const decision = await dispatch.decisionOf(revisionId);
    const deployment = dispatch.deploymentOf(decision.deployment);
    if (deployment === null) {
      await record(dispatch, run, { kind: "lost", waitedMs: null, retryAt: dispatch.clock.now() });
      return;
    }
    const ending = await collectRun(dispatch, deployment, run);
    if (typeof ending === "object" && ending.received !== null)
      finish(run.imageId, run.runId, ending.received);
  }

  /** Follows one run up by what its row tells; a run without an id has an unknown outcome. */
  async function adoptOne(run: OpenRun): Promise<void> {
    if (run.uuid === null) {
      const retryAt =
        dispatch.limits().onUncertain === "hold"
          ? null
          : dispatch.clock.now() + uncertainWaitMs(dispatch.times);
      await record(
        dispatch,
        { runId: run.id, imageId: run.imageId },
        { kind: "unknown", last: "Nightrun met a defect of its own", retryAt },
      );
      return;
    }
    const ageMs = run.submittedAt === null ? 0 : Math.max(0, dispatch.clock.now() - run.submittedAt);
    const suspect = run.state === "RECEIVING" ? 2 : run.suspect;
    const toCollect = { runId: run.id, imageId: run.imageId, uuid: run.uuid, advice: null, suspect, ageMs };
    held.add(run.imageId);
    if (run.state === "RECEIVING") await record(dispatch, toCollect, { kind: "doubt", level: 2 });
    void runs
      .add(() => collect(run.image.revisionId, toCollect), { priority: COLLECT_FIRST })
      .catch(onError)
      .finally(() => {
        held.delete(run.imageId);
        poke();
      });
  }

  /** `known`: what the store would tell if it were asked. */
  function finish(imageId: number, runId: number | null, known: ToFinish | null = null): void {
    if (finishingIds.has(imageId)) return;
    finishingIds.add(imageId);
    void finishing
      .add(async () => {
        await (runId === null ? finishOneFollower(imageId) : finishOne(imageId, runId, known));
      })
      .catch(onError)
      .finally(() => {
        finishingIds.delete(imageId);
        poke();
      });
  }

  /** Suspects wait for their turn, alone. */
  const mayFinish = (image: StoredImage): boolean =>
    image.stage === "RECEIVED" && (!isSuspect(image) || dispatch.hands.mayTry);

  async function finishOne(imageId: number, runId: number, known: ToFinish | null): Promise<void> {
    const given = known ?? (await dispatch.store.call("toFinish", { imageId, runId }));
    if (given === null || !mayFinish(given.image)) return;
    const finished = await dispatch.hands.hold(given.image, () => finishRun(dispatch, answers, given, runId));
    for (const follower of finished?.followers ?? []) finish(follower, null);
  }

  async function finishOneFollower(imageId: number): Promise<void> {
    const image = await dispatch.store.call("imageById", imageId);
    if (image === null || !mayFinish(image)) return;
    await dispatch.hands.hold(image, () => finishFollower(dispatch, imageId));
  }

  return {
    poke,
    async adopt() {
      for (const run of await dispatch.store.call("openRuns", dispatch.batchId)) {
        if (held.has(run.imageId) || finishingIds.has(run.imageId) || run.state === "RECEIVED") continue;
        await adoptOne(run);
      }
    },
    async finishReceived() {
      const waiting = await dispatch.store.call("receivedImages", dispatch.batchId);
      for (const { image, runId } of waiting) if (!finishingIds.has(image.id)) finish(image.id, runId);
    },
    get idle() {
      return runs.size + runs.pending + finishing.size + finishing.pending === 0;
    },
    get outstanding() {
      return runs.pending;
    },
    async drain() {
      waking.abort();
      await runs.onIdle();
      await finishing.onIdle();
      await answers.close();
    },
  };
}
