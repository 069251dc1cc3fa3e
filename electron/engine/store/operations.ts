import type { AppSettings } from "../../contract/api.ts";
import { exportLine } from "../results/export-line.ts";
import * as appSettings from "./app-settings.ts";
import * as batches from "./batches.ts";
import * as changes from "./changes.ts";
import * as check from "./check.ts";
import * as content from "./content.ts";
import type { Database } from "./database.ts";
import * as events from "./events.ts";
import * as imagePages from "./image-pages.ts";
import { imagesForExport } from "./export-page.ts";
import * as images from "./images.ts";
import * as settle from "./settle.ts";
import * as night from "./night.ts";
import * as queries from "./queries.ts";
import * as removal from "./removal.ts";
import type { NewEvent } from "./rows.ts";
import * as results from "./results.ts";
import * as runs from "./runs.ts";
import type { Scope } from "./scope.ts";
import * as sessions from "./sessions.ts";
import * as suspects from "./suspects.ts";

/** Marks of the walks that go on, by number: they live where the rows are read. */
const walks = new Map<number, images.WalkMarks>();
let lastWalk = 0;

type WithoutWalk<T> = Omit<T, "walk"> & { walk: number | null };

/**
 * Every named operation on the data file. Each takes one plain input and gives plain data; the port
 * (`store.ts`) offers the same names asynchronously.
 */
export const OPERATIONS = {
  saveBatch: batches.saveBatch,
  listBatches: (db: Database, _input: null) => batches.listBatches(db),
  getBatch: batches.getBatch,
  setBatchFlags: batches.setBatchFlags,
  revisionDecision: batches.revisionDecision,
  listRevisions: batches.listRevisions,
  revisionsOf: batches.revisionsOf,
  saveWorkflow: batches.saveWorkflow,
  lastWorkflow: batches.lastWorkflow,
  ledgerOf: batches.ledgerOf,

  beginWalk: (_db: Database, _input: null): number => {
    walks.set(++lastWalk, images.createWalkMarks());
    return lastWalk;
  },
  endWalk: (_db: Database, walk: number): void => void walks.delete(walk),
  observeFiles: (db: Database, input: WithoutWalk<images.ObserveInput>) =>
    images.observeFiles(db, { ...input, walk: input.walk === null ? null : marksOf(input.walk) }),
  unmetPage: (db: Database, input: { batchId: number; walk: number; afterId: number; limit: number }) =>
    images.unmetPage(db, { ...input, walk: marksOf(input.walk) }),
  knownFiles: images.knownFiles,
  imageById: images.imageById,
  seenPage: images.seenPage,
  lookAgain: images.lookAgain,
  unsettle: images.unsettle,
  settleFile: settle.settleFile,
  learnHash: content.learnHash,
  takeOver: settle.takeOver,
  refuseFile: images.refuseFile,
  fileGone: images.fileGone,
  pathGone: images.pathGone,
  reviseImages: settle.reviseImages,

  dueImages: runs.dueImages,
  nextDueAt: runs.nextDueAt,
  shiftDue: runs.shiftDue,
  bringForward: runs.bringForward,
  intendRun: runs.intendRun,
  reportRun: runs.reportRun,
  openRuns: runs.openRuns,
  lastStarts: runs.lastStarts,
  recentRunTimes: runs.recentRunTimes,

  beginSession: sessions.beginSession,
  endSession: sessions.endSession,
  recentSessions: sessions.recentSessions,
  lookAt: suspects.lookAt,
  takeAlone: suspects.takeAlone,
  passAlone: suspects.passAlone,
  nextSuspect: suspects.nextSuspect,

  receiveResult: results.receiveResult,
  finishImage: results.finishImage,
  finishFollower: results.finishFollower,
  failFollower: results.failFollower,
  toFinish: results.toFinish,
  receivedImages: results.receivedImages,
  outputsOf: results.outputsOf,

  addEvent: (db: Database, input: { at: number; event: NewEvent }) =>
    events.addEvent(db, input.at, input.event),
  listEvents: events.listEvents,
  eventsAfter: events.eventsAfter,

  pageImages: imagePages.pageImages,
  countImages: queries.countImages,
  countLabels: queries.countLabels,
  runsOf: queries.runsOf,
  pageRuns: queries.pageRuns,
  exportPage: queries.exportPage,
  /** The same as lines of JSON, made where the rows are read; `last` = the place to go on from. */
  exportLines: (
    db: Database,
    input: { scope: Scope; after: imagePages.PagePlace | null; limit: number },
  ): { lines: string; images: number; last: imagePages.PagePlace | null } => {
    const images = imagesForExport(db, input);
    const last = images.at(-1);
    return {
      lines: images.map(exportLine).join(""),
      images: images.length,
      last: last === undefined ? null : { value: last.path, id: last.id },
    };
  },
  groupFailures: queries.groupFailures,
  countRetry: queries.countRetry,
  retryImages: queries.retryImages,
  stageCounts: queries.stageCounts,
  countLabelsWithin: queries.countLabelsWithin,
  flyingImages: queries.flyingImages,
  earlierRows: queries.earlierRows,
  imagesByRevision: queries.imagesByRevision,

  activityOf: night.activityOf,
  nightSeries: night.nightSeries,
  runTotals: night.runTotals,
  gateEvents: night.gateEvents,
  paceOf: night.paceOf,

  changeMark: changes.changeMark,
  changedImages: changes.changedImages,
  lastEventId: (db: Database, _input: null) => changes.lastEventId(db),
  dataVersion: (db: Database, _input: null) => changes.dataVersion(db),

  readAppSettings: (db: Database, _input: null) => appSettings.readAppSettings(db),
  saveAppSettings: (db: Database, settings: AppSettings) => appSettings.saveAppSettings(db, settings),

  tablesToCheck: (db: Database, _input: null) => check.tablesToCheck(db),
  checkTable: check.checkTable,

  removedBatches: (db: Database, _input: null) => removal.removedBatches(db),
  purgeBatch: removal.purgeBatch,
} as const;

function marksOf(walk: number): images.WalkMarks {
  const marks = walks.get(walk);
  if (marks === undefined) throw new Error(`Internal error: walk ${walk} is not going on`);
  return marks;
}

export type Operations = typeof OPERATIONS;
export type OperationName = keyof Operations;
export type OperationInput<N extends OperationName> = Parameters<Operations[N]>[1];
export type OperationOutput<N extends OperationName> = ReturnType<Operations[N]>;
