import type { StoredBatch } from "../store/batches.ts";
import type { StoredImage } from "../store/rows.ts";
import type { Store } from "../store/store.ts";
import { openImage } from "../intake/open.ts";
import { encodeName } from "../intake/path.ts";
import { createReader } from "../intake/formats/reader.ts";
import { inspectPicture } from "../intake/picture.ts";
import { unpackJson } from "../results/compress.ts";
import { filesOf } from "../results/export-rows.ts";
import { suffixesIn } from "../results/suffixes-in.ts";
import { previewOf, readWhole, type ShownPicture } from "./decode.ts";
import { createLanes } from "./lanes.ts";
import { createPictureCache } from "./picture-cache.ts";
import { showable } from "./showable.ts";

/** `none`: there is no such picture. `unreadable`: it is there, but cannot be shown. */
export type PictureAnswer =
  | ({ kind: "picture"; /** How long a browser may keep it. */ keepMs: number } & ShownPicture)
  | { kind: "none" }
  | { kind: "unreadable" };

/** Pictures by the ids of images: never a path from outside, never a file outside the batch's folders. */
export interface Previews {
  preview(imageId: number, edge: number, signal: AbortSignal): Promise<PictureAnswer>;
  file(imageId: number, suffix: string): Promise<PictureAnswer>;
}

const CACHE_BYTES = 64_000_000;
const AT_ONCE = 2;
/** Content with a known hash never changes under one id. */
const KEPT_MS = 3_600_000;

export function createPreviews(reader: Store): Previews {
  const cache = createPictureCache(CACHE_BYTES);
  const lanes = createLanes(AT_ONCE);

  async function ownerOf(imageId: number): Promise<{ image: StoredImage; batch: StoredBatch } | null> {
    const image = await reader.call("imageById", imageId);
    const batch = image === null ? null : await reader.call("getBatch", image.batchId);
    return image === null || batch === null ? null : { image, batch };
  }

  async function decodePreview(image: StoredImage, batch: StoredBatch, edge: number): Promise<PictureAnswer> {
    const opened = await openImage(batch.settings.intake.folder, image.path);
    if (!opened.ok) return { kind: "none" };
    try {
      const { handle, observation } = opened.value;
      const picture = await inspectPicture(createReader(handle, observation.bytes));
      // What is cut short is still worth a look; its format is told by its first bytes all the same.
      const format =
        picture.ok || picture.failure.reason !== "truncated"
          ? null
          : { format: picture.failure.format as "JPEG", width: 0, height: 0 };
      const about = picture.ok ? picture.value : format;
      const shown = about === null ? null : await previewOf(handle, observation.bytes, about, edge);
      return shown === null ? { kind: "unreadable" } : answerOf(shown, image);
    } finally {
      await opened.value.close();
    }
  }

  async function readResultFile(batch: StoredBatch, name: string, suffix: string): Promise<PictureAnswer> {
    // The names on the disk are these, to the letter: what looks like an escape in them is none.
    const path = name
      .split("/")
      .map((part) => encodeName(Buffer.from(part)))
      .join("/");
    const opened = await openImage(batch.settings.results.resultsFolder, path);
    if (!opened.ok) return { kind: "none" };
    try {
      const bytes = await readWhole(opened.value.handle, opened.value.observation.bytes);
      const shown = bytes === null ? null : await showable(suffix, bytes);
      return shown === null ? { kind: "unreadable" } : answerOf(shown, null);
    } finally {
      await opened.value.close();
    }
  }

  return {
    async preview(imageId, edge, signal) {
      const owner = await ownerOf(imageId);
      if (owner === null) return { kind: "none" };
      const { image, batch } = owner;
      const content = `${image.mtimeUs}-${image.bytes}-${image.fingerprint ?? ""}`;
      const key = `${edge} ${content} ${image.id}`;
      const kept = cache.get(key);
      if (kept !== null) return answerOf(kept, image);
      const answer = await lanes.run(() => decodePreview(image, batch, edge), signal);
      if (answer === null) return { kind: "none" };
      if (answer.kind === "picture") cache.put(key, { type: answer.type, bytes: answer.bytes });
      return answer;
    },
    async file(imageId, suffix) {
      const owner = await ownerOf(imageId);
      if (owner?.image.stage !== "DONE" || owner.image.current !== 1) return { kind: "none" };
      const stored = await reader.call("outputsOf", owner.image);
      const raws = stored.map((output) => unpackJson({ encoding: output.encoding, data: output.json }));
      const place = suffixesIn(raws).indexOf(suffix);
      // The JSON is named first, then the pictures in the order of the outputs.
      const name = place < 0 ? undefined : filesOf(owner.image, raws)[place + 1];
      return name === undefined ? { kind: "none" } : readResultFile(owner.batch, name, suffix);
    },
  };
}

/** Other bytes at its path are another image from then on. */
function isSettled(image: StoredImage): boolean {
  return image.fingerprint !== null;
}

function answerOf(shown: ShownPicture, image: StoredImage | null): PictureAnswer {
  return { kind: "picture", ...shown, keepMs: image === null || isSettled(image) ? KEPT_MS : 0 };
}
