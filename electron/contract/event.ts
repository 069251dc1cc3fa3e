/** What the events table records, with the sentence a person reads. A closed list: an unknown kind does not compile. */
export interface EventDetails {
  "run-started": { folder: string };
  "run-ended": { done: number; failed: number };
  "gate-closed": { gate: string; sentence: string };
  "gate-opened": { gate: string; forMs: number };
  "settings-changed": { revision: number; images: number };
  "sent-again": { last: string };
  "outcome-held": { last: string };
  "result-lost": { waitedMs: number | null };
  "workflow-failed": { message: string };
  "gave-up": { sentence: string };
  "result-shared": { with: string };
  "changed-before-sending": Record<string, never>;
  "sent-other-bytes": Record<string, never>;
  "file-missing": Record<string, never>;
  "retry-asked": { images: number };
  "watch-trouble": { message: string };
  "walk-incomplete": { folders: number; first: string };
  "workflow-changed": { before: string; now: string };
  "ended-without-word": { inFlight: number };
  "suspects-wait": { images: number };
  "restart-storm": { ends: number; withinMs: number };
  slept: { forMs: number };
  "store-trouble": { code: string };
  "ballast-used": Record<string, never>;
  "pictures-missing": { with: string };
  "data-file-restored": { aside: string; backupAt: number };
  "latest-changes-lost": { missing: string };
}

export type EventKind = keyof EventDetails;

export type Severity = "info" | "notice" | "warning";

function seconds(ms: number): string {
  const s = Math.round(ms / 1000);
  if (s < 120) return `${s} s`;
  const m = Math.round(s / 60);
  return m < 120 ? `${m} min` : `${Math.floor(m / 60)} h ${m % 60} min`;
}

function plural(n: number, one: string, many: string): string {
  return `${n} ${n === 1 ? one : many}`;
}

type Sentences = { [K in EventKind]: { severity: Severity; say: (detail: EventDetails[K]) => string } };

const SENTENCES: Sentences = {
  "run-started": { severity: "info", say: (d) => `Started on ${d.folder}.` },
  "run-ended": { severity: "info", say: (d) => `Ended: ${d.done} done, ${d.failed} failed.` },
  "gate-closed": { severity: "warning", say: (d) => d.sentence },
  "gate-opened": { severity: "info", say: (d) => `Goes on after ${seconds(d.forMs)}.` },
  "settings-changed": {
    severity: "notice",
    say: (d) =>
      `Settings changed (revision ${d.revision}): ${plural(d.images, "image runs", "images run")} once more; earlier results are kept.`,
  },
  "sent-again": {
    severity: "notice",
    say: (d) => `No usable answer came (${d.last}), so it will be sent again. Only one result is kept.`,
  },
  "outcome-held": {
    severity: "warning",
    say: (d) => `No usable answer came (${d.last}); it is held for you to decide.`,
  },
  "result-lost": {
    severity: "notice",
    say: (d) =>
      d.waitedMs === null
        ? "Its result was lost on the way; it is computed again."
        : `No result came within ${seconds(d.waitedMs)}; it is computed again.`,
  },
  "workflow-failed": {
    severity: "notice",
    say: (d) => `The workflow failed ("${d.message}"); it is tried once more.`,
  },
  "gave-up": { severity: "warning", say: (d) => d.sentence },
  "result-shared": { severity: "info", say: (d) => `Same picture as ${d.with}; its result was used.` },
  "changed-before-sending": {
    severity: "info",
    say: () => "The file changed before it was sent; the new content is taken.",
  },
  "sent-other-bytes": {
    severity: "notice",
    say: () =>
      "The file changed before it was sent and kept its size and time. That run is of no use; the file is read again.",
  },
  "file-missing": { severity: "notice", say: () => "The file is no longer in the folder." },
  "retry-asked": {
    severity: "info",
    say: (d) => `${plural(d.images, "image waits", "images wait")} again, as you asked.`,
  },
  "watch-trouble": {
    severity: "notice",
    say: (d) => `New files are found by walking the folder, not by watching it: ${d.message}`,
  },
  "walk-incomplete": {
    severity: "warning",
    say: (d) =>
      `${plural(d.folders, "sub-folder", "sub-folders")} could not be read, the first is ${d.first}. Nothing in there counts as missing.`,
  },
  "workflow-changed": {
    severity: "notice",
    say: (d) => `The deployed workflow changed (${d.before} to ${d.now}). Finished images stay as they are.`,
  },
  "ended-without-word": {
    severity: "notice",
    say: (d) =>
      `The last session ended without a word; ${plural(d.inFlight, "run", "runs")} in flight ${d.inFlight === 1 ? "is" : "are"} followed up.`,
  },
  "suspects-wait": {
    severity: "notice",
    say: (d) =>
      `${plural(d.images, "image was", "images were")} being worked on when Nightrun stopped more than once; ${d.images === 1 ? "it is" : "they are"} tried one at a time, after all others.`,
  },
  "restart-storm": {
    severity: "warning",
    say: (d) =>
      `Nightrun ended ${d.ends} times without a word within ${seconds(d.withinMs)}; it starts again with one image at a time.`,
  },
  slept: { severity: "info", say: (d) => `The machine slept for ${seconds(d.forMs)}.` },
  "store-trouble": {
    severity: "warning",
    say: (d) => `The data file could not be written (${d.code}); it is tried again until it can.`,
  },
  "ballast-used": {
    severity: "warning",
    say: () =>
      "The disk of the data file is full. The room that was kept for the last changes is used; nothing more is sent or fetched until there is room.",
  },
  "pictures-missing": {
    severity: "notice",
    say: (d) => `The result of ${d.with} was used, but its picture files are no longer there to copy.`,
  },
  "data-file-restored": {
    severity: "warning",
    say: (d) =>
      `The data file was damaged. It is kept as ${d.aside}, and the backup of ${new Date(d.backupAt).toISOString()} took its place: later runs are not in it, and their images run again.`,
  },
  "latest-changes-lost": {
    severity: "warning",
    say: (d) =>
      `The file ${d.missing} of the data file is gone, and with it perhaps the latest changes; what they told of is looked for again.`,
  },
};

/** The sentence of one recorded event. */
export function sentenceOf<K extends EventKind>(kind: K, detail: EventDetails[K]): string {
  return SENTENCES[kind].say(detail);
}

export function severityOf(kind: EventKind): Severity {
  return SENTENCES[kind].severity;
}

export function isEventKind(kind: string): kind is EventKind {
  return Object.hasOwn(SENTENCES, kind);
}
