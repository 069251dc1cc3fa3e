import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { writePictures } from "../../support/pictures.ts";
import { openRig } from "../../support/open-rig.ts";
import { createNotebook, type Runner, type Size, type Verdict } from "../support/runner.ts";

async function run({ short }: Size): Promise<Verdict> {
  const book = createNotebook();
  const images = short ? 40 : 500;
  await using rig = await openRig({ limits: { concurrency: 10 } });
  const written = await writePictures(rig.folder, images);
  const twins = [...written].slice(0, images / 10);
  for (const [path, sha256] of twins) {
    await copyFile(join(rig.folder, path), join(rig.folder, `twin-${path}`));
    written.set(`twin-${path}`, sha256);
  }
  const { ledger } = await rig.runToEnd();
  const stats = rig.simulator.control.stats();
  book.figure("images", images);
  book.figure("twins", twins.length);
  book.figure("submissions", stats.requests.put);
  book.figure("results taken", stats.taken);
  book.check(
    ledger.done === written.size,
    `${String(ledger.done)} of ${String(written.size)} images are done`,
  );
  book.check(
    stats.requests.put === images,
    `${String(stats.requests.put)} submissions for ${String(images)} images`,
  );
  for (const [path, sha256] of written)
    book.check((await rig.resultSha(path)) === sha256, `The result of ${path} is of other bytes`);
  return book.verdict();
}

export const runner: Runner = {
  promise:
    "P6: without faults each content is submitted exactly once, and each result is of its file's own bytes.",
  inShortForm: true,
  limitS: { short: 30, full: 120 },
  run,
  controls: [
    {
      name: "twins",
      without: "the sharing of one result by files of equal bytes",
      patches: [
        {
          file: "electron/engine/store/settle.ts",
          find: "const source = chooseSource(known, input.dedupe);",
          replace: "const source = chooseSource(known, false);",
        },
      ],
    },
  ],
};
