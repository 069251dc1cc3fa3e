import type { CallName, Envelope, Handlers } from "../../contract/api.ts";
import type { Failure, SetupFailure } from "../../contract/failure.ts";
import { succeed, type Result } from "../../contract/result.ts";
import type { Clock } from "../clock.ts";
import type { Engine } from "../engine.ts";
import { createPreviews, type PictureAnswer } from "../previews/previews.ts";
import { purgeRemoved } from "../remove-batch.ts";
import { openStore } from "../store/store.ts";
import { appHandlers } from "./app.ts";
import { batchHandlers } from "./batches.ts";
import { createCards } from "./cards.ts";
import type { HandlerContext, WindowHost } from "./context.ts";
import { deploymentHandlers } from "./deployments.ts";
import { createDispatcher } from "./dispatcher.ts";
import { exportHandlers } from "./export-results.ts";
import { createFeed, type FeedEvent } from "./feed.ts";
import { folderHandlers } from "./folders.ts";
import { imageDetailHandlers } from "./image-detail.ts";
import { imageHandlers } from "./images.ts";
import { nightHandlers } from "./night.ts";
import { startAgain, steeringHandlers } from "./steering.ts";
import { createTrials } from "./trial.ts";

export type { FeedEvent } from "./feed.ts";
export type { WindowHost } from "./context.ts";

/** Everything a window can ask of its host, whatever lies between them. */
export interface WindowService {
  readonly readOnly: boolean;
  /** Answers one call; never rejects. `input` is checked here. */
  call(name: CallName, input: unknown): Promise<Envelope<unknown>>;
  on(listener: (event: FeedEvent) => void): () => void;
  /** Tells all windows, for example that the engine stops. */
  send(event: FeedEvent): void;
  /** A preview of an image by its id, upright, at most `edge` pixels long. */
  preview(imageId: number, edge: number, signal: AbortSignal): Promise<PictureAnswer>;
  /** A picture that an output of the image names. */
  file(imageId: number, suffix: string): Promise<PictureAnswer>;
  trial(trialId: string, suffix: string): PictureAnswer;
  /** Something about this batch changed: windows are told soon. For the engine's hooks. */
  touched(batchId: number): void;
  /** What a person set, in bytes; null = the usual. For the engine's disk guard. */
  minimumFreeBytes(): number | null;
  /** Batches that were started go on by themselves. */
  startAgain(): Promise<void>;
  close(): Promise<void>;
}

export interface WindowServiceOptions {
  /** null = only look, beside whoever writes. */
  engine: Engine | null;
  /** Absolute. */
  dataFile: string;
  host: WindowHost;
  clock: Clock;
  /** [0, 1) */
  random: () => number;
  onProblem: (failure: Failure) => void;
}

/** Opens the window's side of a data file: handlers, events, pictures. The caller closes the engine afterwards. */
export async function openWindowService(
  options: WindowServiceOptions,
): Promise<Result<WindowService, SetupFailure>> {
  const { engine, clock, dataFile } = options;
  const opened = await openStore({ file: dataFile, mode: "read", clock });
  if (!opened.ok) return opened;
  const reader = opened.value;
  const second = await openStore({ file: dataFile, mode: "read", clock });
  if (!second.ok) {
    await reader.close();
    return second;
  }
  const counter = second.value;
  const context: HandlerContext = {
    host: options.host,
    engine,
    reader,
    counter,
    dataFile,
    clock,
    startFailures: new Map(),
    starting: new Map(),
    workflows: new Map(),
    settings: { current: await reader.call("readAppSettings", null) },
    touched: (batchId) => feed.touched(batchId),
    onProblem: options.onProblem,
  };
  const cards = createCards(context);
  const feed = createFeed(context, cards);
  const previews = createPreviews(reader);
  const trials = createTrials(context, options.random);
  const handlers: Handlers = {
    ...appHandlers(context, cards),
    ...deploymentHandlers(context),
    ...folderHandlers(context),
    ...batchHandlers(context, cards),
    ...steeringHandlers(context, cards),
    ...trials.handlers,
    ...nightHandlers(context, cards),
    ...exportHandlers(context),
    ...imageHandlers(context),
    ...imageDetailHandlers(context),
  };
  if (engine !== null) void purgeRemoved(engine.store).catch(() => null); // The next start goes on with it.
  return succeed({
    readOnly: engine === null,
    call: createDispatcher({ handlers, readOnly: engine === null, onProblem: options.onProblem }),
    on: (listener) => feed.on(listener),
    send: (event) => feed.send(event),
    preview: (imageId, edge, signal) => previews.preview(imageId, edge, signal),
    file: (imageId, suffix) => previews.file(imageId, suffix),
    trial: (trialId, suffix) => trials.picture(trialId, suffix),
    touched: (batchId) => feed.touched(batchId),
    minimumFreeBytes: () => context.settings.current?.minimumFreeBytes ?? null,
    startAgain: () => startAgain(context),
    async close() {
      await feed.stop();
      trials.stop();
      await Promise.all([reader.close(), counter.close()]);
    },
  });
}
