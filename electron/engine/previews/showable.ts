import { bmpDecoder, decoderFor, type ShownPicture } from "./decode.ts";

const SHOWN_AS_IT_IS: Readonly<Record<string, string>> = {
  png: "image/png",
  jpg: "image/jpeg",
  webp: "image/webp",
};

/** A result picture as a browser shows it, pixel for pixel: TIFF and BMP become PNG. null = it cannot be decoded. */
export async function showable(suffix: string, bytes: Uint8Array): Promise<ShownPicture | null> {
  const extension = suffix.slice(suffix.lastIndexOf(".") + 1).toLowerCase();
  const type = SHOWN_AS_IT_IS[extension];
  if (type !== undefined) return { type, bytes };
  try {
    const decoder = extension === "bmp" ? bmpDecoder(Buffer.from(bytes)) : decoderFor(bytes);
    return { type: "image/png", bytes: await decoder.png({ compressionLevel: 3 }).toBuffer() };
  } catch {
    return null; // No decoder takes it; the raw answer is still there.
  }
}
