/** Browsers clip elements higher than about 33 million pixels; beyond this height the scroll bar is scaled. */
const MOST_PIXELS = 12_000_000;
const OVERSCAN = 3;

export interface RowWindow {
  /** Height of the scrolled content in pixels. */
  height: number;
  first: number;
  /** Inclusive; smaller than `first` when there is no row. */
  last: number;
  /** As many rows as are ever drawn at once in a view this high: row i is drawn by slot i % slots, which it shares with no other. */
  slots: number;
  /** Where row i is put, in pixels from the top of the content. */
  topOf: (index: number) => number;
}

interface View {
  total: number;
  rowHeight: number;
  scrollTop: number;
  viewHeight: number;
}

/** Which rows to draw and where, for any number of rows. */
export function rowWindow({ total, rowHeight, scrollTop, viewHeight }: View): RowWindow {
  const real = total * rowHeight;
  const height = Math.min(real, MOST_PIXELS);
  const range = Math.max(1, height - viewHeight);
  const ratio = height === real ? 1 : (real - viewHeight) / range;
  const top = Math.min(scrollTop, range) * ratio;
  const shift = scrollTop - top;
  const first = Math.max(0, Math.floor(top / rowHeight) - OVERSCAN);
  const last = Math.min(total - 1, Math.ceil((top + viewHeight) / rowHeight) + OVERSCAN);
  const slots = Math.ceil(viewHeight / rowHeight) + 2 * OVERSCAN + 2;
  return { height, first, last, slots, topOf: (index) => (ratio === 1 ? 0 : shift) + index * rowHeight };
}

/** The scroll position that brings a row into view with as little movement as possible. */
export function scrollToRow(index: number, { total, rowHeight, scrollTop, viewHeight }: View): number {
  const real = total * rowHeight;
  const height = Math.min(real, MOST_PIXELS);
  const ratio = height === real ? 1 : (real - viewHeight) / Math.max(1, height - viewHeight);
  const top = scrollTop * ratio;
  const start = index * rowHeight;
  if (start < top) return start / ratio;
  if (start + rowHeight > top + viewHeight) return (start + rowHeight - viewHeight) / ratio;
  return scrollTop;
}
