import type { ImageStage, RunState } from "../../../electron/contract/image.ts";
import type { Database } from "../../../electron/engine/store/database.ts";

/** A step of an image that the engine said was on the disk. */
export interface Step {
  path: string;
  stage: ImageStage;
  runs: { id: number; uuid: string | null; state: RunState }[];
}

/** The steps among the lines that an engine said. */
export function stepsIn(lines: readonly string[]): Step[] {
  return lines.filter((line) => line.startsWith("step ")).map((line) => JSON.parse(line.slice(5)) as Step);
}

/** Steps that were said and that the data file knows nothing of any more; each as a sentence. */
export function lostSteps(db: Database, steps: readonly Step[]): string[] {
  const lost = new Set<string>();
  for (const { path, stage, runs } of steps) {
    for (const { id, uuid, state } of runs) {
      const kept = db.sql("SELECT uuid, state FROM runs WHERE id = ?").get(id) as
        { uuid: string | null; state: RunState } | undefined;
      if (kept === undefined) lost.add(`${path}: its run ${String(id)} is lost`);
      else if (uuid !== null && kept.uuid !== uuid)
        lost.add(`${path}: the id of its run ${String(id)} is lost`);
      else if (state === "DONE" && kept.state !== "DONE")
        lost.add(`${path}: run ${String(id)} is not done any more`);
    }
    if (stage !== "DONE") continue;
    const row = db
      .sql(
        `SELECT i.stage, r.runId, o.id AS outputId FROM images i LEFT JOIN results r ON r.imageId = i.id
         LEFT JOIN outputs o ON o.id = i.id * 1000 WHERE i.current = 1 AND i.path = ?`,
      )
      .get(path) as { stage: ImageStage; runId: number | null; outputId: number | null } | undefined;
    if (row?.stage !== "DONE" || row.runId === null || row.outputId === null)
      lost.add(`${path}: it was done and is ${row?.stage ?? "unknown"}`);
  }
  return [...lost];
}
