/** A caption's upper left corner on the screen and the text it holds. */
export interface Caption {
  x: number;
  y: number;
  text: string;
}

const LETTER = 7;
const PADDING = 8;
const HEIGHT = 18;

/** Those captions, in their order, that do not lie on one before them: a crowded picture stays readable. */
export function apart<T extends Caption>(captions: readonly T[]): T[] {
  const kept: T[] = [];
  for (const caption of captions) if (!kept.some((other) => isOn(caption, other))) kept.push(caption);
  return kept;
}

function isOn(a: Caption, b: Caption): boolean {
  const width = (caption: Caption): number => caption.text.length * LETTER + PADDING;
  return a.x < b.x + width(b) && b.x < a.x + width(a) && Math.abs(a.y - b.y) < HEIGHT;
}
