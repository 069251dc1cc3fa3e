import type { StoredImage } from "../../../electron/engine/store/rows.ts";
import type { Rig } from "../../support/open-rig.ts";
import type { Notebook } from "./runner.ts";

/** How often an image may have been submitted, by what its row tells: once, and once more for each logged reason. */
export function explainedRuns(image: StoredImage): number {
  return 1 + image.uncertain + image.lost + image.workflowErrors;
}

/**
 * Asks three witnesses (result files, data file, server) whether each image is done with a result of its own bytes,
 * in one run that is done, with no more submissions than its row explains. Gives the current images by path.
 */
export async function checkAllDone(
  book: Notebook,
  rig: Rig,
  written: ReadonlyMap<string, string>,
): Promise<Map<string, StoredImage>> {
  const images = (await rig.images()).filter((image) => image.current === 1);
  const byPath = new Map(images.map((image) => [image.path, image]));
  const doneRuns = new Map<number, number>();
  for (const run of await rig.runs())
    if (run.state === "DONE") doneRuns.set(run.imageId, (doneRuns.get(run.imageId) ?? 0) + 1);
  const stats = rig.simulator.control.stats();
  for (const [path, sha256] of written) {
    const image = byPath.get(path);
    if (image?.stage !== "DONE") {
      book.check(false, `${path} is ${image?.stage ?? "unknown"} (${image?.failureJson ?? "no reason"})`);
      continue;
    }
    book.check((await rig.resultSha(path)) === sha256, `The result of ${path} is of other bytes`);
    book.check(
      doneRuns.get(image.id) === 1,
      `${path} has ${String(doneRuns.get(image.id) ?? 0)} finished runs`,
    );
    const accepted = stats.images[sha256]?.accepted ?? 0;
    book.check(
      accepted <= explainedRuns(image),
      `${path} was run ${String(accepted)} times, ${String(explainedRuns(image))} are explained`,
    );
  }
  book.check(byPath.size === written.size, `${String(byPath.size)} images for ${String(written.size)} files`);
  book.check(stats.doubleGets === 0, `${String(stats.doubleGets)} results were asked for twice at once`);
  return byPath;
}
