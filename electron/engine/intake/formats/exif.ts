const EXIF_PREFIX = Buffer.from("Exif\0\0", "latin1");
const ORIENTATION = 0x0112;
const SHORT = 3;

/** The orientation (1 to 8) in a block of EXIF data, with or without its "Exif" prefix; null when there is none. */
export function exifOrientation(block: Buffer): number | null {
  const tiff = block.subarray(0, 6).equals(EXIF_PREFIX) ? block.subarray(6) : block;
  const order = tiff.toString("latin1", 0, 2);
  if (tiff.length < 8 || (order !== "II" && order !== "MM")) return null;
  const isLittle = order === "II";
  const u16 = (at: number): number => (isLittle ? tiff.readUInt16LE(at) : tiff.readUInt16BE(at));
  const directory = isLittle ? tiff.readUInt32LE(4) : tiff.readUInt32BE(4);
  if (directory + 2 > tiff.length) return null;
  const entries = u16(directory);
  for (let i = 0; i < entries; i += 1) {
    const at = directory + 2 + i * 12;
    if (at + 12 > tiff.length) return null;
    if (u16(at) === ORIENTATION && u16(at + 2) === SHORT) return validOrientation(u16(at + 8));
  }
  return null;
}

/** The value when EXIF defines it, else null. */
export function validOrientation(value: number): number | null {
  return Number.isInteger(value) && value >= 1 && value <= 8 ? value : null;
}
