import type { ImageFailure } from "../../contract/failure.ts";
import { fail, succeed, type Result } from "../../contract/result.ts";
import { inspectBmp } from "./formats/bmp.ts";
import { inspectJpeg } from "./formats/jpeg.ts";
import { inspectPng } from "./formats/png.ts";
import type { Reader } from "./formats/reader.ts";
import { sniff, SNIFF_BYTES, type PictureFormat } from "./formats/sniff.ts";
import { inspectTiff } from "./formats/tiff.ts";
import type { Inspector } from "./formats/verdict.ts";
import { inspectWebp } from "./formats/webp.ts";
import { errorCode } from "./fs-error.ts";

export type { PictureFormat } from "./formats/sniff.ts";

/** What the header of a complete picture tells; nothing was decoded. */
export interface Picture {
  format: PictureFormat;
  /** Pixels as stored, before `orientation` is applied. */
  width: number;
  height: number;
  /** EXIF, 1 to 8; 1 when the file has none. */
  orientation: number;
}

const INSPECTORS: Record<PictureFormat, Inspector> = {
  JPEG: inspectJpeg,
  PNG: inspectPng,
  TIFF: inspectTiff,
  WebP: inspectWebp,
  BMP: inspectBmp,
};

/**
 * Tells a picture's format and measures from header, offsets and tail, and whether the file reaches as far as its
 * format says. BMP, TIFF and WebP mark no end: of these, a file whose room was reserved but not filled cannot be told
 * from a finished one here, only by watching it settle.
 */
export async function inspectPicture(reader: Reader): Promise<Result<Picture, ImageFailure>> {
  const { bytes } = reader;
  if (bytes === 0) return fail({ reason: "empty-file" });
  try {
    const head = await reader.at(0, Math.min(bytes, SNIFF_BYTES));
    if (head === null) return fail({ reason: "still-changing" });
    const sniffed = sniff(head, bytes);
    if (sniffed.kind === "other") return fail({ reason: "unsupported-format", found: sniffed.found });
    const { format } = sniffed;
    const verdict = sniffed.kind === "cut" ? "cut" : await INSPECTORS[format](reader);
    if (verdict === "cut") return fail({ reason: "truncated", format });
    if (verdict === "damaged") return fail({ reason: "damaged", format });
    return succeed({ format, ...verdict });
  } catch (error) {
    return fail({ reason: "unreadable", code: errorCode(error) });
  }
}
