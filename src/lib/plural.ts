import { formatCount } from "./format.ts";

/** 1 image, 2 images. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}
