import { formatBytes, formatCount, formatCountdown, formatTime } from "./format.ts";
import type { BatchCard } from "../../electron/contract/api.ts";
import type { Failure } from "../../electron/contract/failure.ts";
import type { Gate } from "../../electron/contract/gate.ts";

/** 1 image, 2 images. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

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
    away: "Nightrun's engine does not answer.",
    awayMeaning: "What you see is how it was. Runs already submitted go on; this page comes back by itself.",
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

  form: {
    newTitle: "New batch",
    newText: "Nothing is sent before you start. What you enter is kept when you leave this page.",
    sections: {
      folder: "Folder",
      deployment: "Deployment",
      tasks: "Tasks and parameters",
      limits: "Limits",
      results: "Results",
    },
    waits: "Opens when the section before is complete.",
    folder: "Folder with the images",
    folderNeeded: "Choose the folder with the images.",
    folderHint: "An absolute path. Images that arrive later are taken up too.",
    chooseFolder: "Choose…",
    recursive: "Include sub-folders",
    include: "Only files that match",
    exclude: "Leave out files that match",
    globHint: "Globs on the path inside the folder, one a line: scans/**/*.tif. Empty means all.",
    dedupe: "Run equal pictures once",
    dedupeHint: "Files with the same bytes share one run and each get their result.",
    deployment: "Endpoint URL",
    deploymentHint:
      "The endpoint URL of the deployment, or the word simulator for the built-in one: no account needed.",
    useSimulator: "Use the simulator",
    test: "Test",
    testing: "Asking the deployment for its tasks. A sleeping deployment can take a minute.",
    tested: (tasks: number, took: string) => `Answers in ${took} with ${plural(tasks, "task")}.`,
    testedBare: (took: string) =>
      `Answers in ${took}, but does not tell its workflow. Import the workflow file, or type the names.`,
    notTested: "Test it, import its workflow file, or type names freely.",
    importWorkflow: "Import workflow file…",
    imported: (name: string) => `Tasks and parameters of "${name}".`,
    typeNames: "Type names freely",
    token: "API token",
    tokenHint: "From your Ikomia account settings. It is kept apart from the batch and never shown again.",
    tokenSave: "Keep token",
    tokenClear: "Forget token",
    tokenSources: {
      none: "No API token yet.",
      environment: "The API token comes from the environment.",
      stored: "An API token is kept safely.",
      memory: "An API token is kept until Nightrun ends.",
      "not-needed": "No API token is needed.",
    },
    tokenEnding: (ending: string) => `It ends in ${ending}.`,
    outputsOf: (task: string) => `Outputs of ${task}`,
    allOutputs: "All outputs",
    outputName: (index: number, type: string) => `${index} · ${type === "" ? "type not told" : type}`,
    echoed: "usually the picture itself, sent back",
    noParameters: "This task has no parameters.",
    default: "Default",
    changed: (count: number) => `${plural(count, "parameter")} changed`,
    allDefaults: "all defaults",
    resetTo: (value: string) => `Reset to ${value === "" ? "empty" : value}`,
    wholeNumber: "A whole number, as the default is.",
    aNumber: "A number, with a point as decimal mark.",
    badJson: "Not valid JSON, although the default is.",
    task: "Task",
    index: "Index",
    output: "Output",
    allOf: "all",
    parameter: "Parameter",
    value: "Value",
    addOutput: "Add output",
    addParameter: "Add parameter",
    badInput: "Not a JSON object with one key. It is not sent.",
    freeTitle: "Names typed freely",
    freeHint:
      "Ikomia ignores unknown names without a word: check the spelling against the workflow, and try one image.",
    inputs: "Other inputs",
    inputsHint: (count: number) =>
      `The workflow takes ${plural(count, "more input")} beside the image. Each is JSON with one key, its type.`,
    input: (index: number, type: string) => `Input ${index}${type === "" ? "" : ` · ${type}`}`,
    concurrency: "Runs at once",
    concurrencyHint: "How many runs are outstanding. Ikomia's own client refuses more than 10.",
    concurrencyWarn: "Above 10: Ikomia's own client refuses that. Watch for refusals.",
    atOnce: (count: number) => `${plural(count, "run")} at once`,
    rate: "Rate limit",
    rateHint: "At most so many submissions in any window of that length.",
    per: "per",
    second: "second",
    minute: "minute",
    hour: "hour",
    maxRuns: "Stop after",
    maxRunsHint: "Runs over the whole life of the batch. Empty means no limit.",
    runsUnit: "runs",
    runTimeout: "Give up a run after",
    runTimeoutHint: "Empty means adaptive, at least 10 minutes.",
    giveUp: "Wait out an outage for",
    giveUpHint: "After that, the batch stops and waits for you.",
    minutesUnit: "min",
    hoursUnit: "h",
    uncertain: "Unknown outcome",
    uncertainHint: "When no usable answer comes to a submission, it may have been computed and billed.",
    resubmit: "Submit again after a wait, at most twice",
    hold: "Hold for me to decide",
    resultsFolder: "Results folder",
    resultsHint: "One JSON file beside each path, pictures from outputs as files. Nothing is overwritten.",
    keepRaw: "Keep the raw answers too",
    name: "Name of the batch",
    summary: "Summary",
    start: "Start",
    startNow: "Start the night",
    createOnly: "Keep without starting",
    created: (name: string) => `${name} is set up.`,
    tryFirst: "Try one image",
    importBatch: "Import batch file…",
    importedBatch: "The batch file is read. Check each section, then start.",
    discard: "Start over",
    discardTitle: "Start over?",
    discardText: "Everything entered on this page is emptied. Batches that exist are not touched.",
    problems: "To mend first",
    checking: "Checking.",
    ready: "Ready to start.",
    notYet: "not yet",
  },

  setup: {
    save: "Save changes",
    revert: "Undo changes",
    revisionTitle: "Run every image again?",
    revisionText: (images: number) =>
      `This changes what decides a result, so it makes a new settings revision: all ${plural(images, "image")} run once more, and every run is paid for. Results so far move to the folder .earlier.`,
    revisionAction: "Save and run again",
    saved: "Saved. It holds from the next submission.",
    savedRevision: "Saved as a new settings revision.",
    revisions: "Settings revisions",
    revision: (n: number) => `Revision ${n}`,
    revisionLine: (images: number) => plural(images, "image"),
    current: "current",
    workflowHash: "Workflow",
    unsaved: "Changes are not saved yet.",
    clean: "Nothing is changed.",
  },

  trial: {
    title: "Try one image",
    text: "One run outside the count. Nothing is started.",
    path: "Image",
    pathHint: "Path inside the folder; empty means the first image found.",
    action: "Try it",
    again: "Try again",
    running: "The deployment is computing. A sleeping one can take a minute.",
    took: (took: string, id: string) => `Took ${took}. Run ${id}.`,
    nothing: "No run yet. Try it to see the picture, its overlay and the raw answer.",
  },

  folders: {
    title: "Choose a folder",
    up: "Up",
    choose: "Choose this folder",
    empty: "No sub-folders here.",
    images: (count: number) => `${count >= 1000 ? "1,000+" : formatCount(count)} images here`,
  },

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
