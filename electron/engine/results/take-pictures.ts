import { decodePicture } from "./picture.ts";

/** A picture taken out of an answer; `suffix` is the end of its file's name, after the image's own name. */
export interface TakenPicture {
  suffix: string;
  bytes: Uint8Array;
}

type Key = string | number;

/** Under any other key, a shorter text that happens to decode is not believed to be a picture. */
const MIN_CHARS = 200;
const PICTURE_KEY = /^(?:image|mask)/i;
/** More pictures than this stay in the JSON: a bound on the number of files one answer can make. */
const MAX_PICTURES = 10_000;

function setOwn(parent: object, key: Key, value: unknown): void {
  // Defining never reaches a prototype, whatever the key; an assignment is safe only where the key is its own.
  Object.defineProperty(parent, key, { value, writable: true, enumerable: true, configurable: true });
}

/**
 * Takes every embedded picture out of a freshly parsed tree, in place: `{"file": suffix}` stays where it was.
 * The tree must be at most `MAX_DEPTH` deep.
 */
export function takePictures(
  root: object,
  rootKey: string,
  suffixFor: (path: readonly Key[], extension: string) => string,
): TakenPicture[] {
  const pictures: TakenPicture[] = [];

  const visit = (
    parent: object,
    key: Key,
    value: unknown,
    path: readonly Key[],
    isPictureKey: boolean,
  ): void => {
    if (typeof value === "string") {
      if (!isPictureKey && value.length < MIN_CHARS) return;
      if (pictures.length >= MAX_PICTURES) return;
      const found = decodePicture(value);
      if (found === null) return;
      const suffix = suffixFor(path, found.extension);
      pictures.push({ suffix, bytes: found.bytes });
      setOwn(parent, key, { file: suffix });
    } else if (Array.isArray(value)) {
      value.forEach((inner: unknown, i) => {
        visit(value, i, inner, [...path, i], isPictureKey);
      });
    } else if (value !== null && typeof value === "object") {
      for (const [inner, innerValue] of Object.entries(value)) {
        visit(value, inner, innerValue, [...path, inner], PICTURE_KEY.test(inner));
      }
    }
  };

  const value = Object.entries(root).find(([key]) => key === rootKey)?.[1] as unknown;
  visit(root, rootKey, value, [], PICTURE_KEY.test(rootKey));
  return pictures;
}
