import { opendir } from "node:fs/promises";

/**
 * The names in a folder as bytes, `size` at a time: a million names never stand in memory at once.
 * Rejects with the file system's error.
 */
export async function* folderNames(folder: Buffer, size: number): AsyncGenerator<Buffer[]> {
  // Node accepts "buffer" here as everywhere; its types do not know.
  const directory = await opendir(folder, { encoding: "buffer" as BufferEncoding, bufferSize: size });
  try {
    let names: Buffer[] = [];
    for (let entry = await directory.read(); entry !== null; entry = await directory.read()) {
      names.push(entry.name as unknown as Buffer);
      if (names.length < size) continue;
      yield names;
      names = [];
    }
    if (names.length > 0) yield names;
  } finally {
    await directory.close();
  }
}
