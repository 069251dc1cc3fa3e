import { stateOf } from "../../contract/image.ts";
import type { ImageForExport } from "../store/export-page.ts";
import { unpackJson } from "./compress.ts";
import { resultFileNames } from "./safe-path.ts";
import { suffixesIn } from "./suffixes-in.ts";

function text(value: string | null): string {
  return value === null ? "null" : JSON.stringify(value);
}

/** Results that are kept as text are passed on as they are, without a look at every value in them. */
function outputsOf(image: ImageForExport): string {
  if (image.outputsJson !== null) return image.outputsJson;
  const values = image.outputs().map(({ encoding, json }) => unpackJson({ encoding, data: json }));
  return values.map((value) => JSON.stringify(value)).join(",");
}

/** Only results that name a file have to be read. */
function filesOf(image: ImageForExport, outputs: string): string {
  if (image.stage !== "DONE") return "[]";
  if (image.filesJson !== null) return image.filesJson;
  const suffixes = outputs.includes('{"file":"') ? suffixesIn(JSON.parse(`[${outputs}]`)) : [];
  return JSON.stringify(resultFileNames(image.path, suffixes));
}

/** One image as a line of JSON with the keys of `ExportImage` in their order. */
export function exportLine(image: ImageForExport): string {
  const { path, sha256, bytes, stage, reason, doneUuid, runsJson } = image;
  const outputs = outputsOf(image);
  const about = `"path":${text(path)},"sha256":${text(sha256)},"bytes":${bytes},"state":"${stateOf(stage)}","reason":${text(reason)}`;
  const files = filesOf(image, outputs);
  return `{${about},"runId":${text(doneUuid)},"runs":[${runsJson}],"outputs":[${outputs}],"files":${files}}\n`;
}
