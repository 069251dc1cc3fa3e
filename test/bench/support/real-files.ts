import { createHash } from "node:crypto";
import { closeSync, lstatSync, mkdirSync, openSync, writeFileSync } from "node:fs";
import { open, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { ImageStage } from "../../../electron/contract/image.ts";
import { createReader } from "../../../electron/engine/intake/formats/reader.ts";
import { fingerprintOf } from "../../../electron/engine/intake/identity.ts";
import { observationOf } from "../../../electron/engine/intake/observation.ts";
import { tinyPicture } from "../../support/pictures.ts";
import type { RealFile } from "./filled-data-file.ts";

/** Images in these stages are opened and read; the walk only looks at the others. */
const READ: readonly ImageStage[] = ["SEEN", "READY", "FOLLOWING", "UNCERTAIN"];

async function fingerprintIn(folder: string, picture: Buffer): Promise<number> {
  const file = join(folder, "fingerprint");
  await writeFile(file, picture);
  const handle = await open(file);
  try {
    return (await fingerprintOf(createReader(handle, picture.length))) ?? 0;
  } finally {
    await handle.close();
    await rm(file);
  }
}

/** Makes the file of an image when it is asked for: a tiny picture where it will be read, else an empty file. */
export async function realFilesIn(
  folder: string,
): Promise<(path: string, stage: ImageStage) => RealFile | null> {
  const picture = await tinyPicture(1);
  const content = {
    fingerprint: await fingerprintIn(folder, picture),
    sha256: createHash("sha256").update(picture).digest(),
  };
  let made = "";
  return (path, stage) => {
    if (stage === "MISSING") return null;
    const file = join(folder, path);
    const parent = dirname(file);
    if (parent !== made) mkdirSync(parent, { recursive: true });
    made = parent;
    const isRead = READ.includes(stage);
    if (isRead) writeFileSync(file, picture);
    else closeSync(openSync(file, "w"));
    const { bytes, mtimeUs, fileId } = observationOf(path, lstatSync(file, { bigint: true }));
    return { bytes, mtimeUs, fileId, content: isRead ? content : null };
  };
}
