import type { BatchCard } from "../contract/api.ts";
import { redact } from "../engine/redact.ts";

export interface DiagnosticsInput {
  version: string;
  versions: Readonly<Record<string, string | undefined>>;
  platform: string;
  arch: string;
  dataFile: string;
  freeBytes: number | null;
  cards: readonly BatchCard[];
  /** The end of the log. */
  logTail: string;
  home: string;
  secrets: readonly string[];
}

const MOST_LOG_CHARACTERS = 20_000;

/** A text for a report: versions, counts, gates and the end of the log. No token, no home folder, no batch's name. */
export function diagnosticsText(input: DiagnosticsInput): string {
  const { electron = "none", chrome = "none", node = "unknown" } = input.versions;
  const lines = [
    `Nightrun ${input.version}`,
    `Electron ${electron}, Chromium ${chrome}, Node ${node}`,
    `${input.platform} ${input.arch}`,
    `Data file ${input.dataFile}`,
    `Free space ${input.freeBytes === null ? "unknown" : `${Math.floor(input.freeBytes / 1_000_000)} MB`}`,
    ...input.cards.map(batchLine),
    "",
    input.logTail.slice(-MOST_LOG_CHARACTERS),
  ];
  return withoutPrivate(lines.join("\n"), input);
}

function batchLine(card: BatchCard): string {
  const { seen, done, failed, skipped, missing, waiting, inFlight, uncertain } = card.ledger;
  const gates = card.gates.map(
    (gate) => `${gate.kind}${gate.failure === null ? "" : ` (${gate.failure.reason})`}`,
  );
  return (
    `Batch ${card.id}: ${card.activity}, revision ${card.revision}, ${card.runs} runs; ` +
    `seen ${seen} = done ${done} + failed ${failed} + skipped ${skipped} + missing ${missing} + waiting ${waiting}` +
    ` + in flight ${inFlight} + uncertain ${uncertain}; gates: ${gates.join(", ") || "none"}`
  );
}

function withoutPrivate(text: string, { home, secrets, cards }: DiagnosticsInput): string {
  let safe = redact(text, secrets);
  for (const card of cards) {
    safe = safe
      .replaceAll(card.resultsFolder, `<results of batch ${card.id}>`)
      .replaceAll(card.folder, `<folder of batch ${card.id}>`);
  }
  return home.length > 1 ? safe.replaceAll(home, "~") : safe;
}
