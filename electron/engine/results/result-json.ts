import { type ExportImage, exportImage, type ExportRun } from "../../contract/export.ts";
import type { AnswerOutput } from "./answer.ts";
import { resultFileNames } from "./safe-path.ts";

/** What the JSON beside an image tells. */
export interface ResultJsonParts {
  path: string;
  /** Lower-case hex. */
  sha256: string;
  bytes: number;
  /** The run whose answer this is. */
  runId: string | null;
  /** @default none */
  runs?: readonly ExportRun[];
  /** The settings revision, as people and `.earlier` know it. */
  revision: string | number;
  /** The word `simulator`, or the deployment's URL. */
  deployment: string;
  outputs: readonly AnswerOutput[];
}

const WIDTH = 110;

function inLines(open: string, parts: readonly string[], close: string, indent: string): string {
  if (parts.length === 0) return open + close;
  const length = parts.reduce((sum, part) => sum + part.length + 2, indent.length + 2);
  if (length <= WIDTH && !parts.some((part) => part.includes("\n")))
    return `${open} ${parts.join(", ")} ${close}`;
  const inner = `${indent}  `;
  return `${open}\n${parts.map((part) => inner + part).join(",\n")}\n${indent}${close}`;
}

/** JSON with two spaces a level, where what fits stays on one line: a point is a line, not four. */
function prettyJson(value: unknown, indent = ""): string {
  if (value === null || typeof value !== "object") return JSON.stringify(value ?? null);
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    const parts = value.map((item: unknown) => prettyJson(item, inner));
    return inLines("[", parts, "]", indent);
  }
  const parts = Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .map(([key, item]) => `${JSON.stringify(key)}: ${prettyJson(item, inner)}`);
  return inLines("{", parts, "}", indent);
}

/**
 * The content of `photo.jpg.json`: the object that the jsonl export writes for the image (`ExportImage`), then the
 * deployment and settings revision it comes from. Equal parts give equal text.
 */
export function resultJson(parts: ResultJsonParts): string {
  const { path, sha256, bytes, runId, revision, deployment, outputs, runs = [] } = parts;
  const suffixes = outputs.flatMap((output) => output.pictures.map((picture) => picture.suffix));
  const image: ExportImage = exportImage({
    path,
    sha256,
    bytes,
    state: "done",
    reason: null,
    runId,
    runs: [...runs],
    outputs: outputs.map((output) => output.raw),
    files: resultFileNames(path, suffixes),
  });
  return `${prettyJson({ ...image, deployment, revision })}\n`;
}
