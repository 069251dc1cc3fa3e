import { isBmpHeader } from "./bmp.ts";

/** The formats that deployments are known to decode (API facts, section 5.2). */
export type PictureFormat = "JPEG" | "PNG" | "TIFF" | "WebP" | "BMP";

/** What the first bytes say; `found` follows "This file is". */
export type Sniffed =
  | { kind: "picture"; format: PictureFormat }
  /** Shorter than the signature that it begins with. */
  | { kind: "cut"; format: PictureFormat }
  | { kind: "other"; found: string };

/** How many first bytes `sniff` wants, when the file has them. */
export const SNIFF_BYTES = 512;

/** Signature bytes as Latin-1 text; "." stands for any byte. */
const PICTURES: readonly (readonly [PictureFormat, string])[] = [
  ["JPEG", "\xff\xd8\xff"],
  ["PNG", "\x89PNG\r\n\x1a\n"],
  ["TIFF", "II*\0"],
  ["TIFF", "MM\0*"],
  ["TIFF", "II+\0\x08\0\0\0"],
  ["TIFF", "MM\0+\0\x08\0\0"],
  ["WebP", "RIFF....WEBP"],
  ["BMP", "BM............"],
];

const OTHERS: readonly (readonly [found: string, signature: string])[] = [
  ["a GIF", "GIF87a"],
  ["a GIF", "GIF89a"],
  ["a PDF", "%PDF-"],
  ["a Photoshop file", "8BPS"],
  ["JPEG 2000", "\0\0\0\x0cjP"],
  ["JPEG 2000", "\xff\x4f\xff\x51"],
  ["JPEG XL", "\0\0\0\x0cJXL "],
  ["JPEG XL", "\xff\x0a"],
  ["JPEG XR", "II\xbc"],
  ["OpenEXR", "v/1\x01"],
  ["an icon", "\0\0\x01\0"],
  ["an audio file", "RIFF....WAVE"],
  ["a video", "RIFF....AVI "],
  ["a video", "\x1aE\xdf\xa3"],
  ["an archive", "PK\x03\x04"],
  ["an archive", "7z\xbc\xaf"],
  ["an archive", "Rar!"],
  ["an archive", "\x1f\x8b"],
  ["a camera raw file", "FUJIFILMCCD-RAW"],
  ["a camera raw file", "IIRO"],
  ["a camera raw file", "IIU\0"],
  ["a Netpbm picture", "P4\n"],
  ["a Netpbm picture", "P5\n"],
  ["a Netpbm picture", "P6\n"],
];

const BRANDS: readonly (readonly [found: string, brands: RegExp])[] = [
  ["AVIF", /^avi[fs]/],
  ["HEIC/HEIF", /^(?:hei[cxms]|hev[cxms]|mif1|mif2|msf1)/],
  ["a camera raw file", /^crx/],
];

/** Tells a format by the first bytes, never by the name. `bytes` is the size of the whole file. */
export function sniff(head: Buffer, bytes: number): Sniffed {
  const text = head.toString("latin1");
  for (const [format, signature] of PICTURES) {
    if (!agrees(text, signature)) continue;
    if (bytes < signature.length) return { kind: "cut", format };
    if (format === "BMP") {
      if (bytes < 18) return { kind: "cut", format };
      if (!isBmpHeader(head)) continue;
    }
    const raw = format === "TIFF" && text.slice(8, 10) === "CR";
    return raw ? { kind: "other", found: "a camera raw file" } : { kind: "picture", format };
  }
  return { kind: "other", found: describeOther(head, text) };
}

/** True when the text begins with the signature, or is shorter and does not contradict it. */
function agrees(text: string, signature: string): boolean {
  const length = Math.min(text.length, signature.length);
  for (let i = 0; i < length; i += 1) if (signature[i] !== "." && signature[i] !== text[i]) return false;
  return length > 0;
}

function describeOther(head: Buffer, text: string): string {
  const known = OTHERS.find(([, signature]) => text.length >= signature.length && agrees(text, signature));
  if (known !== undefined) return known[0];
  if (text.slice(4, 8) === "ftyp")
    return BRANDS.find(([, brands]) => brands.test(text.slice(8)))?.[0] ?? "a video";
  if (text.slice(128, 132) === "DICM") return "a DICOM file";
  if (head.every((byte) => byte === 0)) return "nothing but zeros";
  return describeText(head);
}

function describeText(head: Buffer): string {
  // The last character may be cut in the middle; decoding replaces it, which is no sign of anything.
  const text = head.toString("utf8").replace(/\ufffd{1,3}$/, "");
  // Text has no control characters but white space, and decodes as UTF-8.
  if (/[\0-\x08\x0e-\x1f\ufffd]/.test(text)) return "unknown data";
  const start = text
    .replace(/^\ufeff/, "")
    .trimStart()
    .slice(0, 100)
    .toLowerCase();
  if (start.startsWith("<!doctype html") || start.startsWith("<html")) return "an HTML page";
  if (start.startsWith("<svg") || text.includes("<svg")) return "an SVG drawing";
  return "text";
}
