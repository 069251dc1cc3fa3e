import { opendir } from "node:fs/promises";
import type { Place } from "./path.ts";

/**
 * The names in a folder, one character for each byte, `size` at a time: a million names never stand in memory at once.
 * Rejects with the file system's error.
 */
export async function* folderNames(folder: Place, size: number): AsyncGenerator<string[]> {
  const directory = await opendir(folder, { encoding: "latin1", bufferSize: size });
  try {
    let names: string[] = [];
    for (let entry = await directory.read(); entry !== null; entry = await directory.read()) {
      names.push(entry.name);
      if (names.length < size) continue;
      yield names;
      names = [];
    }
    if (names.length > 0) yield names;
  } finally {
    await directory.close();
  }
}
