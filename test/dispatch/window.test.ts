import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createWindow } from "../../electron/engine/dispatch/window.ts";

describe("The window of outstanding runs", () => {
  test("starts at the person's limit", () => {
    expect(createWindow(5).size).toBe(5);
  });

  test.each([
    [10, 5],
    [5, 2],
    [2, 1],
    [1, 1],
  ])("of %i is halved to %i by congestion", (before, after) => {
    const window = createWindow(before);
    window.congested(0, 1);
    expect(window.size).toBe(after);
  });

  test("is halved once for all requests of one round trip", () => {
    const window = createWindow(16);
    window.congested(100, 200);
    window.congested(150, 210);
    window.congested(199, 220);
    expect(window.size).toBe(8);
    window.congested(201, 300);
    expect(window.size).toBe(4);
  });

  test("grows by one for each full window of successes, up to the limit", () => {
    const window = createWindow(8);
    window.congested(0, 1);
    const sizes: number[] = [];
    for (let i = 0; i < 40; i++) {
      window.succeeded();
      sizes.push(window.size);
    }
    expect(sizes.indexOf(5)).toBe(3);
    expect(sizes.indexOf(6)).toBe(8);
    expect(Math.max(...sizes)).toBe(8);
  });

  test("follows a lowered limit at once, and grows towards a raised one", () => {
    const window = createWindow(8);
    window.setLimit(3);
    expect(window.size).toBe(3);
    window.setLimit(6);
    for (let i = 0; i < 100; i++) window.succeeded();
    expect(window.size).toBe(6);
  });

  test("is as wide after an outage as before, whatever the outage cut, and although a few runs ended well in it", () => {
    const window = createWindow(8);
    window.succeeded();
    window.congested(0, 1);
    window.succeeded();
    window.congested(2, 3);
    window.restart();
    expect(window.size).toBe(1);
    window.restore();
    expect(window.size).toBe(8);
  });

  test("is not widened by an outage beyond what the server has coped with since it was cut", () => {
    const window = createWindow(8);
    window.congested(0, 1);
    for (let i = 0; i < 4; i++) window.succeeded();
    window.congested(2, 3);
    window.restore();
    expect(window.size).toBe(5);
    window.setLimit(3);
    window.restore();
    expect(window.size).toBe(3);
  });

  test("that starts carefully stays careful over an outage", () => {
    const window = createWindow(8, 1);
    expect(window.size).toBe(1);
    window.restore();
    expect(window.size).toBe(1);
    window.succeeded();
    expect(window.size).toBe(2);
  });

  test("stays between one and the limit whatever happens", () => {
    const happening = fc.oneof(
      fc.constant({ kind: "succeeded" as const }),
      fc.record({ kind: fc.constant("congested" as const), at: fc.nat(1000) }),
      fc.record({ kind: fc.constant("limit" as const), to: fc.integer({ min: 1, max: 20 }) }),
      fc.constant({ kind: "restart" as const }),
      fc.constant({ kind: "restore" as const }),
    );
    fc.assert(
      fc.property(fc.array(happening), (happenings) => {
        const window = createWindow(7);
        let limit = 7;
        for (const what of happenings) {
          if (what.kind === "succeeded") window.succeeded();
          else if (what.kind === "congested") window.congested(what.at, what.at + 1);
          else if (what.kind === "limit") window.setLimit((limit = what.to));
          else if (what.kind === "restart") window.restart();
          else window.restore();
          expect(window.size).toBeGreaterThanOrEqual(1);
          expect(window.size).toBeLessThanOrEqual(limit);
        }
      }),
    );
  });
});
