import { formWords } from "./form-messages.ts";
import { plural } from "./plural.ts";
import { formatBytes, formatCount, formatCountdown, formatTime } from "./format.ts";
import type { BatchCard } from "../../electron/contract/api.ts";
import type { Failure } from "../../electron/contract/failure.ts";
import type { Gate } from "../../electron/contract/gate.ts";

/** What a closed gate means for a person: what happens, since when, what goes on meanwhile. */
export function gateSentence(gate: Gate, card: BatchCard, now: number): string {
  const since = formatTime(gate.since, now);
  const { waiting, inFlight } = card.ledger;
  const safe = `${plural(waiting, "image")} ${waiting === 1 ? "waits" : "wait"}; none is lost.`;
  const there =
    inFlight === 0
      ? ""
      : ` ${plural(inFlight, "run")} ${inFlight === 1 ? "is" : "are"} being computed there; their results are fetched when it is back.`;
  switch (gate.kind) {
    case "paused":
      return `Paused since ${since}. ${inFlight > 0 ? `Results of ${plural(inFlight, "run")} already under way are still collected.` : "Nothing is under way."} ${safe}`;
    case "sign-in":
      return `Sign in again: the API token is not accepted any more. ${safe}`;
    case "unreachable":
      return `Server not reachable since ${since}.${there}`;
    case "busy":
      return `The deployment is busy since ${since}. Nightrun waits and goes on. ${safe}`;
    case "disk-low":
      return `The disk is almost full since ${since}. Results stay on the server until there is room.`;
    case "run-limit":
      return `The limit of runs is reached since ${since}. Raise it in Setup to go on. ${safe}`;
    case "folder-away":
      return `The folder ${card.folder} is not there since ${since}. Is its drive connected? ${safe}`;
    case "unknown-outcomes":
      return `Several submissions in a row had no usable answer since ${since}. They may have been computed and billed, so Nightrun stops and checks first.`;
    case "all-refused":
      return `The deployment refuses every request since ${since}. Check tasks and parameters in Setup. ${safe}`;
    case "results-lost":
      return `Several results in a row were lost since ${since}. Nightrun stops submitting, so that nothing is paid for in vain. ${safe}`;
    case "battery-low":
      return `The battery is low since ${since}. Nightrun goes on when the machine is plugged in; the level is set in Settings. ${safe}`;
  }
}

/** Every text of the window that is not a failure's own. */
export const words = {
  product: "Nightrun",
  cancel: "Cancel",
  close: "Close",
  save: "Save",
  tryAgain: "Try again",
  remove: "Remove",
  copied: "Copied.",
  none: "–",
  menu: "More actions",
  skip: "Skip to content",

  engine: {
    notSignedIn: {
      reason: "usage",
      message: "This page is not signed in to Nightrun.",
      next: "Open the link that `nightrun serve` printed: it changes with every start.",
    } satisfies Failure as Failure,
    strangeAnswer: (call: string, status: number) =>
      `the answer to ${call} (${status}) is not one of Nightrun's`,
    partMissing: {
      reason: "usage",
      message: "A part of this page could not be loaded.",
      next: "Try again; if Nightrun is not running, start it first.",
    } satisfies Failure as Failure,
    away: "Nightrun's engine does not answer.",
    awayMeaning:
      "What you see is how it was. Runs already submitted go on; this page comes back by itself when Nightrun runs again.",
    startedAnew: "Nightrun was started again.",
    loading: "Opening the run log.",
    readOnly: "Another Nightrun works with this data file: this window only shows it.",
  },

  sideBar: {
    label: "Batches",
    newBatch: "New batch",
    settings: "Settings",
    finished: "finished",
    idle: "not started",
    running: "running",
    walking: "looking for images",
    empty: "No batch yet.",
    health: (deployment: string, well: boolean) => `${deployment} · ${well ? "no trouble" : "trouble"}`,
  },

  views: { night: "Night", images: "Images", failures: "Failures", setup: "Setup" },

  home: {
    title: "Nothing to run yet",
    text: "Nightrun sends a folder of images through an Ikomia SCALE deployment, overnight, and loses nothing. Start with a folder; the built-in simulator needs no account.",
    action: "Set up the first batch",
    gone: "This batch is not in the data file any more.",
  },

  head: {
    pause: "Pause",
    start: "Start",
    resume: "Go on",
    tryOne: "Try one",
    rename: "Rename…",
    duplicate: "Duplicate",
    exportFile: "Export batch file",
    exportJsonl: "Write results as JSON Lines",
    exportCsv: "Write results as CSV",
    rescan: "Look for new images now",
    remove: "Remove…",
    started: (name: string) => `${name} goes on.`,
    paused: (name: string) => `${name} is paused. Results of runs under way are still collected.`,
    rescanning: "Looking through the folder for new images.",
    exported: (file: string, images: number) => `${plural(images, "image")} written to ${file}.`,
    duplicated: "The copy is not started yet. Check its folder first.",
    renameTitle: "Rename this batch",
    name: "Name",
    removeTitle: "Remove this batch?",
    removeText: (done: number, folder: string) =>
      `Its ${plural(done, "result")} stay in ${folder}; the run log is deleted.`,
    removed: (name: string) => `${name} is removed. Its results are still in their folder.`,
  },

  night: {
    progress: (done: number, seen: number) => `${formatCount(done)} of ${formatCount(seen)}`,
    bar: "Images by state",
    barPart: (count: number, state: string) => `${plural(count, "image")} ${state}: show`,
    checked: "every image is accounted for",
    unchecked: "being counted",
    ends: "Ends",
    endsDone: "Nothing left to do",
    endsStopped: "Stands still",
    between: (range: string) => `between ${range}`,
    within: "a minute more or less",
    needsRuns: "a few runs are needed for an estimate",
    rate: "Images a minute",
    rateHint: "over the last minutes",
    runTime: "A run takes",
    runTimeHint: (low: string, high: string) => `typical ${low}–${high}`,
    runs: "Runs",
    runsHint: (time: string) => `${time} of run time`,
    extra: (count: number) => `, ${formatCount(count)} repeated`,
    chart: "The night",
    chartSummary: (minutes: string, done: number) => `${plural(done, "image")} done in ${minutes}.`,
    chartEmpty: "The chart begins with the first result.",
    seriesRate: "Images per minute",
    seriesTime: "Run time",
    seriesFlight: "In flight",
    seriesGate: "Stopped",
    inFlight: "In flight",
    inFlightEmpty: "Nothing is under way.",
    inFlightMore: (count: number) => `and ${formatCount(count)} more`,
    sending: "sending",
    receiving: "receiving",
    received: "storing",
    typical: (age: string, typical: string) => `${age} so far; ${typical} is typical`,
    events: "What happened",
    eventsEmpty: "Nothing worth telling has happened.",
    eventsMore: "Show earlier",
    done: "All done.",
    doneText: (count: number, folder: string) => `${plural(count, "result")} in ${folder}.`,
    doneFailures: (count: number) => `${plural(count, "image")} failed.`,
    seeFailures: "See why",
    emptyTitle: "No images found yet",
    emptyText: (folder: string) =>
      `Nightrun takes JPEG, PNG, TIFF, WebP and BMP files from ${folder}. Put some there, or choose another folder in Setup.`,
    notStarted: "Not started.",
    notStartedText: "Try one image first, then start.",
    tryNow: "Try now",
    trying: "Trying the deployment now.",
    nextTry: (ms: number) => `Next try in ${formatCountdown(ms)}.`,
    signIn: "Sign in",
    openSetup: "Open Setup",
  },

  images: {
    all: "All",
    tabs: "Filter by state",
    search: "Search paths",
    searchHint: "Press / to search",
    label: "Label",
    anyLabel: "Any label",
    reason: "Reason",
    anyReason: "Any reason",
    clear: "Clear filters",
    columns: {
      path: "Image",
      state: "State",
      summary: "Result",
      bytes: "Size",
      duration: "Duration",
      updated: "Changed",
    },
    sortBy: (name: string) => `Sort by ${name}`,
    select: (path: string) => `Select ${path}`,
    selectAll: "Select all of this list",
    count: (count: number) => plural(count, "image"),
    selected: (count: number) => `${plural(count, "image")} selected`,
    unselect: "Unselect",
    retry: "Retry",
    retryAll: (count: number) => `Retry all ${formatCount(count)}`,
    emptyFilter: "No image matches these filters.",
    emptyState: "There is no such image.",
    reading: "Reading on…",
    keys: "↑ ↓ move · Enter opens · Space selects · R retries · / searches · Esc returns",
    table: "Images of this batch",
  },

  retry: {
    title: "Retry these images?",
    counting: "Counting the runs this takes.",
    text: (images: number, runs: number) =>
      runs === 0
        ? `${plural(images, "image")} ${images === 1 ? "is" : "are"} taken up again. No new run is needed: only results are written again.`
        : `${plural(images, "image")} ${images === 1 ? "is" : "are"} taken up again: ${plural(runs, "new run")} ${runs === 1 ? "is" : "are"} paid for.`,
    nothing: "None of these images can be retried: they are done, under way or waiting already.",
    action: (runs: number) => (runs === 0 ? "Write again" : `Retry with ${plural(runs, "run")}`),
    done: (images: number) => `${plural(images, "image")} ${images === 1 ? "waits" : "wait"} again.`,
  },

  panel: {
    label: "Result",
    outputs: "Outputs",
    runs: "Runs",
    raw: "Raw",
    close: "Close the result",
    next: "Next image",
    previous: "Previous image",
    noOutputs: "There is no result yet.",
    noRuns: "No run was made for this image.",
    emptyOutputs: "The workflow answered, and its outputs are empty.",
    noRunId: "No run id was received",
    submitted: "Submitted",
    took: "Took",
    copyId: "Copy the run id",
    files: "Result files",
    reveal: "Show picture in folder",
    revealResult: "Show result in folder",
    sharedWith: (path: string) => `Same picture as ${path}; its result was used.`,
    earlier: (count: number) => `${plural(count, "earlier result")} of this path`,
    noPreview: "No preview can be made of this file.",
    size: (width: number, height: number, bytes: number) => `${width} × ${height} · ${formatBytes(bytes)}`,
    copyRaw: "Copy JSON",
    rawCut: (count: number) => `${formatCount(count)} more characters are not shown. Copy gives all of it.`,
  },

  stage: {
    label: "Picture with its results. Arrow keys pan, plus and minus zoom, 0 fits.",
    fit: "Fit",
    zoomIn: "Zoom in",
    zoomOut: "Zoom out",
    actual: "1:1",
    overlay: "Overlay",
    confidence: "Confidence from",
    opacity: "Opacity",
    classes: "Classes",
    showClass: (label: string) => `Show ${label}`,
    noLabel: "(no label)",
    rotated: "May be a rotated box: Ikomia's answer leaves out the angle.",
    rotatedMany: (count: number) =>
      `${plural(count, "box", "boxes")} may be rotated (dashed): Ikomia's answer leaves out the angle.`,
    maskMissing: "A mask could not be read; everything else is shown.",
    shown: (shown: number, total: number) => `${formatCount(shown)} of ${plural(total, "object")} shown`,
    otherImage: "These coordinates lie on another picture of the workflow.",
  },

  outputs: {
    from: (task: string, index: number) => `${task} · output ${index}`,
    picture: "Picture",
    table: "Table",
    text: "Text",
    confidence: "Confidence",
    noText: "(no text)",
    unknown: (key: string) => `Nightrun does not know the type ${key}; it is shown as it came.`,
    object: "Object",
    empty: "Empty",
    more: (count: number) => `${formatCount(count)} more`,
    plot: "Plot",
    row: "Row",
  },

  failures: {
    empty: "Nothing failed",
    emptySince: (since: string) => `since ${since}.`,
    count: (count: number) => plural(count, "image"),
    retryThese: (count: number) => (count === 1 ? "Retry this one" : `Retry these ${formatCount(count)}`),
    show: "Show",
    notRetryable: "A retry would give the same end.",
    samples: "Samples",
  },

  ...formWords,

  settings: {
    title: "Settings",
    theme: "Appearance",
    themes: { system: "Follow the system", dark: "Dark", light: "Light" },
    disk: "Keep free on the disk",
    diskHint: "Below this, nothing is submitted: results stay on the server until there is room.",
    battery: "On battery",
    batteryHint: "Stop submitting below this level.",
    batteryOn: "Stop below",
    login: "Start when I sign in to this computer",
    tokens: "Deployments and tokens",
    tokensEmpty: "No batch uses a deployment that needs a token.",
    about: "About",
    version: "Version",
    dataFile: "Data file",
    host: "Host",
    hosts: { desktop: "Desktop app", web: "Loopback page of nightrun serve" },
    gigabytes: "GB",
    percent: "%",
  },
} as const;
