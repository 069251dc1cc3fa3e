import { DEFAULT_LIMITS, SIMULATOR, type BatchSettings } from "../../contract/batch.ts";
import { fail, succeed, type Result } from "../../contract/result.ts";
import { batchFile, batchFileText, type BatchFile } from "../../contract/schema/batch.ts";

/** A batch file and a name for it that every file system takes. */
export function exportBatch(settings: BatchSettings): { fileName: string; text: string } {
  const name = settings.name
    .normalize("NFC")
    .replace(/[^\p{L}\p{N}._ -]+/gu, "-")
    .replace(/^[. -]+|[. ]+$/g, "")
    .slice(0, 80);
  return { fileName: `${name === "" ? "batch" : name}.nightrun.json`, text: batchFileText(settings) };
}

/** Settings from a batch file's text, for a person to look at; what it leaves out has its default. Nothing is saved. */
export function batchFromFile(text: string): Result<BatchSettings> {
  const problem = (what: string): Result<never> =>
    fail({ reason: "bad-file", file: "The batch file", problem: what });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return problem("it is not JSON.");
  }
  const parsed = batchFile.safeParse(json);
  if (parsed.success) return succeed(completed(parsed.data));
  const [issue] = parsed.error.issues;
  const where = issue === undefined || issue.path.length === 0 ? "" : `${issue.path.join(".")}: `;
  return problem(`${where}${issue?.message ?? "it is not one of Nightrun's"}.`.slice(0, 400));
}

function completed({ name, decision, intake, results, limits }: BatchFile): BatchSettings {
  return {
    name: name ?? "",
    decision: {
      deployment: decision?.deployment ?? SIMULATOR,
      outputs: decision?.outputs ?? [],
      parameters: decision?.parameters ?? [],
      inputs: decision?.inputs ?? [],
    },
    intake: {
      folder: intake?.folder ?? "",
      recursive: intake?.recursive ?? true,
      include: intake?.include ?? [],
      exclude: intake?.exclude ?? [],
      dedupe: intake?.dedupe ?? true,
    },
    results: { resultsFolder: results?.resultsFolder ?? "", keepRaw: results?.keepRaw ?? false },
    limits: {
      concurrency: limits?.concurrency ?? DEFAULT_LIMITS.concurrency,
      rate: limits?.rate ?? DEFAULT_LIMITS.rate,
      maxRuns: limits?.maxRuns ?? DEFAULT_LIMITS.maxRuns,
      runTimeoutMs: limits?.runTimeoutMs ?? DEFAULT_LIMITS.runTimeoutMs,
      giveUpAfterMs: limits?.giveUpAfterMs ?? DEFAULT_LIMITS.giveUpAfterMs,
      onUncertain: limits?.onUncertain ?? DEFAULT_LIMITS.onUncertain,
    },
  };
}
