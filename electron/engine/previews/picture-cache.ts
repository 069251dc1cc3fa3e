import type { ShownPicture } from "./decode.ts";

/** Pictures in memory, at most so many bytes; what was not looked at for longest goes first. */
export interface PictureCache {
  get(key: string): ShownPicture | null;
  put(key: string, picture: ShownPicture): void;
  readonly bytes: number;
}

export function createPictureCache(mostBytes: number): PictureCache {
  const kept = new Map<string, ShownPicture>();
  let bytes = 0;

  function drop(key: string): void {
    bytes -= kept.get(key)?.bytes.byteLength ?? 0;
    kept.delete(key);
  }

  return {
    get(key) {
      const found = kept.get(key);
      if (found === undefined) return null;
      kept.delete(key);
      kept.set(key, found);
      return found;
    },
    put(key, picture) {
      drop(key);
      if (picture.bytes.byteLength > mostBytes / 4) return;
      kept.set(key, picture);
      bytes += picture.bytes.byteLength;
      for (const oldest of kept.keys()) {
        if (bytes <= mostBytes) break;
        drop(oldest);
      }
    },
    get bytes() {
      return bytes;
    },
  };
}
