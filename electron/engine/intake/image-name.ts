const IMAGE = /\.(?:jpg|jpeg|jpe|jfif|png|tif|tiff|webp|bmp|dib)$/i;
const EXTENSION = /\.([a-z0-9_-]{1,10})$/i;

/** True for a name that promises a format which deployments decode (API facts, section 5.2). */
export function isImageName(name: string): boolean {
  return IMAGE.test(name);
}

const KINDS: readonly (readonly [found: string, extensions: string])[] = [
  ["a GIF", "gif"],
  ["HEIC/HEIF", "heic heif hif"],
  ["AVIF", "avif"],
  ["JPEG 2000", "jp2 j2k jpf jpx"],
  ["JPEG XL", "jxl"],
  ["a camera raw file", "raw cr2 cr3 crw nef nrw arw srf sr2 dng orf rw2 raf pef srw x3f"],
  ["a Photoshop file", "psd psb"],
  ["an SVG drawing", "svg svgz"],
  ["a PDF", "pdf"],
  ["a video", "mp4 m4v mov avi mkv webm mpg mpeg mts wmv 3gp"],
  ["an archive", "zip 7z rar gz tgz bz2 xz tar"],
  ["text", "txt md csv tsv json jsonl xml xmp yaml yml log ini"],
  ["an HTML page", "html htm"],
  ["a DICOM file", "dcm dicom"],
];

const KIND_OF = new Map(KINDS.flatMap(([found, all]) => all.split(" ").map((one) => [one, found] as const)));

/** What a file is by its name alone, in words that follow "This file is". */
export function kindByName(name: string): string {
  const extension = EXTENSION.exec(name)?.[1]?.toLowerCase();
  if (extension === undefined) return "a file without a picture's extension";
  return KIND_OF.get(extension) ?? `a .${extension} file`;
}
