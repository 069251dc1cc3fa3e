import fc from "fast-check";
import { expect, test } from "vitest";
import { rowWindow, scrollToRow } from "../../src/lib/virtual-rows.ts";

test("however many rows there are, few are drawn and the last can be reached", () => {
  for (const total of [0, 1, 100_000, 1_000_000, 50_000_000]) {
    const view = { total, rowHeight: 40, viewHeight: 800, scrollTop: 0 };
    const { height } = rowWindow(view);
    expect(height).toBeLessThan(33_000_000);
    const end = rowWindow({ ...view, scrollTop: Math.max(0, height - 800) });
    expect(end.last).toBe(total - 1);
    expect(end.last - end.first).toBeLessThan(60);
  }
});

test("no two rows that are drawn at once share a slot", () => {
  const cases = fc.tuple(
    fc.integer({ min: 0, max: 3_000_000 }),
    fc.nat(12_000_000),
    fc.integer({ min: 40, max: 2000 }),
  );
  fc.assert(
    fc.property(cases, ([total, scrollTop, viewHeight]) => {
      const { first, last, slots } = rowWindow({ total, rowHeight: 40, viewHeight, scrollTop });
      expect(last - first + 1).toBeLessThanOrEqual(slots);
    }),
  );
});

test("a row that is scrolled to lies inside the view", () => {
  const cases = fc.tuple(
    fc.integer({ min: 50, max: 5_000_000 }),
    fc.double({ min: 0, max: 0.999, noNaN: true }),
    fc.double({ min: 0, max: 1, noNaN: true }),
  );
  fc.assert(
    fc.property(cases, ([total, at, from]) => {
      const view = { total, rowHeight: 40, viewHeight: 800, scrollTop: 0 };
      const { height } = rowWindow(view);
      const index = Math.floor(at * total);
      const scrollTop = scrollToRow(index, { ...view, scrollTop: from * (height - 800) });
      const rows = rowWindow({ ...view, scrollTop });
      const top = rows.topOf(index) - scrollTop;
      expect(top).toBeGreaterThanOrEqual(-1);
      expect(top).toBeLessThanOrEqual(801 - 40);
    }),
  );
});
