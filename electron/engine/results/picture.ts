/** A picture that was found in an answer, as a file. */
export interface FoundPicture {
  bytes: Uint8Array;
  /** Without a dot, by the first bytes and nothing else. */
  extension: PictureExtension;
}

export type PictureExtension = "jpg" | "png" | "webp" | "tif" | "bmp";

const DATA_URI = /^data:image\/[a-z0-9.+-]{1,40};base64,/i;
const HEAD_CHARS = 64;
/** Sizes of the second header of a BMP; "BM" alone is too little to believe. */
const BMP_HEADERS: readonly number[] = [12, 40, 52, 56, 64, 108, 124];

function startsWith(bytes: Buffer, signature: readonly number[], offset = 0): boolean {
  return signature.every((byte, i) => bytes[offset + i] === byte);
}

function extensionOf(head: Buffer): PictureExtension | null {
  if (startsWith(head, [0xff, 0xd8, 0xff])) return "jpg";
  if (startsWith(head, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])) return "png";
  if (startsWith(head, [0x52, 0x49, 0x46, 0x46]) && startsWith(head, [0x57, 0x45, 0x42, 0x50], 8))
    return "webp";
  if (startsWith(head, [0x49, 0x49, 0x2a, 0]) || startsWith(head, [0x49, 0x49, 0x2b, 0])) return "tif";
  if (startsWith(head, [0x4d, 0x4d, 0, 0x2a]) || startsWith(head, [0x4d, 0x4d, 0, 0x2b])) return "tif";
  const isBitmap =
    startsWith(head, [0x42, 0x4d]) && head.length >= 18 && BMP_HEADERS.includes(head.readUInt32LE(14));
  return isBitmap ? "bmp" : null;
}

/** All bytes, or null if any character is not base64: a decoder that skips characters would lose them. */
function decodeWhole(text: string): Buffer | null {
  const unpadded = text.endsWith("==") ? text.length - 2 : text.endsWith("=") ? text.length - 1 : text.length;
  const bytes = Buffer.from(text, "base64");
  return unpadded % 4 !== 1 && bytes.length === Math.floor((unpadded * 3) / 4) ? bytes : null;
}

/** The picture in a base64 text (with or without line breaks or a data URI's head), or null if it is none. */
export function decodePicture(text: string): FoundPicture | null {
  const body = text.startsWith("data:") ? text.replace(DATA_URI, "") : text;
  const extension = extensionOf(Buffer.from(body.slice(0, HEAD_CHARS), "base64"));
  if (extension === null) return null;
  const bytes = decodeWhole(body) ?? decodeWhole(body.replace(/[\r\n\t ]+/g, ""));
  return bytes === null ? null : { bytes, extension };
}
