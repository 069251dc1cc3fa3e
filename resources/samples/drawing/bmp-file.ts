const HEADER_BYTES = 54;

/** Writes rows of red, green, blue bytes as an uncompressed 24-bit BMP file, which sharp cannot. */
export function encodeBmp(rgb: Buffer, width: number, height: number): Buffer {
  const rowBytes = Math.ceil((width * 3) / 4) * 4;
  const file = Buffer.alloc(HEADER_BYTES + rowBytes * height);
  file.write("BM", 0, "latin1");
  file.writeUInt32LE(file.length, 2);
  file.writeUInt32LE(HEADER_BYTES, 10);
  file.writeUInt32LE(40, 14);
  file.writeInt32LE(width, 18);
  file.writeInt32LE(height, 22);
  file.writeUInt16LE(1, 26);
  file.writeUInt16LE(24, 28);
  file.writeUInt32LE(rowBytes * height, 34);
  for (let y = 0; y < height; y += 1) {
    const row = HEADER_BYTES + rowBytes * (height - 1 - y);
    for (let x = 0; x < width; x += 1) {
      const from = (y * width + x) * 3;
      file[row + x * 3] = rgb[from + 2] ?? 0;
      file[row + x * 3 + 1] = rgb[from + 1] ?? 0;
      file[row + x * 3 + 2] = rgb[from] ?? 0;
    }
  }
  return file;
}
